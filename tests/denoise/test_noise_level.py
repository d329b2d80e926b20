"""Blind estimation of the noise level from a single image."""

import numpy as np
import pytest
import torch

from denoise import datasets
from denoise.noise import PictureDraws, corrupt, picture_seeds
from denoise.noise_level import ESTIMATORS


def noisy(pictures, sigma):
    """Yield each image with added noise of sigma in units of 1/255."""
    for clean, keys in pictures.batches(1):
        draws = PictureDraws(picture_seeds(pictures.name, keys, "gaussian", sigma / 255))
        yield corrupt(clean, sigma / 255, draws, clip=False)[0]


def errors(name, pictures, sigma):
    return [ESTIMATORS[name].build(picture) * 255 - sigma for picture in noisy(pictures, sigma)]


@pytest.mark.parametrize("name", ESTIMATORS.names())
@pytest.mark.parametrize("shape", [(1, 128, 128), (3, 128, 128), (1, 32, 32)])
def test_noise_alone_is_measured(name, shape, generator):
    picture = 0.5 + 0.1 * torch.randn(shape, generator=generator)
    assert ESTIMATORS[name].build(picture) == pytest.approx(
        0.1, rel=0.04 if shape[-1] > 32 else 0.15
    )


@pytest.mark.slow
@pytest.mark.parametrize(("sigma", "within"), [(5, 0.5), (25, 0.8)])
def test_on_photographs_flat_patches_are_right_where_wavelets_are_not(real, sigma, within):
    """Compare root mean square errors in units of 1/255 on eight images of BSD68.

    Scikit-image's estimate is worse.
    """
    pictures = datasets.load("bsd68", "test", real("bsd68")).spread(8)
    ours, theirs = (
        np.sqrt(np.mean(np.square(errors(name, pictures, sigma))))
        for name in ("flat_patches", "wavelet")
    )
    assert ours < within
    assert ours < theirs


def test_a_clean_photograph_has_almost_no_noise(real):
    pictures = datasets.load("bsd68", "test", real("bsd68")).spread(8)
    assert np.mean(errors("flat_patches", pictures, 0)) < 1


def test_a_constant_picture_has_none():
    assert ESTIMATORS["flat_patches"].build(torch.full((1, 40, 40), 0.3)) == pytest.approx(
        0, abs=1e-6
    )


def test_a_picture_that_is_too_small_is_refused():
    with pytest.raises(
        ValueError, match="the image is 15x40; estimating its noise needs at least 24x24"
    ):
        ESTIMATORS["flat_patches"].build(torch.zeros(1, 40, 15))
