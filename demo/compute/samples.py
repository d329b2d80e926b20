"""Sample images of the demo: rendered samples, and real samples if the data root has them."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np

from demo.compute.images import as_digit
from denoise import datasets
from denoise.datasets.glyphs import render

REAL = {"mnist": 4, "notmnist": 4}  # number of test images per dataset, offered without a download
FONT = "DejaVuSans.ttf"
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


@functools.cache
def samples() -> tuple[Sample, ...]:
    """Return `rendered()`, then real digits and letters if they are on this machine.

    The first call may take seconds: it decodes an archive that was never read before.
    """
    return (*rendered(), *_real())


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
            yield Sample(f"{images.labels[i]} ({name})", images[i][0].numpy(), name)


@functools.cache
def rendered() -> tuple[Sample, ...]:
    """Return the samples that need no data."""
    return tuple(_rendered())


def _rendered() -> Iterator[Sample]:
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / FONT
    for digit in DIGITS:
        picture = as_digit(render(font, digit))
        assert picture is not None  # no digit is blank
        yield Sample(f"{digit} (rendered)", picture, "mnist", rendered=True)
    letters = datasets.load("glyphs", "test")
    for key in LETTERS:
        image = letters[letters.keys.index(key)][0].numpy()
        yield Sample(f"{key[-1]} (rendered)", image, "notmnist", rendered=True)
