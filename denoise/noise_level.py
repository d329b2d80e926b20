"""Noise level estimation: the sigma of white Gaussian noise, from the noisy image alone.

References
----------
Liu, Tanaka and Okutomi, "Single-image noise level estimation for blind denoising", IEEE TIP 2013.
Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994 (the median
of the finest wavelet coefficients), as implemented in scikit-image.
"""

from __future__ import annotations

import functools

import numpy as np
import scipy  # submodules load on first use, in seconds: the page must open before
import skimage
from torch import Tensor

from denoise.registry import Registry

ESTIMATORS = Registry("estimator of the noise level")
"""Registry of estimators `(image) -> sigma`.

An image is (C, H, W) float32 in about [0, 1]; sigma has the same units.
"""

SIDE = 7  # side of a patch, in pixels
CONFIDENCE = 1 - 1e-6  # probability that a patch of noise alone is accepted as flat
ROUNDS = 5
ROWS = 32  # rows of patches per step
SMALLEST = 24  # smallest side of an image, in pixels
MIDDLE = 256  # pixels of a side: the part of a large image that is used
FEWEST = 4 * SIDE**2  # fewer patches give no useful covariance


@ESTIMATORS.register("flat_patches", label="Smallest eigenvalue of flat patches (Liu et al. 2013)")
def flat_patches(image: Tensor) -> float:
    """Estimate sigma from the smallest eigenvalue of the covariance of flat patches.

    Sigma is the mean over the channels. White noise is equal in every direction of the space of
    patches, image structure is not. A patch is flat if its gradients are no larger than those of
    noise alone. The limit follows from the sigma found so far.

    Raises
    ------
    ValueError
        An image smaller than 24x24.
    """
    height, width = image.shape[-2:]
    if min(height, width) < SMALLEST:
        raise ValueError(
            f"the image is {width}x{height}; estimating its noise needs at least "
            f"{SMALLEST}x{SMALLEST}"
        )
    return float(np.mean([of_channel(channel) for channel in image.double().numpy()]))


def of_channel(image: np.ndarray, rank: int = 0, step: int = 1) -> float:
    """Estimate the noise level of one channel from an eigenvalue of the covariance of flat patches.

    Parameters
    ----------
    image : numpy.ndarray
        (H, W) float64, at least 24x24.
    rank : int
        Index of the eigenvalue, from 0 (smallest) to 48. All eigenvalues are equal for white noise;
        the smallest of correlated noise may be 0.
    step : int
        Use every `step`-th patch of every `step`-th row.

    Returns
    -------
    float
        Sigma in the units of the image.
    """
    patches = _patches(image, step)
    gradients = [
        scipy.ndimage.correlate1d(image, (-0.5, 0, 0.5), axis=axis) ** 2 for axis in (0, 1)
    ]
    slopes = sum(_patches(gradient, step).sum((2, 3)) for gradient in gradients)
    limit = _limit()
    variance = _eigenvalue(patches, np.ones(slopes.shape, dtype=bool), rank)
    for _ in range(ROUNDS):
        flat = slopes < variance * limit
        if flat.sum() < FEWEST:
            break
        variance = _eigenvalue(patches, flat, rank)
    return float(np.sqrt(variance))


def _patches(image: np.ndarray, step: int) -> np.ndarray:
    """Return a view of every `step`-th patch, (rows, columns, SIDE, SIDE).

    The border lacks gradients and is cut.
    """
    return np.lib.stride_tricks.sliding_window_view(image[1:-1, 1:-1], (SIDE, SIDE))[::step, ::step]


def _eigenvalue(patches: np.ndarray, chosen: np.ndarray, rank: int) -> float:
    """Return an eigenvalue of the covariance of chosen patches.

    Correct the smallest for the number of patches.

    With n patches of d values, white noise yields a smallest eigenvalue of (1 - sqrt(d / n))**2
    times the variance (Marchenko and Pastur, 1967).
    """
    count = int(chosen.sum())
    total, products = np.zeros(SIDE**2), np.zeros((SIDE**2, SIDE**2))
    # all patches at once would be 49 times as large as the image
    for start in range(0, len(patches), ROWS):
        rows = slice(start, start + ROWS)
        part = patches[rows][chosen[rows]].reshape(-1, SIDE**2)
        total += part.sum(0)
        products += part.T @ part
    covariance = (products - np.outer(total, total) / count) / (count - 1)
    found = max(0.0, float(np.linalg.eigvalsh(covariance)[rank]))
    return found if rank else found / (1 - np.sqrt(SIDE**2 / count)) ** 2


@functools.cache
def _limit() -> float:
    """Return the limit on the sum of squared gradients of a flat patch.

    A patch of white noise of variance 1 exceeds the limit once in a million.

    The sum is approximately gamma distributed. The parameters follow from the rank and the trace of
    the operator from a patch to its gradients.
    """
    unit = np.eye((SIDE + 2) ** 2).reshape(-1, SIDE + 2, SIDE + 2)
    gradients = [
        scipy.ndimage.correlate1d(unit, (-0.5, 0, 0.5), axis=axis)[:, 1:-1, 1:-1].reshape(
            len(unit), -1
        )
        for axis in (1, 2)
    ]
    operator = np.concatenate(gradients, axis=1)
    gram = operator @ operator.T
    rank, trace = np.linalg.matrix_rank(gram), np.trace(gram)
    return float(scipy.stats.gamma.ppf(CONFIDENCE, rank / 2, scale=2 * trace / rank))


@ESTIMATORS.register("wavelet", label="Median of wavelet coefficients (scikit-image)")
def wavelet(image: Tensor) -> float:
    """Divide the median of the finest diagonal coefficients by that of a standard normal."""
    return float(
        skimage.restoration.estimate_sigma(
            image.permute(1, 2, 0).numpy(), channel_axis=-1, average_sigmas=True
        )
    )


def middle(image: Tensor, side: int = MIDDLE) -> Tensor:
    """Return the middle of an image (C, H, W), at most `side` pixels high and wide."""
    top, left = (max(0, length - side) // 2 for length in image.shape[-2:])
    return image[:, top : top + side, left : left + side]


def of_middle(image: Tensor, side: int = MIDDLE) -> float | None:
    """Estimate the noise level from the middle of an image.

    The time thus does not grow with the size of the image.

    Parameters
    ----------
    image : Tensor
        (C, H, W) float32 in about [0, 1].
    side : int
        Side of the middle in pixels, at most.

    Returns
    -------
    float or None
        Sigma in units of the [0, 1] range; None if the image is smaller than 24x24.
    """
    if min(image.shape[-2:]) < SMALLEST:
        return None
    return flat_patches(middle(image, side))
