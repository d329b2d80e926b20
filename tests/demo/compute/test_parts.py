"""Parts of a large image: half size, center, or the whole image."""

import numpy as np
import pytest

from demo.compute import parts
from denoise.images.image_files import PictureFile


def halved(pixels, alpha=False):
    return parts.cut(PictureFile(pixels, alpha, None), "half").pixels


def gray(rows, dtype=np.uint8):
    return np.array(rows, dtype)[..., None]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_half_size_is_the_mean_of_four_pixels_rounded(dtype):
    white = np.iinfo(dtype).max
    found = halved(gray([[0, 1, white, white], [1, 0, white, white - 2]], dtype))
    # 0.5, and half below white
    assert (found.dtype, found[..., 0].tolist()) == (dtype, [[1, white]])


def test_half_size_of_floats_is_their_mean_beyond_white_too():
    found = halved(gray([[0.5, 1.5], [-1, 2]], np.float32))
    assert (found.dtype, found[..., 0].tolist()) == (np.float32, [[0.75]])


def test_the_last_row_and_column_of_an_odd_size_are_their_own_mean():
    assert halved(gray([[0, 4, 8], [0, 4, 8], [100, 104, 108]]))[..., 0].tolist() == [
        [2, 8],
        [102, 108],
    ]
    assert halved(gray([[7]]))[..., 0].tolist() == [[7]]


def test_the_color_of_transparent_pixels_does_not_show_at_half_size():
    found = halved(np.array([[[200, 255], [9, 0]], [[9, 0], [9, 0]]], np.uint8), alpha=True)
    assert (found.dtype, found.tolist()) == (np.uint8, [[[200, 64]]])


def test_half_size_halves_the_noise():
    noise = np.random.default_rng(0).normal(0, 1, (512, 512, 1)).astype(np.float32)
    assert halved(noise).std() == pytest.approx(0.5, rel=0.02)


def test_the_middle_is_in_the_middle_and_an_own_copy():
    pixels = np.arange(1_100 * 2_000, dtype=np.uint32).reshape(1_100, 2_000, 1).astype(np.uint16)
    found = parts.cut(PictureFile(pixels, False, None), "middle").pixels
    assert np.array_equal(found, pixels[38 : 38 + 1_024, 488 : 488 + 1_024])
    assert found.base is None


@pytest.mark.parametrize(
    ("place", "corner"),
    [((0.5, 0.5), (488, 38)), ((0, 0), (0, 0)), ((1, 1), (976, 76)), ((0.5, 0.9), (488, 76))],
)
def test_a_crop_lies_around_its_place_and_within_the_image(place, corner):
    pixels = np.arange(1_100 * 2_000, dtype=np.uint32).reshape(1_100, 2_000, 1).astype(np.uint16)
    left, top = parts.corner(place, 1_100, 2_000)
    assert (left, top) == corner
    found = parts.cut(PictureFile(pixels, False, None), "middle", place).pixels
    assert np.array_equal(found, pixels[top : top + 1_024, left : left + 1_024])


def test_a_quarter_is_the_mean_of_16_pixels_of_the_size_that_is_announced():
    image = PictureFile(gray(np.arange(35 * 17).reshape(35, 17) % 256), False, None)
    found = parts.cut(image, "quarter").pixels
    assert found.shape[:2] == parts.size("quarter", 35, 17) == (9, 5)
    assert abs(int(found[0, 0, 0]) - image.pixels[:4, :4].mean()) <= 1


def test_what_is_beside_the_pixels_stays():
    spec = object()
    image = PictureFile(gray([[0, 0], [0, 0]]), False, spec)
    assert parts.cut(image, "half").spec is spec
    assert parts.cut(image, "all") is image
    assert parts.cut(image, "middle") is image  # the image is no larger than the center


@pytest.mark.parametrize(
    ("height", "width", "usual", "offered"),
    [
        (2_000, 2_000, "all", []),
        (2_001, 2_000, "half", ["half", "middle", "all"]),
        (3_024, 4_032, "half", ["half", "middle", "all"]),  # smartphone photographs
        (4_000, 4_200, "middle", ["half", "quarter", "middle", "all"]),
        (6_144, 8_160, "middle", ["half", "quarter", "middle"]),
    ],
)
def test_of_a_large_image_as_much_is_cleaned_at_once_as_of_others_and_all_that_fits_is_offered(
    height, width, usual, offered
):
    assert parts.usual(height, width) == usual
    assert list(parts.offered(height, width)) == offered


def test_each_part_that_is_offered_says_its_size():
    assert parts.offered(3_024, 4_032) == {
        "half": "Shrunk to half size, 2016x1512: also halves the noise",
        "middle": "Crop at full size, 1024x1024",
        "all": "Whole image, 4032x3024: slowest",
    }


def test_a_part_that_is_too_large_is_refused_with_those_that_are_not():
    image = PictureFile(np.broadcast_to(np.uint8(0), (4_000, 5_000, 1)), False, None)
    with pytest.raises(
        ValueError, match="5000x4000 pixels; at most 16,800,000 are denoised.*'half' or 'middle'"
    ):
        parts.cut(image, "all")


def test_another_part_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="the part 'left' is not one of half, quarter, "):
        parts.cut(PictureFile(gray([[0]]), False, None), "left")
