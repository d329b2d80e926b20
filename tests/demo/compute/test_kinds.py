"""The guess of the kind of an image, and its hit rate on real photographs and pages.

The rate: `pytest -rP -m slow tests/demo/compute/test_kinds.py`, with `DENOISE_DATA`.
"""

from pathlib import Path

import numpy as np
import pytest
import skimage

from demo.compute import kinds
from denoise.images import image_files
from denoise.images.image_files import PictureFile

SAMPLES = Path(skimage.__file__).parent / "data"
PHOTOGRAPHS = ("astronaut", "brick", "camera", "chelsea", "clock_motion", "coffee", "coins", "moon")


def of(pixels):
    return PictureFile(pixels[..., None] if pixels.ndim == 2 else pixels, False, None)


def page(paper=230, ink=30):
    """Return a page of 320x320 pixels: a line of ink, 2 pixels high, in every 8 rows."""
    pixels = np.full((320, 320), paper, np.uint8)
    pixels[3::8] = pixels[4::8] = ink
    return pixels


def test_even_paper_with_ink_everywhere_is_a_page_and_the_sentence_says_the_shares():
    found = kinds.guess(of(page()))
    assert found == kinds.Guess(
        "page",
        "Looks like a page: 75 % of the pixels are as bright as the paper around them, with ink "
        "on 100 % of the image.",
    )


def test_a_shadow_over_a_page_does_not_hide_it():
    light = np.linspace(0.75, 1, 320)
    assert kinds.guess(of((page() * light).astype(np.uint8))).kind == "page"


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (
            np.full((320, 320), 230, np.uint8),
            "only 0 % of the image has dark marks on it",
        ),
        (page(paper=90), "its bright parts have only 35 % of white (a page: at least 50 %)"),
        (
            np.random.default_rng(0).integers(0, 256, (320, 320), np.uint8),
            "of the pixels are near the brightest tone around them (a page: at least 50 %)",
        ),
        (
            (page() * np.linspace(0.3, 1, 320)).astype(np.uint8),
            "of white across the image (a page: at most 42 %)",
        ),
    ],
)
def test_what_speaks_against_a_page_is_the_reason_for_a_photograph(pixels, said):
    kind, reason = kinds.guess(of(pixels))
    assert kind == "photograph"
    assert reason.startswith("Looks like a photograph: ")
    assert said in reason


@pytest.mark.parametrize("shape", [(1, 1), (31, 400)])
def test_a_tiny_image_is_treated_as_a_photograph(shape):
    assert kinds.guess(of(np.zeros(shape, np.uint8))) == kinds.Guess(
        "photograph", "Treated as a photograph: too small to tell."
    )


def test_a_large_color_image_of_16_bits_is_guessed_as_its_small_gray_version():
    large = np.repeat(np.repeat(page(), 4, axis=0), 4, axis=1).astype(np.uint16) * 257
    assert kinds.guess(of(np.stack([large] * 3, axis=-1))).kind == "page"


@pytest.mark.parametrize("name", ["page", "text"])
def test_the_pages_of_scikit_image_are_pages(name):
    assert kinds.guess(image_files.read(SAMPLES / f"{name}.png")).kind == "page"


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_photographs_of_scikit_image_are_photographs(name):
    assert kinds.guess(image_files.read(SAMPLES / f"{name}.png")).kind == "photograph"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "kind", "least"),
    [
        ("dirty_documents/train/*.png", "page", 1),
        ("dirty_documents/train_cleaned/*.png", "page", 1),
        ("bsd68/*.png", "photograph", 1),
        ("set12/*.png", "photograph", 11 / 12),
        ("bsds500/*/*.jpg", "photograph", 0.99),
        ("real_noise/*_real.JPG", "photograph", 1),
    ],
)
def test_the_hit_rate_on_real_images(data_root, pattern, kind, least):
    files = sorted(data_root.glob(pattern))
    if not files:
        pytest.skip(f"{pattern} is not in the data root ({data_root}); set DENOISE_DATA")
    hits = sum(kinds.guess(image_files.read(file)).kind == kind for file in files)
    print(f"{pattern}: {hits} of {len(files)} are guessed as {kind}")
    assert hits >= least * len(files)
