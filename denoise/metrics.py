"""PSNR, SSIM and spectra of batches, under one convention for the whole project.

References
----------
Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
similarity", 2004.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

WINDOW = 11  # pixels; the Gaussian window of Wang et al.
WINDOW_SIGMA = 1.5  # pixels
# side of a flat block, in pixels: a multiple of 4, so that periods 2 and 4 fall on bins of the
# spectrum
BLOCK = 8
FLAT = 0.02  # largest range of clean values within a flat block
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


def peaks(residual: Tensor, clean: Tensor) -> tuple[float, float, int]:
    """Measure the residual's energy at periods 2 and 4 on flat blocks.

    The energy is relative to that of neighboring frequencies.

    Parameters
    ----------
    residual, clean : Tensor
        (N, 1, H, W): estimate minus clean, and clean.

    Returns
    -------
    nyquist : float
        Period 2: mean power at (N/2, 0), (0, N/2) and (N/2, N/2) over the mean power at the
        frequencies one step below each.
    period_4 : float
        Mean power at (N/4, 0), (0, N/4) and (N/4, ±N/4) over the power of their neighbors. The
        latter is the geometric mean of one step below and one step above, because power falls
        steeply with frequency.
    blocks : int
        Number of flat blocks behind these means; with none they are NaN.
    """
    flat = _blocks(clean)
    flat = (flat.amax((1, 2)) - flat.amin((1, 2))) <= FLAT
    if not flat.any():  # PyTorch has no transform of nothing
        return math.nan, math.nan, 0
    power = torch.fft.fft2(_blocks(residual)[flat].double()).abs().square().mean(0)  # (8, 8)
    # (n, -n), which at N/2 equals the first diagonal
    other_diagonal = power.flip(1).roll(1, 1).diagonal()
    by_step = torch.stack([power[0], power[:, 0], power.diagonal(), other_diagonal])  # (4, 8)
    top, quarter = BLOCK // 2, BLOCK // 4
    nyquist = by_step[:3, top].sum() / by_step[:3, top - 1].sum()
    beside = (by_step[:, quarter - 1] * by_step[:, quarter + 1]).sqrt()
    return nyquist.item(), (by_step[:, quarter].sum() / beside.sum()).item(), int(flat.sum())


def spectrum(residual: Tensor) -> Tensor:
    """Return the mean power spectrum, (N, 1, H, W) -> (H, W), with zero frequency in the middle."""
    return torch.fft.fftshift(torch.fft.fft2(residual[:, 0].double()).abs().square().mean(0))


def _blocks(x: Tensor) -> Tensor:
    """Split (N, 1, H, W) into non-overlapping whole blocks, (M, 8, 8)."""
    return x[:, 0].unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK).reshape(-1, BLOCK, BLOCK)


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
