"""Denoisers that estimate sigma themselves, for camera noise and JPEG files; none is trained.

Each entry of `BLIND` is built and called like an entry of `denoise.classical.DENOISERS`; the sigma
of a call is ignored. One factor per method is tuned: its strength in units of the sigma that
scikit-image estimates, as its documentation advises.

References
----------
Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994 (sigma).
OpenCV, `fastNlMeansDenoisingColored`. https://docs.opencv.org/4.x/d1/d79/group__photo__denoise.html
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from skimage import restoration
from torch import Tensor

from denoise import classical
from denoise.classical import Denoise, NotApplicable
from denoise.datasets.base import Pictures
from denoise.noise_level import ESTIMATORS
from denoise.registry import Registry

BLIND = Registry("denoiser")

BLUR = 0.8  # sigma of the Gaussian, in pixels
OPENCV_DEFAULT = 3 / 255  # OpenCV's default of h and hColor
# In units of the estimated sigma; `python -m bench tune --jpeg` chose them and wrote
# bench/results/camera/tuning.csv.
STRENGTHS = {"nlm-blind": 0.85, "tv-blind": 0.7, "wavelet-blind": 1.4, "opencv": 0.7}


@BLIND.register("blur", label=f"Gaussian blur of {BLUR} pixels", colour="#44aa99", told_sigma=False)
def blur(training: Pictures) -> Denoise:
    """Blur each channel by a Gaussian of fixed width."""
    return lambda noisy, sigma: torch.from_numpy(gaussian_filter(noisy.numpy(), (0, 0, BLUR, BLUR)))


@BLIND.register(
    "nlm-blind", label="Non-local means, estimated sigma", colour="#e69f00", told_sigma=False
)
def nlm(training: Pictures, strength: float = STRENGTHS["nlm-blind"]) -> Denoise:
    """Run `denoise.classical.nlm` at the estimated sigma."""
    return _at_estimate(classical.nlm(training, strength))


@BLIND.register(
    "tv-blind", label="Total variation, estimated sigma", colour="#f0e442", told_sigma=False
)
def tv(training: Pictures, strength: float = STRENGTHS["tv-blind"]) -> Denoise:
    """Run `denoise.classical.tv` at the estimated sigma."""
    return _at_estimate(classical.tv(training, strength))


@BLIND.register(
    "wavelet-blind",
    label="Wavelet BayesShrink, estimated sigma",
    colour="#8c564b",
    told_sigma=False,
)
def wavelet(training: Pictures, strength: float = STRENGTHS["wavelet-blind"]) -> Denoise:
    """Run BayesShrink at the estimated sigma, in YCbCr for color images, on all levels that fit."""
    return _at_estimate(
        classical.each(
            lambda image, sigma, axis: restoration.denoise_wavelet(
                image,
                sigma=strength * sigma,
                wavelet="sym4",
                convert2ycbcr=axis is not None,
                channel_axis=axis,
            )
        )
    )


@BLIND.register(
    "opencv", label="OpenCV non-local means, estimated sigma", colour="#882255", told_sigma=False
)
def opencv(training: Pictures, strength: float = STRENGTHS["opencv"]) -> Denoise:
    """Run OpenCV's `fastNlMeansDenoisingColored`; h and hColor follow the estimated sigma.

    Both are `strength` times the estimated sigma.
    """
    colored = _opencv(training)
    return _at_estimate(lambda image, sigma: colored(image, strength * sigma))


@BLIND.register(
    "opencv-default",
    label="OpenCV non-local means, h = 3 (default)",
    colour="#aa4499",
    told_sigma=False,
)
def opencv_default(training: Pictures) -> Denoise:
    """Run OpenCV's `fastNlMeansDenoisingColored` with h = hColor = 3 at every noise level."""
    colored = _opencv(training)
    return lambda noisy, sigma: colored(noisy, OPENCV_DEFAULT)


def _opencv(training: Pictures) -> Denoise:
    """Return `fastNlMeansDenoisingColored` with h and hColor set to the sigma of a call.

    Raises
    ------
    NotApplicable
        OpenCV is not installed, or the images are gray.
    """
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError:
        raise NotApplicable("OpenCV is not installed: pip install '.[opencv]'") from None
    if {image.shape[0] for image in training} != {3}:
        raise NotApplicable("it takes color images only")

    def clean(image: np.ndarray, sigma: float, axis: int | None) -> np.ndarray:
        bgr = np.ascontiguousarray((image[..., ::-1].clip(0, 1) * 255).round().astype(np.uint8))
        return cv2.fastNlMeansDenoisingColored(bgr, h=255 * sigma, hColor=255 * sigma)[
            ..., ::-1
        ] / np.float32(255)

    return classical.each(clean)


def _at_estimate(denoise: Callable[[Tensor, float], Tensor]) -> Denoise:
    """Pass the sigma that scikit-image estimates for each image, instead of the sigma of a call."""
    estimate = ESTIMATORS["wavelet"].build
    return lambda noisy, sigma: torch.cat(
        [denoise(image[None], estimate(image)) for image in noisy]
    )
