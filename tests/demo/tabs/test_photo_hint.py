"""The hint to the Photo tab for a photograph in Compare.

Digits and letters of any size are compared.
"""

import numpy as np
import pytest
from PIL import Image

from demo.compute.images import read_gray
from demo.compute.samples import rendered
from demo.tabs import compare, photo_hint
from denoise import datasets

SETTINGS = ("gaussian", True, 0.4, 0, "mnist", ["nearest"], "pictures")


def shaded(side):
    """Return shading over all gray levels, as in a photograph."""
    return (
        np.add.outer(np.linspace(0, 127, side), np.linspace(0, 127, side)).round().astype(np.uint8)
    )


def enlarged(image, side=280, way=Image.Resampling.BICUBIC):
    return np.asarray(Image.fromarray(image).resize((side, side), way))


def test_shading_is_a_photograph_and_ink_on_paper_is_none():
    ink = np.full((100, 100), 255, np.uint8)
    ink[20:80, 45:55] = 0
    assert photo_hint.is_photograph(shaded(100))
    assert not photo_hint.is_photograph(ink)


def test_half_of_the_pixels_in_two_bins_is_the_limit():
    # 50 bins, 200 pixels each
    levels = np.arange(100, dtype=np.uint8).repeat(100).reshape(100, 100) * 2 + 8
    # rows of black, with a bin of other rows: above or below half
    for flat, expected in ((46, True), (48, False)):
        image = levels.copy()
        image[:flat] = 0
        assert photo_hint.is_photograph(image) == expected


@pytest.mark.parametrize("size", [(64, 64), (28, 28), (64, 10), (1, 1)])
def test_what_is_no_larger_than_64_pixels_is_no_photograph(size):
    assert not photo_hint.is_photograph(shaded(64)[: size[0], : size[1]])
    assert photo_hint.is_photograph(shaded(65))


@pytest.mark.parametrize("sample", rendered(), ids=lambda sample: sample.label)
@pytest.mark.parametrize("way", [Image.Resampling.NEAREST, Image.Resampling.BICUBIC])
def test_enlarged_digits_and_letters_are_no_photographs(sample, way):
    assert not photo_hint.is_photograph(enlarged(sample.image, way=way))


@pytest.mark.parametrize("name", ["mnist", "notmnist"])
def test_real_digits_and_letters_enlarged_and_saved_as_jpeg_are_no_photographs(
    name, real, tmp_path
):
    images = datasets.load(name, "test", real(name))
    found = 0
    for index in range(40):
        path = tmp_path / f"{index}.jpg"
        Image.fromarray(enlarged(images[index * 23][0].numpy())).save(path, quality=75)
        found += photo_hint.is_photograph(read_gray(str(path)))
    assert found == 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "missed"), [("bsd68", 2), ("set12", 0), ("documents", 0)])
def test_photographs_and_stained_pages_are_found(name, missed, real, tmp_path):
    images = datasets.load(name, "test", real(name))
    images = images.dirty or images.images
    found = 0
    for index, image in enumerate(images):
        Image.fromarray(image[0].numpy()).save(tmp_path / f"{index}.png")
        found += photo_hint.is_photograph(read_gray(str(tmp_path / f"{index}.png")))
    assert len(images) - found <= missed


def test_a_photograph_is_not_compared_but_led_to_the_photo_tab():
    board, scores, row = compare.arrived(shaded(100), *SETTINGS)
    assert "open it in Photo" in board
    assert "<img" not in board
    assert scores == {}
    assert row["visible"] is True


@pytest.mark.parametrize("image", [shaded(28), None])
def test_another_image_is_compared_and_the_hint_goes(image):
    board, _, row = compare.arrived(image, *SETTINGS)
    assert ("<img" in board) == (image is not None)
    assert row["visible"] is False


def test_a_photograph_is_compared_if_the_visitor_insists():
    board, scores = compare.show(shaded(100), *SETTINGS)
    assert "100x100 pixels" in board
    assert set(scores) == {"noisy", "mnist-nearest"}
