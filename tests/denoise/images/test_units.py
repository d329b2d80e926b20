"""Units of an image and of sigma: values in [0, 1], except for noise, are accepted.

Other units are rejected.
"""

import numpy as np
import pytest
import torch
from scipy import ndimage

from denoise import datasets
from denoise.images import units
from denoise.noise import PictureDraws, corrupt


def steps(height=48, width=64):
    """Return stripes from black to white, each 8 pixels wide."""
    return (torch.arange(width) // 8 / (width // 8 - 1)).expand(1, 1, height, width).contiguous()


@pytest.mark.parametrize(
    "sigma", [0, 0.098, 1, np.float32(0.5), torch.tensor(0.25), np.array(0.125)]
)
def test_a_sigma_in_units_of_the_range_is_taken(sigma):
    assert units.check_sigma(sigma) == float(sigma)


def test_no_sigma_is_no_sigma():
    assert units.check_sigma(None) is None


@pytest.mark.parametrize(
    ("sigma", "said"),
    [
        (25, "25 on the 0-255 scale is 0.098"),
        (1.5, "1.5 on the 0-255 scale is 0.00588"),
        (-1, "valid: 0 to 1"),
        (float("nan"), "valid: 0 to 1"),
        (float("inf"), "valid: 0 to 1"),
        ("0.1", "valid: 0 to 1"),
        (True, "valid: 0 to 1"),
        (np.array([0.1, 0.2]), "valid: 0 to 1"),
        (1000, "valid: 0 to 1"),
    ],
)
def test_another_sigma_is_refused_with_its_units(sigma, said):
    with pytest.raises(ValueError, match="units of the \\[0, 1\\] range") as error:
        units.check_sigma(sigma)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (2 * steps() - 1, "whole regions are negative: use (image + 1) / 2"),
        (steps() - 0.5, "whole regions are negative"),
        ((steps() - steps().mean()) / steps().std(), "whole regions are negative"),
        (2 * steps(), "whole regions are above 1: divide by the value of white"),
        (255 * steps(), "divide by 255 first"),
        (65535 * steps(), "divide by 65535 first"),
        (-255 * steps(), "divide by 255 first"),
    ],
)
def test_values_in_other_units_are_refused(batch, said):
    with pytest.raises(ValueError, match="valid: about \\[0, 1\\]") as error:
        units.check_range(batch)
    assert said in str(error.value)


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("sigma", [0.1, 100 / 255, 0.6, 1.0])
def test_noise_that_is_not_clamped_is_taken_on_black_and_on_white(value, sigma):
    noisy = value + sigma * torch.randn(1, 3, 200, 200, generator=torch.Generator().manual_seed(0))
    units.check_range(noisy)


def test_a_half_that_is_noisy_beside_a_half_that_is_clean_is_taken():
    noisy = steps()
    noisy[..., 32:] = 0.6 * torch.randn(
        noisy[..., 32:].shape, generator=torch.Generator().manual_seed(0)
    )
    units.check_range(noisy)


def test_noise_that_was_resampled_is_taken():
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((256, 256)), 1)
    units.check_range(torch.from_numpy(0.4 * smooth / smooth.std())[None, None].float())


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
def test_what_resampling_adds_at_edges_is_taken(factor):
    units.check_range(torch.nn.functional.interpolate(steps(), scale_factor=factor, mode="bicubic"))


def test_single_pixels_beyond_the_range_are_taken():
    image = steps()
    image[0, 0, 5, 5], image[0, 0, 20, 20] = 8.0, -3.0
    units.check_range(image)


NOISES = [
    ("gaussian", 0.1),
    ("gaussian", 100 / 255),
    ("gaussian", 0.6),
    ("speckle", 0.6),
    ("camera", 0.6),
]


@pytest.mark.parametrize("dataset", ["mnist", "notmnist", "bsd68", "documents"])
def test_noise_that_is_not_clamped_is_taken_on_every_kind_of_image(real, dataset):
    pictures = datasets.load(dataset, "test", real(dataset)).spread(8)
    for clean, keys in pictures.batches(1):
        for noise, sigma in NOISES:
            units.check_range(
                corrupt(clean, sigma, PictureDraws([len(keys[0])]), noise=noise, clip=False)
            )


@pytest.mark.parametrize(
    ("dataset", "caught"), [("mnist", 8), ("notmnist", 8), ("bsd68", 7), ("documents", 7)]
)
def test_images_between_minus_1_and_1_are_refused_nearly_always(real, dataset, caught):
    refused = 0
    for clean, _ in datasets.load(dataset, "test", real(dataset)).spread(8).batches(1):
        try:
            units.check_range(2 * clean - 1)
        except ValueError:
            refused += 1
    assert refused >= caught
