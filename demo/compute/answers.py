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

import denoise
from demo.compute import warm
from demo.compute.lead import FIRST_SEED, MATTERS, Lead, between, judged, redraws
from demo.compute.worker import alone
from denoise.decoders import DECODERS
from denoise.metrics import WINDOW, psnr, ssim
from denoise.noise import PictureDraws, check_level, corrupt
from denoise.registry import Entry, UnknownName, unknown

HIGHEST = 0.6  # the shipped networks were trained up to this sigma
CALLS = 3  # number of timed calls for a small image
PATIENCE = 0.005  # seconds; no further timed call starts after this total


@dataclass(frozen=True)
class Answer:
    """One image of the comparison: `image` is (H, W) uint8.

    A score is None if it cannot be computed.

    `lead` is set on the output with the highest PSNR if there are several decoders; `best` is True
    if that lead holds.
    """

    name: str
    label: str
    color: str
    image: np.ndarray
    psnr: float | None = None
    ssim: float | None = None
    ms: float | None = None
    parameters: int | None = None
    lead: Lead | None = None

    @property
    def best(self) -> bool:
        """Return True if this output has a confirmed lead."""
        return self.lead is not None and self.lead.holds


def families() -> list[str]:
    """Return the datasets for which weights of several decoders ship, sorted by name."""
    return sorted(
        {name.partition("-")[0] for name in denoise.names() if name.partition("-")[2] in DECODERS}
    )


def decoders() -> list[str]:
    """Return the valid decoders of `compare`, in registry order: those with weights of a family."""
    known = {key for family in families() for key in members(family)}
    return [name for name in DECODERS.names() if name in known] + sorted(
        known - set(DECODERS.names())
    )


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
    """Add noise to an image and denoise it with the decoders of a family.

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
        The dataset that the weights were trained on, one of `families()`.
    chosen : sequence of str, optional
        Some of `decoders()`; None: all.

    Returns
    -------
    list of Answer
        The clean image, the noisy image, then one output per decoder; the output with the highest
        PSNR has its lead.

    Raises
    ------
    ValueError
        The noise, level, seed, family or a decoder is invalid, or no decoder is chosen.
    """
    if not isinstance(clip, bool):
        raise ValueError(f"clipped {clip!r} is not true or false")
    if isinstance(sigma, bool) or not isinstance(sigma, int | float):
        raise ValueError(f"the level {sigma!r} is not a number")
    if check_level(sigma, noise) > HIGHEST:
        raise ValueError(
            f"the level {sigma:g} is not in 0 to {HIGHEST:g}, the training range of the networks"
        )
    draws = PictureDraws([whole(seed)])
    networks = [_load(name) for name in _chosen(family, chosen)]
    clean = torch.from_numpy(image.astype(np.float32) / 255)[None, None]  # (1, 1, H, W)
    noisy = corrupt(clean, float(sigma), draws, noise=noise, clip=clip)
    answered = [_timed(network, noisy) for network in networks]
    rows = [
        Answer("clean", "Clean", "#555555", image),
        Answer("noisy", "Noisy", "#999999", _shown(noisy)),
        *(_answer(network, *timed) for network, timed in zip(networks, answered, strict=True)),
    ]
    scores = _scores(torch.cat([noisy, *(estimate for estimate, _ in answered)]), clean)
    for place, (ratio, similar) in enumerate(scores, 1):
        rows[place] = replace(rows[place], psnr=ratio, ssim=similar)
    if len(networks) > 1:
        ratios = [ratio for ratio, _ in scores]  # of `rows[1:]`
        best, following = sorted(range(2, len(rows)), key=lambda i: -ratios[i - 1])[:2]
        shown = between(ratios[best - 1], ratios[following - 1])
        pair = [networks[best - 2], networks[following - 2]]
        rows[best] = replace(rows[best], lead=_lead(shown, pair, clean, float(sigma), noise, clip))
    return rows


def _lead(
    shown: float, pair: list[denoise.Denoiser], clean: Tensor, sigma: float, noise: str, clip: bool
) -> Lead:
    """Judge the lead of the first of two networks over the second.

    Redraw the noise only if the lead may matter.
    """
    if shown < MATTERS:
        return Lead(shown, 0, False)
    count = redraws(clean.shape[-2:])
    draws = PictureDraws([FIRST_SEED + number for number in range(count)])
    noisy = corrupt(clean.expand(count, -1, -1, -1), sigma, draws, noise=noise, clip=clip)
    scores = [
        psnr(network.estimate(noisy).cpu().clamp(0, 1), clean, data_range=1.0) for network in pair
    ]
    return judged(shown, *scores)


def whole(seed: Any) -> int:
    """Return the seed as an int in 0 to 2**64 - 1; raise ValueError if the seed is invalid."""
    number = isinstance(seed, int | float) and not isinstance(seed, bool)
    if not number or (isinstance(seed, float) and not seed.is_integer()):
        raise ValueError(f"the seed {seed!r} is not a whole number")
    if not 0 <= seed < 2**64:
        raise ValueError("the seed is not in 0 to 2**64 - 1")
    return int(seed)


def _chosen(family: str, chosen: Sequence[str] | None) -> list[str]:
    """Return the weight names of the chosen decoders of a family, in registry order."""
    valid = members(family)
    if chosen is None:
        return list(valid.values())
    if isinstance(chosen, str) or not isinstance(chosen, Sequence):
        raise ValueError(f"the decoders {chosen!r} are not a list of names")
    for key in chosen:
        if key not in decoders():
            raise UnknownName(unknown("decoder", str(key), decoders()))
    found = [name for key, name in valid.items() if key in chosen]
    if not found:
        raise ValueError(f"no decoder of {family} is chosen; valid: {', '.join(valid)}")
    return found


def members(family: str) -> dict[str, str]:
    """Return the map from decoders to weight names of a family, in registry order."""
    order = DECODERS.names()
    found = {
        key: name
        for name in denoise.names()
        for of, _, key in [name.partition("-")]
        if of == family
    }
    if not found:
        raise UnknownName(unknown("family of weights", family, families()))
    return dict(
        sorted(
            found.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)
        )
    )


def _load(name: str) -> denoise.Denoiser:
    return warm.network(name)


def _answer(network: denoise.Denoiser, estimate: Tensor, ms: float) -> Answer:
    # List weights under their own name if no single registered decoder builds the network, as in a
    # tutorial.
    decoder = network.card["architecture"].get("decoder")
    shown = (
        DECODERS[decoder]
        if decoder in DECODERS
        else Entry(network.name, denoise.load, network.name)
    )
    parameters = sum(parameter.numel() for parameter in network.network.parameters())
    return Answer(
        network.name, shown.label, shown.colour, _shown(estimate), ms=ms, parameters=parameters
    )


@functools.lru_cache(maxsize=256)
def _warm(network: denoise.Denoiser, shape: torch.Size) -> None:
    """Run a network once on a new input size: the first call prepares kernels and is not timed."""
    network.estimate(torch.zeros(shape))


def _timed(network: denoise.Denoiser, noisy: Tensor) -> tuple[Tensor, float]:
    """Return the estimate and the median time of a few calls in milliseconds.

    A large image is timed by one call.
    """
    _warm(network, noisy.shape)
    seconds: list[float] = []
    while not seconds or (len(seconds) < CALLS and sum(seconds) < PATIENCE):
        began = time.perf_counter()
        estimate = network.estimate(noisy).cpu()  # the copy waits until the GPU has finished
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


def _shown(image: Tensor) -> np.ndarray:
    return (image[0, 0].clamp(0, 1) * 255).round().byte().numpy()


def decibels(value: float | None) -> str:
    """Format a PSNR: "23.53 dB", "no error" if the images are equal, "–" for None."""
    if value is None:
        return "–"
    return "no error" if math.isinf(value) else f"{value:.2f} dB"
