"""Denoisers without training: trivial baselines and scikit-image's classical methods.

Each entry of `DENOISERS` builds, from the training images, a denoiser `(noisy, sigma) -> estimate`
on (N, C, H, W) float32. The fact `told_sigma` is True if the denoiser uses the true noise level,
which blind networks never get. The fact `floor` marks baselines that compute nothing, so that there
is no time to measure.

References
----------
Buades, Coll and Morel, "A non-local algorithm for image denoising", CVPR 2005.
Chambolle, "An algorithm for total variation minimization and applications", 2004.
Dabov, Foi, Katkovnik and Egiazarian, "Image denoising by sparse 3-D transform-domain
collaborative filtering", 2007.
Chang, Yu and Vetterli, "Adaptive wavelet thresholding for image denoising and compression",
2000 (BayesShrink).
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import median_filter
from skimage import restoration
from torch import Tensor

from denoise.datasets.base import Pictures
from denoise.registry import Registry

Denoise = Callable[[Tensor, float], Tensor]

DENOISERS = Registry("denoiser")


class NotApplicable(ValueError):
    """Error of a method that cannot be built for the given images; its text gives the reason."""


# In units of sigma, by training set; `python -m bench tune` chose them on validation images and
# wrote bench/results/tuning.csv.
STRENGTHS: dict[str, dict[str, float]] = {
    "nlm": {
        "mnist": 0.7,
        "notmnist": 0.7,
        "fashion_mnist": 0.85,
        "train400": 0.85,
        "bsds500": 0.85,
    },
    "tv": {
        "mnist": 0.4,
        "notmnist": 0.3,
        "fashion_mnist": 0.4,
        "train400": 0.85,
        "bsds500": 0.85,
    },
    "wavelet": {
        "mnist": 0.5,
        "notmnist": 0.6,
        "fashion_mnist": 0.6,
        "train400": 1.0,
        "bsds500": 1.0,
    },
}
# values; above it the fast form of non-local means, which weights patches evenly, not by a Gaussian
LARGE = 64 * 64


@DENOISERS.register("noisy", label="Noisy input", colour="#999999", told_sigma=False, floor=True)
def noisy_input(training: Pictures) -> Denoise:
    """Return the input: the score that a denoiser has to beat."""
    return lambda noisy, sigma: noisy


@DENOISERS.register("black", label="Black picture", colour="#000000", told_sigma=False, floor=True)
def black(training: Pictures) -> Denoise:
    """Return black for every input.

    On MNIST its score exceeds the score of the noisy input at sigma 0.5.
    """
    return lambda noisy, sigma: torch.zeros_like(noisy)


@DENOISERS.register(
    "mean", label="Mean training picture", colour="#777777", told_sigma=False, floor=True
)
def mean(training: Pictures) -> Denoise:
    """Return the mean training image for every input; if sizes differ, return the mean value."""
    values = torch.stack([image.double().mean() for image in training]).mean() / 255
    alike = len({image.shape for image in training}) == 1
    image = _mean_image(training) if alike else None

    def denoise(noisy: Tensor, sigma: float) -> Tensor:
        if image is not None and image.shape == noisy.shape[1:]:
            return image.expand_as(noisy)
        return torch.full_like(noisy, float(values))

    return denoise


def _mean_image(training: Pictures) -> Tensor:
    """Return the mean of images of one size, (C, H, W) float32 in [0, 1]."""
    sums = (clean.double().sum(0) for clean, _ in training.batches(5_000))
    total = sum(sums, start=torch.zeros((), dtype=torch.float64))
    return (total / len(training)).float()


@DENOISERS.register("median", label="Median 3x3", colour="#bbbbbb", told_sigma=False)
def median(training: Pictures) -> Denoise:
    """Compute the median of each 3x3 neighborhood."""
    return lambda noisy, sigma: torch.from_numpy(median_filter(noisy.numpy(), size=(1, 1, 3, 3)))


@DENOISERS.register("nlm", label="Non-local means", colour="#e69f00", told_sigma=True)
def nlm(training: Pictures, strength: float | None = None) -> Denoise:
    """Apply non-local means with 5x5 patches within 6 pixels, and `h = strength * sigma`.

    A Gaussian weights each patch.
    """
    strength = strength or tuned("nlm", training)
    return each(
        lambda image, sigma, axis: restoration.denoise_nl_means(
            image,
            patch_size=5,
            patch_distance=6,
            h=strength * sigma,
            fast_mode=image.size > LARGE,  # without it, a photograph takes a minute
            channel_axis=axis,
        )
    )


@DENOISERS.register("tv", label="Total variation", colour="#f0e442", told_sigma=True)
def tv(training: Pictures, strength: float | None = None) -> Denoise:
    """Minimize total variation by Chambolle's projection, `weight = strength * sigma`."""
    strength = strength or tuned("tv", training)
    return each(
        lambda image, sigma, axis: restoration.denoise_tv_chambolle(
            image, weight=strength * sigma, channel_axis=axis
        )
    )


@DENOISERS.register("wavelet", label="Wavelet BayesShrink", colour="#8c564b", told_sigma=True)
def wavelet(training: Pictures, strength: float | None = None) -> Denoise:
    """Apply soft BayesShrink thresholds on two levels of symlets, at `strength * sigma`."""
    strength = strength or tuned("wavelet", training)
    # By default scikit-image takes three levels fewer than fit, which leaves one level for 28x28.
    return each(
        lambda image, sigma, axis: restoration.denoise_wavelet(
            image, sigma=strength * sigma, wavelet="sym4", wavelet_levels=2, channel_axis=axis
        )
    )


if importlib.util.find_spec("bm3d"):
    # Only if the user installed it: its license is non-commercial, so it is no dependency of this
    # project.

    @DENOISERS.register("bm3d", label="BM3D", colour="#b15928", told_sigma=True)
    def bm3d(training: Pictures) -> Denoise:
        """Apply block-matching and 3D filtering (Dabov et al. 2007), by its authors' package."""
        package = importlib.import_module("bm3d")
        return each(lambda image, sigma, axis: package.bm3d(image, sigma_psd=sigma))


def tuned(method: str, training: Pictures) -> float:
    """Return the strength of a method for a training set.

    A set that was not tuned takes the strength of MNIST, or of photographs if its images are larger
    than digits.
    """
    known = STRENGTHS[method]
    digits = training[0][0].numel() < LARGE
    return known.get(training.name, known["mnist" if digits else "train400"])


def each(method: Callable[[np.ndarray, float, int | None], np.ndarray]) -> Denoise:
    """Build a denoiser from a method for one image, (H, W) or (H, W, C) float32.

    At sigma 0 return the input.
    """

    def denoise(noisy: Tensor, sigma: float) -> Tensor:
        if sigma == 0:
            return noisy
        # A gray image has no channel axis: with an axis of length 1 non-local means returns wrong
        # values.
        gray = noisy.shape[1] == 1
        images = noisy[:, 0] if gray else noisy.permute(0, 2, 3, 1)
        rows = [
            torch.from_numpy(
                np.asarray(method(image, sigma, None if gray else -1), dtype=np.float32)
            )
            for image in images.contiguous().numpy()
        ]
        estimate = torch.stack(rows)
        return estimate[:, None] if gray else estimate.permute(0, 3, 1, 2)

    return denoise
