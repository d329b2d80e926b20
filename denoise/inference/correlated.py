"""Detection of correlated noise from cameras and JPEG files.

A network for white noise takes correlated noise for texture.

The spectrum of the noise is estimated from flat patches, as in `denoise.noise_level`. For white
noise, all eigenvalues of the patches' covariance are equal. Demosaicing and JPEG make the smallest
eigenvalue small; JPEG's subsampling does so in chroma alone.

Two facts separate an image without flat patches from a noisy one. Texture is stronger in some
blocks than in other blocks, and stronger at lower frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from denoise import noise_level

SMALLEST = 64  # pixels of a side; below it, too few flat patches remain at half size
TILE, TILES = 128, 3  # a larger image is evaluated on TILES tiles of TILE pixels along each axis
DENSE = TILE**2  # pixels up to which every patch is used
BLOCK = 8  # pixels of a side, as in JPEG
MEDIAN = noise_level.SIDE**2 // 2  # rank of the middle eigenvalue
CALM = 0.2  # share of the blocks of an image that is assumed to be flat
EIGHT_BITS = 0.3 / 255  # noise of rounding to 8 bits: white, and too weak to remove
# sigma of chroma over that of luma from which noise may be white; 0.95 for white noise in RGB
WHITE = 0.4
# sigma at half size, times 2, over sigma, up to which noise of chroma is white; 1 for white noise
FLAT = 1.75
FLAT_LUMA = 2.5  # the same ratio for luma, which includes texture
CALMEST = 0.01  # share of the blocks that counts as calmest
# deviation within calmest over that within calm blocks, from which it is even; about 0.8 for noise
EVEN = 0.5
# noise level over that one octave below, up to which it falls like texture; 1 for JPEG noise
FALLING = 0.75
# sigma of chroma that rounding RGB to 8 bits leaves, unless chroma is interpolated
ROUNDED = 0.18 / 255
# smallest over middle eigenvalue (of sigma) up to which JPEG has removed a part of the noise
QUANTIZED = 0.85
# sigma of such quantized noise over the deviation within calm blocks; about 1.9 for noise alone
ABOVE_CALM = 1.3
# sigma from which noise is detected: by the smallest, by the middle eigenvalue
STRONG, WEAK = 3 / 255, 0.6 / 255
# bounds of the sigma in use: JPEG hides less noise in flat parts; more may be texture
LEAST, MOST = 6 / 255, 10 / 255


@dataclass(frozen=True)
class Noise:
    """Correlated noise of an image.

    `sigma` is the sigma of white noise in luma that is as strong at low frequencies, in units of
    the [0, 1] range. `sigma` is None if only the channels are correlated with each other. `colored`
    is False if there is one channel, or three equal channels.
    """

    sigma: float | None
    colored: bool


def luma_chroma(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Split (..., 3, H, W) RGB into Y, Cb and Cr, each (..., 1, H, W).

    The conversion is that of JPEG (ITU-R BT.601, full range).
    """
    red, green, blue = image.split(1, dim=-3)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return luma, (blue - luma) / 1.772, (red - luma) / 1.402


def find(image: Tensor) -> Noise | None:
    """Detect correlated noise.

    Parameters
    ----------
    image : Tensor
        (C, H, W) float32 in about [0, 1].

    Returns
    -------
    Noise or None
        None if the noise is white or too weak to separate from texture. Also None if the image is
        smaller than 64x64, or has neither 1 nor 3 channels.
    """
    channels, height, width = image.shape
    if channels == 3 and image[0].equal(image[1]) and image[0].equal(image[2]):
        return find(image[:1]) or Noise(None, colored=False)
    if channels not in (1, 3) or min(height, width) < SMALLEST:
        return None
    seen = _mosaic(image).cpu()
    luma, *chroma = luma_chroma(seen) if channels == 3 else (seen,)
    sigma = _level(luma)
    if _is_white(luma, sigma, chroma):
        return None
    half, soft = _level(luma, halved=True), _level(luma, MEDIAN, halved=True)
    calmest, calm = _roughness(luma)
    falls = half < FALLING * soft or _level(luma, MEDIAN) < FALLING * half
    textured = calmest < EVEN * calm and falls
    sharp = max(sigma, half)
    if half > QUANTIZED * soft or soft < ABOVE_CALM * calm:
        soft = 0.0
    if sharp < STRONG and soft < WEAK:
        return None
    if not textured:
        return Noise(max(LEAST, sharp, min(soft, MOST)), bool(chroma))
    # not a camera's or JPEG's noise
    if chroma and sigma < STRONG and _mean_level(chroma) > ROUNDED:
        return None
    return Noise(max(LEAST, sigma), bool(chroma))


def _is_white(luma: Tensor, sigma: float, chroma: list[Tensor]) -> bool:
    """Return True if the noise is white: in RGB, or in luma for gray images."""
    if not chroma:
        return sigma > EIGHT_BITS and _level(luma, halved=True) <= FLAT_LUMA * sigma
    full, half = _mean_level(chroma), _mean_level(chroma, halved=True)
    return full > max(EIGHT_BITS, WHITE * sigma) and half <= FLAT * full


def _level(plane: Tensor, rank: int = 0, *, halved: bool = False) -> float:
    """Estimate the sigma of noise in (1, H, W).

    If `halved`, estimate the sigma of white noise that is equally strong at half size.
    """
    image = F.avg_pool2d(plane, 2) if halved else plane
    step = 1 if image.numel() <= DENSE else 2
    return noise_level.of_channel(image[0].double().numpy(), rank, step) * (2 if halved else 1)


def _mean_level(planes: list[Tensor], *, halved: bool = False) -> float:
    return float(np.mean([_level(plane, halved=halved) for plane in planes]))


def _roughness(plane: Tensor) -> tuple[float, float]:
    """Return the deviations within the calmest and the calm blocks of (1, H, W).

    Linear slopes are removed first.
    """
    blocks = (
        plane[0]
        .double()
        .unfold(0, BLOCK, BLOCK // 2)
        .unfold(1, BLOCK, BLOCK // 2)
        .reshape(-1, BLOCK**2)
    )
    ramp = torch.arange(BLOCK, dtype=torch.double) - (BLOCK - 1) / 2
    slopes = torch.stack(
        [
            torch.ones(BLOCK**2, dtype=torch.double),
            ramp.repeat(BLOCK),
            ramp.repeat_interleave(BLOCK),
        ]
    )
    slopes = slopes / slopes.norm(dim=1, keepdim=True)
    rest = (blocks - blocks @ slopes.T @ slopes).square().sum(1) / (BLOCK**2 - len(slopes))
    calmest, calm = rest.quantile(torch.tensor([CALMEST, CALM], dtype=torch.double)).sqrt().tolist()
    return calmest, calm


def _mosaic(image: Tensor) -> Tensor:
    """Return evenly spread tiles of a large image side by side; a small image is unchanged."""
    for axis in (1, 2):
        length = image.shape[axis]
        if length > TILE * TILES:
            starts = [round(at * (length - TILE) / (TILES - 1) / 2) * 2 for at in range(TILES)]
            image = torch.cat(
                [image.narrow(axis, min(start, length - TILE), TILE) for start in starts], dim=axis
            )
    return image
