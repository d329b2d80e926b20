"""Inference of the Photo tab without Gradio, for images of any size."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

import denoise
from demo.compute import warm, worker, zerogpu
from demo.compute.answers import whole
from demo.compute.worker import alone
from denoise.images.arrays import as_batch
from denoise.images.image_files import PictureFile
from denoise.images.writing import converted
from denoise.inference import tiling
from denoise.inference.camera import Restored
from denoise.inference.clean_files import PHOTOGRAPHS
from denoise.metrics import WINDOW, psnr, ssim
from denoise.noise import PictureDraws, corrupt
from denoise.noise_level import of_middle

HIGHEST = 100  # sigma on the 0-255 scale up to which the networks were trained
SCALE = 255
JUDGED_SIDE = 512  # pixels: the noise level of a larger image is estimated from its center
WORTH_A_GPU = 512 * 512  # pixels
# 512x512 with overlap: at this size, a layer of a network for photographs takes 34 MB
TILE_PIXELS = 408 * 408
PAGES = "document"  # weights for scanned pages
NETWORKS = (*PHOTOGRAPHS.values(), PAGES)
KINDS = {"photograph": "Photograph", "page": "Scanned page with stains"}


@dataclass(frozen=True)
class Cleaned:
    """One image before and after denoising.

    `before` and `after` are (H, W) or (H, W, 3) uint8 for display; `file` is the output at full bit
    depth with the metadata of the input, and `noisy` the pixels of the input, as in `file`. `psnr`
    and `ssim` are (before, after), or None if the truth is unknown or the image too small.
    `estimate` is the blind estimate of the noise level on the 0-255 scale; `network` is the method
    in words. `errors` gives the PSNR of every blend, if the truth is known: mean squared error of
    the input, mean product of both errors, mean squared error of the output.
    """

    before: np.ndarray
    after: np.ndarray
    file: PictureFile
    noisy: np.ndarray
    network: str
    ms: float
    psnr: tuple[float, float] | None = None
    ssim: tuple[float, float] | None = None
    estimate: float | None = None
    errors: tuple[float, float, float] | None = None


@alone
def clean(image: PictureFile, kind: str = "photograph", sigma: float = 0) -> Cleaned:
    """Denoise a noisy image.

    Parameters
    ----------
    image : PictureFile
    kind : str
        The training domain of the network, one of `KINDS`.
    sigma : float
        Noise level to remove from a photograph, on the 0-255 scale; 0: blind.

    Raises
    ------
    ValueError
        `kind` is unknown, or `sigma` is not a number from 0 to `HIGHEST`.
    """
    name = _network(image, kind)
    with worker.giving_way():
        before, restore = as_batch(image.pixels)
    done, ms = _timed(name, before, _level(sigma) or None)
    seen = _estimated(before) if done.sigma is None else done.sigma * SCALE
    with worker.giving_way():
        cleaned = dataclasses.replace(image, pixels=restore(done.estimate))
        shown = _shown(image), _shown(cleaned)
    return Cleaned(*shown, cleaned, image.pixels, done.method, ms, estimate=seen)


@alone
def add_and_clean(image: PictureFile, kind: str, sigma: float, seed: int) -> Cleaned:
    """Add Gaussian noise, unclamped, to a clean image, and denoise the result.

    Score it against the clean image.

    `sigma` is the level of the added noise; the network does not get it. `sigma` and errors as for
    `clean`; `seed` as for `demo.compute.answers`.
    """
    name = _network(image, kind)
    with worker.giving_way():
        truth, restore = as_batch(image.pixels)
        noisy = corrupt(truth, _level(sigma), PictureDraws([whole(seed)]), clip=False)
    done, ms = _timed(name, noisy, None)
    estimate, seen = done.estimate, _estimated(noisy)
    with worker.giving_way():
        pair = noisy.clamp(0, 1), estimate
        large = min(truth.shape[-2:]) >= WINDOW
        given, made = (dataclasses.replace(image, pixels=restore(one)) for one in pair)
        return Cleaned(
            before=_shown(given),
            after=_shown(made),
            file=made,
            noisy=given.pixels,
            network=done.method,
            ms=ms,
            psnr=_of_each(psnr, pair, truth),
            ssim=_of_each(ssim, pair, truth) if large else None,
            estimate=seen,
            errors=_errors(*pair, truth),
        )


def _errors(noisy: Tensor, estimate: Tensor, truth: Tensor) -> tuple[float, float, float]:
    first, last = noisy - truth, estimate - truth
    products = (first * first, first * last, last * last)
    squared, mixed, rest = (product.double().mean().item() for product in products)
    return squared, mixed, rest


def _of_each(
    score: Callable[..., Tensor], pair: tuple[Tensor, Tensor], truth: Tensor
) -> tuple[float, float]:
    first, second = (score(one, truth, data_range=1.0).item() for one in pair)
    return first, second


def _network(image: PictureFile, kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"the kind {kind!r} is not one of {', '.join(KINDS)}")
    return PAGES if kind == "page" else PHOTOGRAPHS[image.colours]


@functools.cache
def _on_borrowed(name: str) -> denoise.Denoiser:
    # The network as it was trained: each new process would fuse it again, on the visitor's time.
    return denoise.load(name, "cuda", "float32")


def _timed(name: str, noisy: Tensor, level: float | None) -> tuple[Restored, float]:
    """Return the estimate (1, C, H, W) and its milliseconds.

    Only a noise-conditional network uses `level`.
    """
    network = warm.network(name)
    level = level if network.network.noise_conditional else None
    network.prepare()  # not timed
    began = time.perf_counter()
    # Borrow a GPU only for large inputs: a loan costs waiting time and a part of the visitor's
    # quota.
    if zerogpu.BORROWED and noisy.numel() > WORTH_A_GPU:
        done = _borrowing(name, noisy, level)
    else:
        with tiling.sized(TILE_PIXELS, worker.report), worker.giving_way():
            done = network.clean(noisy, level)
    return done._replace(estimate=done.estimate.cpu()), (time.perf_counter() - began) * 1e3


@zerogpu.lent
def _borrowing(name: str, noisy: Tensor, level: float | None) -> Restored:
    done = _on_borrowed(name).clean(noisy.cuda(), level)
    return done._replace(estimate=done.estimate.cpu())


def _level(sigma: float) -> float:
    if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 <= sigma <= HIGHEST:
        raise ValueError(f"the level {sigma!r} is not in 0 to {HIGHEST}, on the 0-255 scale")
    return sigma / SCALE


def _shown(image: PictureFile) -> np.ndarray:
    """Return the colors of an image in 8 bits: those of a file of 8 bits, unchanged."""
    pixels = converted(image.pixels[..., : image.colours], np.dtype(np.uint8))
    return pixels.squeeze(-1) if image.colours == 1 else pixels


def _estimated(batch: Tensor) -> float | None:
    """Return the estimated noise level on the 0-255 scale.

    Return None if the image is too small.
    """
    found = worker.beside(lambda: of_middle(batch[0], JUDGED_SIDE))
    return None if found is None else found * SCALE
