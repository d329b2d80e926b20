"""Warnings about a sigma far from the visible noise, or an image unlike the training images.

Each rule is wide: an image of the kind that a network was trained on gets no warning. An image of
another kind mostly gets a warning.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from denoise import noise_level
from denoise.datasets import DATASETS
from denoise.datasets.glyphs import SIDE
from denoise.inference.engine import Denoiser

SCALE = 255  # scale of the noise levels shown to users
SURE_SIDE = 64  # pixels of a side; in smaller images, details and noise are hard to separate
CLAMPED = 0.05  # share of pixels at black or white from which the noise is underestimated
SHOWN = {
    "photographs": "photographs",
    "pages": "scanned pages",
    "objects": f"images of {SIDE}x{SIDE} pixels",
}


def of_sigma(image: Tensor, sigma: float | None, seen: float | None) -> list[str]:
    """Return a warning if the given noise level is far from the estimated one.

    Parameters
    ----------
    image : Tensor
        (C, H, W) in about [0, 1].
    sigma, seen : float, optional
        Given level and estimated level, in units of the [0, 1] range.
    """
    if sigma is None or seen is None or min(image.shape[-2:]) < SURE_SIDE:
        return []
    middle = noise_level.middle(image)
    clamped = ((middle <= 0) | (middle >= 1)).float().mean().item() > CLAMPED
    lowest, highest = seen / 1.5 - 3 / SCALE, (seen * 1.5 + 3 / SCALE) * (1.25 if clamped else 1)
    if lowest <= sigma <= highest:
        return []
    return [
        f"--sigma {_read(sigma)} is far from the estimated white noise, about {_read(seen)} "
        "(0-255 scale)"
    ]


def of_training(
    denoiser: Denoiser, image: Tensor, sigma: float | None, seen: float | None
) -> list[str]:
    """Return a warning if an image is unlike the training images that the network's card names.

    `image`, `sigma` and `seen` are the parameters of `of_sigma`.
    """
    settings = denoiser.card.get("settings", {})
    dataset = str(settings.get("dataset", "")).partition(":")[0]
    kind = DATASETS[dataset].facts.get("kind", "objects") if dataset in DATASETS else None
    if kind is not None and (other := _of_kind(kind, dataset, image)):
        return [f"{denoiser.name} was trained on {SHOWN[kind]}; this image {other}"]
    low, high = settings.get("sigma", (0, math.inf))
    small = min(image.shape[-2:]) < SURE_SIDE
    found = sigma if sigma is not None else None if small else seen
    if found is None or settings.get("noise", "gaussian") != "gaussian":
        return []
    if low / 2 - 5 / SCALE <= found <= high * 1.25 + 5 / SCALE:
        return []
    trained = f"{_read(low)} to {_read(high)}" if low < high else _read(low)
    return [
        f"{denoiser.name} was trained on sigma {trained}; this image has about "
        f"{_read(found)} (0-255 scale)"
    ]


def _of_kind(kind: str, dataset: str, image: Tensor) -> str:
    """Return the difference between an image and a kind of dataset; empty if there is none."""
    height, width = image.shape[-2:]
    if kind == "objects" and min(height, width) > 2 * SIDE:
        return f"has {width}x{height} pixels"
    if kind == "objects" and dataset == "mnist" and image.mean() > 0.6:
        return "is mostly bright: MNIST digits are bright on black, so invert it"
    if kind in ("photographs", "pages") and max(height, width) <= SIDE + 4:
        return f"has {width}x{height} pixels, like a single digit"
    if kind == "pages" and not _is_page(image):
        return "has no bright background"
    return ""


def _is_page(image: Tensor) -> bool:
    """Return True if most of an image has about one bright value, as paper has."""
    gray = image.mean(0).flatten()
    few = gray[:: max(1, len(gray) // 100_000)]  # a sample of the pixels is enough
    quarter, half, most = torch.quantile(few, torch.tensor([0.25, 0.5, 0.95]).to(few)).tolist()
    return half > 0.4 and most - half < 0.25 and most - quarter < 0.5


def _read(sigma: float) -> str:
    return f"{sigma * SCALE:.3g}"
