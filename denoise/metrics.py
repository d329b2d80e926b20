"""PSNR and SSIM of batches, under one convention for the whole project.

References
----------
Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
similarity", 2004.
"""

from __future__ import annotations

import torch
from torch import Tensor

WINDOW = 11  # pixels; the Gaussian window of Wang et al.
WINDOW_SIGMA = 1.5  # pixels
SSIM_CONVENTION = "Gaussian 11x11, sigma 1.5, no sample covariance, valid region"


def psnr(preds: Tensor, target: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Compute the peak signal-to-noise ratio of each image, in dB.

    Parameters
    ----------
    preds, target : Tensor
        (N, C, H, W), same shape; or one target for all images, (1, C, H, W).
    data_range : float
        Span of valid values.

    Returns
    -------
    Tensor
        (N,) float32; inf if an image equals its target.
    """
    _check(preds, target)
    mse = (preds.float() - target.float()).square().flatten(1).mean(1)
    return 10 * torch.log10(data_range**2 / mse)


def ssim(preds: Tensor, target: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Compute the structural similarity of each image, mean over channels (Wang et al. 2004).

    The window lies within the image (valid region).

    The result equals scikit-image's with `gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False`, without a border of 5 pixels.

    Parameters
    ----------
    preds, target : Tensor
        (N, C, H, W), same shape, at least 11x11; or one target for all images, (1, C, H, W).
    data_range : float
        Span of valid values.

    Returns
    -------
    Tensor
        (N,) float32, at most 1.

    Raises
    ------
    ValueError
        Shapes that differ, or a side below 11 pixels.
    """
    _check(preds, target)
    if min(preds.shape[-2:]) < WINDOW:
        raise ValueError(
            f"SSIM needs at least {WINDOW}x{WINDOW} pixels; the images are "
            f"{tuple(preds.shape[-2:])}"
        )
    # Variances are differences of nearly equal numbers: SSIM has six correct digits in float64,
    # four in float32.
    x, y = preds.double(), target.double()
    mean_x, mean_y, xx, yy, xy = (_blur(moment) for moment in (x, y, x * x, y * y, x * y))
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * (xy - mean_x * mean_y) + c2) / (xx - mean_x**2 + yy - mean_y**2 + c2)
    return (luminance * structure).reshape(len(preds), -1).mean(1).float()


def _blur(x: Tensor) -> Tensor:
    offsets = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    weights = torch.exp(-0.5 * (offsets / WINDOW_SIGMA) ** 2)
    weights /= weights.sum()
    return _weighted(_weighted(x, weights, -2), weights, -1)


def _weighted(x: Tensor, weights: Tensor, axis: int) -> Tensor:
    """Sum weighted neighbors along an axis.

    Float64 convolutions are slower, the more so with many images.
    """
    size = x.shape[axis] - len(weights) + 1
    total = x.narrow(axis, 0, size) * weights[0]
    for place, weight in enumerate(weights[1:].tolist(), 1):
        total.add_(x.narrow(axis, place, size), alpha=weight)
    return total


def _check(preds: Tensor, target: Tensor) -> None:
    if preds.ndim != 4 or target.shape not in (preds.shape, (1, *preds.shape[1:])):
        raise ValueError(
            "two (N, C, H, W) batches of one shape, or one target for all, expected; "
            f"got {tuple(preds.shape)} and {tuple(target.shape)}"
        )
