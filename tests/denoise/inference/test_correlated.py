"""Correlated noise of cameras and JPEG files: its detection and its removal."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from skimage import data

import denoise
from denoise.inference import camera, correlated


@pytest.fixture(scope="module")
def photograph():
    return data.astronaut()[:256, :256]


def noisy(image, sigma, seed=0):
    """Add white noise to each channel, then clamp and round, as in a file."""
    draws = np.random.default_rng(seed)
    return (
        np.clip(image + sigma * draws.standard_normal(image.shape), 0, 255).round().astype(np.uint8)
    )


def jpeg(image, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", **options)
    return np.asarray(Image.open(buffer))


def planes(image):
    return torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255


def psnr(one, other):
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2))


@pytest.mark.parametrize("sigma", [5, 15, 25, 50])
def test_white_noise_is_not_taken_for_correlated_noise(photograph, sigma):
    assert correlated.find(planes(noisy(photograph, sigma))) is None


def test_white_noise_is_cleaned_as_before_bit_for_bit(photograph):
    network, image = denoise.load("photo-color", "cpu", "float32"), noisy(photograph, 25)
    done = network.clean(planes(image)[None])
    assert (done.method, done.sigma) == ("photo-color", None)
    assert done.estimate.equal(network.estimate(planes(image)[None]))


def test_noise_in_a_jpeg_with_subsampled_chroma_is_found_and_removed(photograph):
    saved = jpeg(noisy(photograph, 25), quality=90)
    noise = correlated.find(planes(saved))
    assert noise.colored
    clean = denoise.load("photo-color", "cpu", "float32")(saved)
    assert clean.dtype == np.uint8
    assert psnr(clean, photograph) > psnr(saved, photograph) + 5


def test_what_was_done_is_told_in_words(photograph):
    saved = planes(jpeg(noisy(photograph, 25), quality=90))[None]
    done = denoise.load("photo-color", "cpu", "float32").clean(saved)
    assert done.method.startswith("photo-gray on luma and chroma, correlated noise of sigma ")
    assert done.sigma > 0


def test_gray_that_was_saved_as_rgb_stays_gray(photograph):
    gray = np.asarray(Image.fromarray(noisy(photograph, 25)).convert("L").convert("RGB"))
    clean = denoise.load("photo-color", "cpu", "float32")(jpeg(gray, quality=90))
    assert np.ptp(clean.astype(int), axis=-1).max() <= 1


def texture(weakest, strongest):
    """Return fine detail without flat parts.

    Its deviation grows from left to right, and chroma has its own detail.
    """
    draws = np.random.default_rng(0)
    detail = ndimage.gaussian_filter(draws.standard_normal((256, 256)), 0.7)
    luma = 128 + np.linspace(weakest, strongest, 256) * detail / detail.std()
    tint = ndimage.gaussian_filter(draws.standard_normal((256, 256, 3)), (0.5, 0.5, 0))
    return np.clip(luma[..., None] + 2 * tint, 0, 255).round().astype(np.uint8)


def test_texture_without_noise_is_not_taken_for_correlated_noise():
    assert correlated.find(planes(texture(4, 30))) is None


def test_the_least_noise_is_told_from_texture_in_a_jpeg_and_the_same_detail_everywhere_is_noise():
    assert correlated.find(planes(jpeg(texture(4, 30), quality=90))).sigma == correlated.LEAST
    assert correlated.find(planes(jpeg(texture(20, 20), quality=90))).sigma > 2 * correlated.LEAST


def test_noise_over_texture_in_a_jpeg_is_told_as_strong_as_it_is():
    assert correlated.find(planes(jpeg(noisy(texture(4, 30), 25), quality=90))).sigma * 255 > 16


def test_a_finely_structured_jpeg_without_noise_is_made_no_worse():
    clean = texture(4, 30)
    saved = jpeg(clean, quality=90)
    done = denoise.load("photo-color", "cpu", "float32")(saved)
    assert psnr(done, clean) >= psnr(saved, clean)


@pytest.mark.parametrize("shape", [(1, 63, 100), (3, 100, 63), (2, 100, 100)])
def test_nothing_is_looked_for_in_images_that_are_too_small_or_of_other_channels(shape):
    assert correlated.find(torch.rand(shape)) is None


def test_luma_and_chroma_are_those_of_jpeg():
    luma, blue, red = correlated.luma_chroma(torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1))
    assert [round(plane.item(), 4) for plane in (luma, blue, red)] == [0.299, -0.1687, 0.5]


@pytest.mark.slow
def test_photographs_of_a_camera_come_nearer_to_the_mean_of_many_shots(data_root):
    files = sorted((data_root / "real_noise").glob("*_real.JPG"))[::7]
    if not files:
        pytest.skip(f"real_noise is not in the data root ({data_root}); set DENOISE_DATA")
    network = denoise.load("photo-color", "cpu", "float32")
    gains = []
    for file in files:
        shot, mean = (
            np.asarray(Image.open(one)) for one in (file, str(file).replace("_real", "_mean"))
        )
        gains.append(psnr(network(shot), mean) - psnr(shot, mean))
    assert min(gains) > -0.05
    # a Gaussian blur of sigma 0.8 pixels gains as much over all 29 images
    assert np.mean(gains) > 0.97


def test_a_network_for_other_images_is_left_alone():
    assert denoise.load("mnist-nearest", "cpu", "float32")._for_luma is None
    assert set(camera.APPLIES_TO) == {"photo-gray", "photo-color"}
