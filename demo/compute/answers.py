"""Comparison of decoders without Gradio: noisy image, outputs and scores."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from demo.compute import results
from demo.compute.worker import alone
from denoise.classical import Denoise
from denoise.metrics import WINDOW, psnr, ssim
from denoise.noise import PictureDraws, check_level, corrupt
from denoise.registry import UnknownName, unknown

HIGHEST = 0.6  # the networks of the comparison were trained up to this sigma
CALLS = 3  # number of timed calls for a small image
PATIENCE = 0.005  # seconds; no further timed call starts after this total
CAP = 100.0  # dB; a difference above this PSNR is not visible
FIRST_ARMS = ("nearest", "bilinear", "transposed_k3", "transposed_k4", "unet")
"""Arms that the page opens with: the article's two layers, their relatives, and a ceiling."""


@dataclass(frozen=True)
class Answer:
    """One image of the comparison: `image` is (H, W) uint8.

    A score is None if it cannot be computed. `gain` is the PSNR in dB minus that of the first
    decoder.
    """

    name: str
    label: str
    color: str
    image: np.ndarray
    psnr: float | None = None
    ssim: float | None = None
    ms: float | None = None
    parameters: int | None = None
    gain: float | None = None


@alone
def compare(
    image: np.ndarray,
    noise: str,
    clip: bool,
    sigma: float,
    seed: int,
    family: str,
    chosen: Sequence[str] | None = None,
) -> list[Answer]:
    """Add noise to an image and denoise it with the arms of a family.

    Parameters
    ----------
    image : numpy.ndarray
        (H, W) uint8, clean.
    noise : str
        A name of `denoise.noise.NOISES`.
    clip : bool
        Clamp the noisy image to [0, 1] before it is denoised. The displayed image is clamped in any
        case.
    sigma : float
        Noise level in units of the [0, 1] range, at most `HIGHEST`.
    seed : int
        Seed of the noise: equal seeds give equal noise.
    family : str
        The dataset that the networks were trained on, one of `results.families()`.
    chosen : sequence of str, optional
        Some of `results.arms(family)`; None: `FIRST_ARMS`.

    Returns
    -------
    list of Answer
        The clean image, the noisy image, then one output per arm.

    Raises
    ------
    ValueError
        The noise, level, seed, family or a decoder is invalid, or no decoder is chosen.
    """
    check(noise, clip, sigma)
    shown = checked(family, chosen)
    draws = PictureDraws([whole(seed)])
    clean = torch.from_numpy(image.astype(np.float32) / 255)[None, None]  # (1, 1, H, W)
    noisy = corrupt(clean, float(sigma), draws, noise=noise, clip=clip)
    answered = [_timed(family, arm, noisy, float(sigma)) for arm in shown]
    rows = [
        Answer("clean", "Clean", "#555555", image),
        Answer("noisy", "Noisy", "#999999", pixels(noisy)),
    ]
    scores = _scores(torch.cat([noisy, *(estimate for estimate, _ in answered)]), clean)
    rows[1] = replace(rows[1], psnr=scores[0][0], ssim=scores[0][1])
    first = scores[1][0]
    for arm, (estimate, ms), (ratio, similar) in zip(shown, answered, scores[1:], strict=True):
        known = results.entry(arm)
        rows.append(
            Answer(
                *(name_of(family, arm), known.label, known.colour, pixels(estimate)),
                *(ratio, similar, ms, results.parameters(family, arm)),
                gain=between(ratio, first),
            )
        )
    return rows


def check(noise: str, clip: bool, sigma: float) -> None:
    """Raise ValueError if the noise, its level or its clamping is invalid."""
    if not isinstance(clip, bool):
        raise ValueError(f"clipped {clip!r} is not true or false")
    if isinstance(sigma, bool) or not isinstance(sigma, int | float):
        raise ValueError(f"the level {sigma!r} is not a number")
    if check_level(sigma, noise) > HIGHEST:
        raise ValueError(
            f"the level {sigma:g} is not in 0 to {HIGHEST:g}, the training range of the networks"
        )


def name_of(family: str, arm: str) -> str:
    """Return the name of an arm in scores: networks are named after their training set."""
    return arm if arm in results.CLASSICAL else f"{family}-{arm}"


def between(ratio: float, first: float) -> float:
    """Return a difference of two PSNRs in dB; each is capped, because equal images have inf."""
    return min(ratio, CAP) - min(first, CAP)


def whole(seed: Any) -> int:
    """Return the seed as an int in 0 to 2**64 - 1; raise ValueError if the seed is invalid."""
    number = isinstance(seed, int | float) and not isinstance(seed, bool)
    if not number or (isinstance(seed, float) and not seed.is_integer()):
        raise ValueError(f"the seed {seed!r} is not a whole number")
    if not 0 <= seed < 2**64:
        raise ValueError("the seed is not in 0 to 2**64 - 1")
    return int(seed)


def checked(family: str, chosen: Sequence[str] | None) -> list[str]:
    """Return the chosen arms of a family in the order of the registries; None: `FIRST_ARMS`.

    Raises
    ------
    ValueError
        The family or an arm is unknown, or no arm of the family is chosen.
    """
    valid = results.arms(family)
    if chosen is None:
        return [arm for arm in valid if arm in FIRST_ARMS] or valid
    if isinstance(chosen, str) or not isinstance(chosen, Sequence):
        raise ValueError(f"the decoders {chosen!r} are not a list of names")
    for key in chosen:
        if key not in results.every_arm():
            raise UnknownName(unknown("decoder", str(key), results.every_arm()))
    found = [arm for arm in valid if arm in chosen]
    if not found:
        raise ValueError(f"no decoder of {family} is chosen; valid: {', '.join(valid)}")
    return found


@functools.lru_cache(maxsize=256)
def _warm(family: str, arm: str, shape: torch.Size) -> Denoise:
    """Run an arm once on a new input size: the first call prepares kernels and is not timed."""
    method = results.denoise(family, arm)
    method(torch.zeros(shape), 0.1)
    return method


def _timed(family: str, arm: str, noisy: Tensor, sigma: float) -> tuple[Tensor, float]:
    """Return the estimate and the median time of a few calls in milliseconds.

    A large image is timed by one call.
    """
    method = _warm(family, arm, noisy.shape)
    seconds: list[float] = []
    while not seconds or (len(seconds) < CALLS and sum(seconds) < PATIENCE):
        began = time.perf_counter()
        estimate = method(noisy, sigma)
        seconds.append(time.perf_counter() - began)
    return estimate, float(np.median(seconds)) * 1e3


def _scores(preds: Tensor, clean: Tensor) -> list[tuple[float, float | None]]:
    """Return PSNR in dB and SSIM of each displayed image.

    SSIM is None if the image is smaller than the SSIM window.
    """
    preds = preds.clamp(0, 1)
    similar = (
        ssim(preds, clean, data_range=1.0).tolist()
        if min(clean.shape[-2:]) >= WINDOW
        else [None] * len(preds)
    )
    return list(zip(psnr(preds, clean, data_range=1.0).tolist(), similar, strict=True))


def pixels(image: Tensor) -> np.ndarray:
    """Return the first image of a batch, (N, 1, H, W) in about [0, 1], as (H, W) uint8."""
    return (image[0, 0].clamp(0, 1) * 255).round().byte().numpy()


def decibels(value: float | None) -> str:
    """Format a PSNR: "23.53 dB", "no error" if the images are equal, "–" for None."""
    if value is None:
        return "–"
    return "no error" if math.isinf(value) else f"{value:.2f} dB"
