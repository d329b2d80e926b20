"""How noisy is a picture? The standard deviation of white Gaussian noise, from the noisy picture alone.

References
----------
Liu, Tanaka and Okutomi, "Single-image noise level estimation for blind denoising", IEEE TIP 2013.
Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994 (the median of the finest wavelet
coefficients), as scikit-image has it.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, stats
from skimage.restoration import estimate_sigma
from torch import Tensor

from denoise.registry import Registry

ESTIMATORS = Registry("estimator of the noise level")
"""Each entry is `(picture) -> sigma`: a picture (C, H, W) float32 in about [0, 1], sigma in the same units."""

SIDE = 7  # of a patch, in pixels
CONFIDENCE = 1 - 1e-6  # that a patch of noise alone is taken for one
ROUNDS = 5
SMALLEST = 24  # side of a picture, in pixels
FEWEST = 4 * SIDE**2  # patches below which a covariance says nothing


@ESTIMATORS.register("flat_patches", label="Smallest eigenvalue of flat patches (Liu et al. 2013)")
def flat_patches(picture: Tensor) -> float:
    """The smallest eigenvalue of the covariance of patches without structure.

    Noise is the same in every direction of the space of patches, a picture is not. Which patches are without structure
    depends on the noise: their gradients are no larger than those of noise alone, of the level found so far. The mean
    over the channels.

    Raises
    ------
    ValueError
        A picture smaller than 24x24.
    """
    height, width = picture.shape[-2:]
    if min(height, width) < SMALLEST:
        raise ValueError(f"the picture is {width}x{height}; its noise can be estimated from {SMALLEST}x{SMALLEST} on")
    return float(np.mean([_of_channel(channel) for channel in picture.double().numpy()]))


def _of_channel(image: np.ndarray) -> float:
    patches = _patches(image)
    slopes = sum(_patches(ndimage.correlate1d(image, (-0.5, 0, 0.5), axis=axis) ** 2).sum(1) for axis in (0, 1))
    limit = _limit()
    variance = _smallest(patches)
    for _ in range(ROUNDS):
        flat = patches[slopes < variance * limit]
        if len(flat) < FEWEST:
            break
        variance = _smallest(flat)
    return float(np.sqrt(variance))


def _patches(image: np.ndarray) -> np.ndarray:
    """Every patch as a row, but for a border of a pixel, where there are no gradients."""
    inner = image[1:-1, 1:-1]
    return np.lib.stride_tricks.sliding_window_view(inner, (SIDE, SIDE)).reshape(-1, SIDE**2)


def _smallest(patches: np.ndarray) -> float:
    """The smallest eigenvalue of the covariance, as it would be of endlessly many patches.

    Of n patches of white noise of d values it is smaller by (1 - sqrt(d / n))**2 (Marchenko and Pastur, 1967).
    """
    found = float(np.linalg.eigvalsh(np.cov(patches, rowvar=False))[0])
    return max(0.0, found) / (1 - np.sqrt(SIDE**2 / len(patches))) ** 2


def _limit() -> float:
    """The sum of squared gradients of a patch of noise of variance 1 that is exceeded once in a million: about gamma
    distributed, by the rank and the trace of the operator that takes a patch to its gradients."""
    unit = np.eye((SIDE + 2) ** 2).reshape(-1, SIDE + 2, SIDE + 2)
    gradients = [
        ndimage.correlate1d(unit, (-0.5, 0, 0.5), axis=axis)[:, 1:-1, 1:-1].reshape(len(unit), -1) for axis in (1, 2)
    ]
    operator = np.concatenate(gradients, axis=1)
    gram = operator @ operator.T
    rank, trace = np.linalg.matrix_rank(gram), np.trace(gram)
    return float(stats.gamma.ppf(CONFIDENCE, rank / 2, scale=2 * trace / rank))


@ESTIMATORS.register("wavelet", label="Median of wavelet coefficients (scikit-image)")
def wavelet(picture: Tensor) -> float:
    """The median of the finest diagonal wavelet coefficients, divided by that of a standard normal variable."""
    return float(estimate_sigma(picture.permute(1, 2, 0).numpy(), channel_axis=-1, average_sigmas=True))
