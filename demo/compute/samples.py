"""Sample images of the demo: rendered samples, and real samples if the data root has them."""

from __future__ import annotations

import functools
import logging
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np

from demo.compute.images import as_digit
from demo.guard.refusals import shown
from denoise import datasets
from denoise.datasets.glyphs import render

REAL = {"mnist": 4, "notmnist": 4}  # number of test images per dataset, offered without a download
FONT = "DejaVuSans"
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral")
"""Fonts of the rendered digits that `drawn` returns without data."""
DIGITS = "2358"
# keys of the test split of glyphs
LETTERS = ("STIXGeneral/A", "cmtt10/B", "cmss10/C", "STIXGeneralBolIta/G")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """A clean image, (28, 28) uint8, and the dataset that its networks are trained on."""

    label: str
    image: np.ndarray
    family: str
    rendered: bool = False
    name: str = ""  # in links


@functools.cache
def samples() -> tuple[Sample, ...]:
    """Return `rendered()`, then real digits and letters if they are on this machine.

    The first call may take seconds: it decodes an archive that was never read before.
    """
    return (*rendered(), *_real())


def named(name: str) -> np.ndarray:
    """Return the image of a sample; raise ValueError if this page has no such sample."""
    for sample in samples():
        if sample.name == name:
            return sample.image
    raise ValueError(f"{shown(name)} is no sample of this page")


def name_of(image: np.ndarray) -> str | None:
    """Return the name of the sample that an image is, or None."""
    # `rendered` first: the opening sample must not wait for an archive
    for known in (rendered, samples):
        for sample in known():
            if np.array_equal(sample.image, image):
                return sample.name
    return None


def _real() -> Iterator[Sample]:
    for name, count in REAL.items():
        if not datasets.present(name):
            continue
        try:
            images = datasets.load(name, "test")
        except (datasets.BrokenData, datasets.MissingData) as error:
            log.warning("no samples of %s: %s", name, error)
            continue
        for i in range(0, len(images), len(images) // count)[:count]:
            yield Sample(
                f"{images.labels[i]} ({name})", images[i][0].numpy(), name, name=f"{name}-{i}"
            )


def has_images(family: str) -> bool:
    """Return True if `drawn` has images of a family."""
    return family in REAL


def drawn(family: str, count: int, random: np.random.Generator) -> np.ndarray:
    """Draw clean images of a family without repetition, (count, 28, 28) uint8.

    Test images if they are on this machine, else rendered digits or letters.
    """
    images = _test_images(family)
    return images[random.choice(len(images), count, replace=False)]


@functools.cache
def _test_images(family: str) -> np.ndarray:
    if datasets.present(family):
        try:
            return _gray(datasets.load(family, "test"))
        except (datasets.BrokenData, datasets.MissingData) as error:
            log.warning("no test images of %s: %s", family, error)
    if family == "notmnist":
        return _gray(datasets.load("glyphs", "test"))
    digits = (as_digit(render(_font(name), digit)) for name in FONTS for digit in string.digits)
    return np.stack([digit for digit in digits if digit is not None])


def _gray(pictures: datasets.Pictures) -> np.ndarray:
    return np.stack([image[0].numpy() for image in pictures.images])


def _font(name: str) -> Path:
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"


@functools.cache
def rendered() -> tuple[Sample, ...]:
    """Return the samples that need no data."""
    return tuple(_rendered())


def _rendered() -> Iterator[Sample]:
    font = _font(FONT)
    for digit in DIGITS:
        picture = as_digit(render(font, digit))
        assert picture is not None  # no digit is blank
        yield Sample(f"{digit} (rendered)", picture, "mnist", True, f"rendered-{digit}")
    letters = datasets.load("glyphs", "test")
    for key in LETTERS:
        image = letters[letters.keys.index(key)][0].numpy()
        yield Sample(f"{key[-1]} (rendered)", image, "notmnist", True, f"rendered-{key[-1]}")
