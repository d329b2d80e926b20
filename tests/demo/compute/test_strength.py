"""Strength: a blend of input and output, at the depth of the file."""

import os
import time

import numpy as np
import pytest

from demo.compute import strength
from demo.guard import uploads
from denoise.images import image_files
from denoise.images.image_files import PictureFile


def picture(pixels, alpha=False):
    height, width, channels = pixels.shape
    spec = image_files.oiio.ImageSpec(width, height, channels, str(pixels.dtype))
    return PictureFile(pixels, alpha, spec)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_blend_is_rounded_half_up(dtype):
    white = np.iinfo(dtype).max
    before = np.array([[[0], [10], [white]]], dtype)
    after = np.array([[[1], [0], [0]]], dtype)
    # 0.5, 5, and half of an odd number
    found = strength.blend(before, after, 50)
    assert (found.dtype, found.ravel().tolist()) == (dtype, [1, 5, (white + 1) // 2])
    assert strength.blend(before, after, 30).ravel().tolist() == [0, 7, (7 * white + 5) // 10]


def test_a_blend_of_floats_is_not_rounded():
    before, after = (np.full((1, 1, 1), value, np.float32) for value in (0.5, 1.25))
    found = strength.blend(before, after, 20)
    assert (found.dtype, found.item()) == (np.float32, pytest.approx(0.65))


def test_both_ends_are_the_input_and_the_output():
    before, after = np.random.default_rng(0).integers(0, 256, (2, 600, 5, 3), np.uint8)
    assert np.array_equal(strength.blend(before, after, 0), before)
    assert np.array_equal(strength.blend(before, after, 100), after)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_kept_result_is_blended_at_its_depth_and_keeps_alpha(dtype):
    before, after = np.random.default_rng(1).integers(0, 256, (2, 30, 20, 4)).astype(dtype)
    token = strength.keep(before, picture(after, alpha=True))
    found = strength.kept(token, 40)
    expected = strength.blend(before, after, 40)
    assert found.alpha
    assert found.pixels.dtype == dtype
    assert np.array_equal(found.pixels[..., :3], expected[..., :3])
    assert np.array_equal(found.pixels[..., 3], after[..., 3])


@pytest.mark.parametrize("token", ["", "opening", "..", "0" * 31, "0" * 32, "0" * 32 + "/../.."])
def test_an_unknown_result_is_refused(token):
    with pytest.raises(ValueError, match="no longer kept: denoise the image again"):
        strength.kept(token, 50)


def test_a_kept_result_is_deleted_with_the_uploads_of_its_hour():
    pixels = np.zeros((4, 4, 1), np.uint8)
    token = strength.keep(pixels, picture(pixels))
    uploads.sweep(now=time.time() + uploads.OLDEST + 60)
    left = [name for _, _, names in os.walk(uploads.folder() / strength.FOLDER) for name in names]
    assert not left
    with pytest.raises(ValueError, match="no longer kept"):
        strength.kept(token, 50)


@pytest.mark.parametrize("percent", [-1, 101, 0.5, True, "50", None, float("nan"), float("inf")])
def test_a_strength_is_a_whole_number_of_percent(percent):
    with pytest.raises(ValueError, match="is not a whole number from 0 to 100"):
        strength.checked(percent)
