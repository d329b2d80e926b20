"""What the Photo tab computes, without Gradio: a picture of any size cleaned, with scores where the truth is known."""

from __future__ import annotations

import dataclasses
import functools
import time
from dataclasses import dataclass

import numpy as np
from torch import Tensor

import denoise
from demo import compute, gpu, warm
from demo.answers import whole
from demo.compute import alone
from denoise import tiles
from denoise.camera import Restored
from denoise.cleaning import PHOTOGRAPHS
from denoise.level import of_middle
from denoise.metrics import WINDOW, psnr, ssim
from denoise.noise import PictureDraws, corrupt
from denoise.picture_files import PictureFile
from denoise.pictures import as_batch

HIGHEST = 100  # sigma on the 0-255 scale up to which the networks were trained
SCALE = 255
JUDGED_SIDE = 512  # pixels: the level is estimated from the middle of a larger picture
WORTH_A_GPU = 512 * 512  # pixels
TILE_PIXELS = 408 * 408  # 512 x 512 with the overlap: of that size a layer of a network for photographs takes 34 MB
KINDS = {"photograph": "Photograph", "page": "Scanned page with stains"}


@dataclass(frozen=True)
class Cleaned:
    """One picture before and after.

    `before` and `after` are (H, W) or (H, W, 3) uint8, as they are shown; `file` is the answer with every bit and all
    that was beside the pixels. `psnr` and `ssim` are (before, after), None where the truth is not known or the picture
    too small. `estimate` is the level of the noise told from the picture alone, on the 0-255 scale; `network` the
    method in words.
    """

    before: np.ndarray
    after: np.ndarray
    file: PictureFile
    network: str
    ms: float
    psnr: tuple[float, float] | None = None
    ssim: tuple[float, float] | None = None
    estimate: float | None = None


@alone
def clean(picture: PictureFile, kind: str = "photograph", sigma: float = 0) -> Cleaned:
    """Clean a picture that is noisy.

    Parameters
    ----------
    picture : PictureFile
    kind : str
        One of `KINDS`: what the network knows.
    sigma : float
        How much noise of a photograph to take, on the 0-255 scale; 0: as much as the network sees.

    Raises
    ------
    ValueError
        Another kind, or a sigma that is no number from 0 to `HIGHEST`.
    """
    name = _network(picture, kind)
    before, restore = as_batch(picture.pixels)
    done, ms = _timed(name, before, _level(sigma) or None)
    cleaned = dataclasses.replace(picture, pixels=restore(done.estimate))
    seen = _estimated(before) if done.sigma is None else done.sigma * SCALE
    return Cleaned(_shown(before), _shown(done.estimate), cleaned, done.method, ms, estimate=seen)


@alone
def add_and_clean(picture: PictureFile, kind: str, sigma: float, seed: int) -> Cleaned:
    """Add Gaussian noise, not clamped, to a picture that is clean, and clean it; scores are against the picture.

    `sigma` (of the noise, which the network is not told) and errors as for `clean`; `seed` as for `demo.answers`.
    """
    name = _network(picture, kind)
    truth, restore = as_batch(picture.pixels)
    noisy = corrupt(truth, _level(sigma), PictureDraws([whole(seed)]), clip=False)
    done, ms = _timed(name, noisy, None)
    estimate = done.estimate
    pair = noisy.clamp(0, 1), estimate
    similar = None
    if min(truth.shape[-2:]) >= WINDOW:
        similar = tuple(ssim(one, truth, data_range=1.0).item() for one in pair)
    return Cleaned(
        _shown(noisy), _shown(estimate), dataclasses.replace(picture, pixels=restore(estimate)), done.method, ms,
        psnr=tuple(psnr(one, truth, data_range=1.0).item() for one in pair), ssim=similar, estimate=_estimated(noisy),
    )  # fmt: skip


def _network(picture: PictureFile, kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"the kind {kind!r} is not one of {', '.join(KINDS)}")
    return "document" if kind == "page" else PHOTOGRAPHS[picture.colours]


@functools.cache
def _on_borrowed(name: str) -> denoise.Denoiser:
    # What is quickest would be found out on the visitor's time where a GPU is lent, and in each process anew.
    return denoise.load(name, "cuda", "float32")


def _timed(name: str, noisy: Tensor, level: float | None) -> tuple[Restored, float]:
    """The estimate of (1, C, H, W), and its milliseconds; a network that cannot be told a level cleans what it sees."""
    network = warm.network(name)
    level = level if network.network.told else None
    network.prepare()  # outside of what is timed
    began = time.perf_counter()
    # A borrowed GPU costs waiting, and a part of what the visitor may borrow: not for what takes no time without.
    if gpu.BORROWED and noisy.numel() > WORTH_A_GPU:
        done = _borrowing(name, noisy, level)
    else:
        with tiles.sized(TILE_PIXELS, compute.report), compute.giving_way():
            done = network.clean(noisy, level)
    return done._replace(estimate=done.estimate.cpu()), (time.perf_counter() - began) * 1e3


@gpu.lent
def _borrowing(name: str, noisy: Tensor, level: float | None) -> Restored:
    done = _on_borrowed(name).clean(noisy.cuda(), level)
    return done._replace(estimate=done.estimate.cpu())


def _level(sigma: float) -> float:
    if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 <= sigma <= HIGHEST:
        raise ValueError(f"the level {sigma!r} is not in 0 to {HIGHEST}, on the 0-255 scale")
    return sigma / SCALE


def _shown(batch: Tensor) -> np.ndarray:
    pixels = batch[0].clamp(0, 1).mul_(255).round_().byte().permute(1, 2, 0).numpy()
    return pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels


def _estimated(batch: Tensor) -> float | None:
    """The level of the noise on the 0-255 scale; None where the picture is too small to tell it."""
    found = of_middle(batch[0], JUDGED_SIDE)
    return None if found is None else found * SCALE
