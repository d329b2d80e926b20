"""Removal of correlated noise from luma and chroma, by a network for white noise.

This network takes correlated noise for texture, unless it is given the sigma of white noise that
is as strong at low frequencies. The noise of chroma has the lowest frequencies, so it is removed at
a quarter, then at half of the size. A camera's JPEG file stores chroma at half of the size only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from denoise.inference import tiling
from denoise.inference.correlated import Noise, luma_chroma

NETWORK = "photo-gray"
APPLIES_TO = (NETWORK, "photo-color")  # networks for white noise in photographs
# sigma at a quarter of the size, unless that of luma is lower; edges of chroma are weak
LEAST_CHROMA = 5 / 255
# sigma of luma over the sigma of white noise in RGB
OF_WHITE = (0.299**2 + 0.587**2 + 0.114**2) ** 0.5

Gray = Callable[[Tensor, float | None], Tensor]
"""Network for gray images: (N, 1, H, W) and a sigma, or None -> the estimate in [0, 1]."""


class Restored(NamedTuple):
    """Estimate, (N, C, H, W) in [0, 1].

    Description of the method; sigma of correlated noise, or None without any.
    """

    estimate: Tensor
    method: str
    sigma: float | None = None


def clean(image: Tensor, noise: Noise, gray: Gray, sigma: float | None = None) -> Restored:
    """Remove correlated noise.

    Parameters
    ----------
    image : Tensor
        (1, 1 or 3, H, W) float32 in about [0, 1].
    noise : Noise
        Noise found by `denoise.inference.correlated.find`.
    gray : callable
        The network, on any device.
    sigma : float, optional
        Sigma of white noise per channel, in units of the [0, 1] range; replaces the detected level.
    """
    level = noise.sigma if sigma is None else sigma * (OF_WHITE if noise.colored else 1)
    if not noise.colored:
        return Restored(
            gray(image[:, :1], level).expand(image.shape).contiguous(), _method(noise), noise.sigma
        )
    assert level is not None  # colored noise was found by its level
    gray = _counted(gray, *image.shape[-2:])
    luma, *chroma = luma_chroma(image)
    luma = gray(luma, level)
    blue, red = (_chroma(plane, level, gray) for plane in chroma)
    estimate = torch.empty_like(image)
    estimate[:, :1] = luma + 1.402 * red
    estimate[:, 1:2] = luma - (0.114 * 1.772 * blue + 0.299 * 1.402 * red) / 0.587
    estimate[:, 2:] = luma + 1.772 * blue
    return Restored(estimate.clamp_(0, 1), _method(noise), noise.sigma)


def joined(parts: Sequence[Restored]) -> Restored:
    """Put estimates of one shape into one batch, with each method once and the highest sigma."""
    methods = "; ".join(dict.fromkeys(part.method for part in parts))
    levels = [part.sigma for part in parts if part.sigma is not None]
    return Restored(
        torch.cat([part.estimate for part in parts]), methods, max(levels, default=None)
    )


def _counted(gray: Gray, height: int, width: int) -> Gray:
    """Wrap the network so that each call reports its share of the whole progress.

    The whole is luma once, and each chroma channel at two sizes.
    """
    half, quarter = ((-(-height // side)) * (-(-width // side)) for side in (2, 4))
    work = height * width + 2 * (half + quarter)

    def counted(plane: Tensor, sigma: float | None) -> Tensor:
        with tiling.weighted(plane.numel(), work):
            return gray(plane, sigma)

    return counted


def _method(noise: Noise) -> str:
    seen = "" if noise.sigma is None else f", correlated noise of sigma {noise.sigma * 255:.1f}"
    return f"{NETWORK} on luma{' and chroma' * noise.colored}{seen}"


def _chroma(plane: Tensor, luma_sigma: float, gray: Gray) -> Tensor:
    """Denoise chroma, (1, 1, H, W) around 0, at a quarter, then at half of the size.

    Finer details are dropped.
    """
    half = _halved(plane + 0.5)
    quarter = _halved(half)
    level = max(min(LEAST_CHROMA, luma_sigma), luma_sigma / 4)
    half = half + _doubled(gray(quarter, level) - quarter, half)
    return _doubled(gray(half, luma_sigma / 2), plane) - 0.5


def _halved(plane: Tensor) -> Tensor:
    return F.avg_pool2d(plane, 2, ceil_mode=True)


def _doubled(plane: Tensor, like: Tensor) -> Tensor:
    height, width = like.shape[-2:]
    return F.interpolate(plane, scale_factor=2, mode="bicubic")[..., :height, :width]
