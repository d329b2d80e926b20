"""Further views of a comparison: difference maps and error spectra of each output."""

from __future__ import annotations

import functools

import matplotlib
import numpy as np

from demo.compute.answers import Answer
from denoise.registry import UnknownName, unknown

VIEWS = {
    "pictures": "Pictures",
    "wipe": "Before / after",
    "differences": "Differences",
    "spectra": "Spectra of the error",
}
FULL = 0.5  # absolute difference that is drawn in the darkest color
SPECTRUM_DB = (-50.0, 0.0)  # error power at a frequency, from the darkest color to the brightest
EXPLAINED = {
    "pictures": "",
    "wipe": "Left of the line: noisy. Right of it: the answer.",
    "differences": (
        f"Answer less clean picture: red is too bright, blue too dark, full colour at {FULL:g}."
    ),
    "spectra": "Power of the error at each frequency, the mean in the middle, brightest at "
    f"{SPECTRUM_DB[1]:g} dB, black at {SPECTRUM_DB[0]:g} dB. A checkerboard of period 2 is a bright dot in the middle "
    "of the sides or in the corners.",
}


def check_view(view: str) -> str:
    """Return the view if it is one of `VIEWS`; raise UnknownName (a ValueError) otherwise."""
    if view not in VIEWS:
        raise UnknownName(unknown("view", view, list(VIEWS)))
    return view


def shown(view: str, answers: list[Answer]) -> list[np.ndarray]:
    """Return the image to display for each output, (H, W) or (H, W, 3) uint8.

    The clean image, first, is unchanged.
    """
    draw = {"differences": difference, "spectra": spectrum}.get(check_view(view))
    if draw is None:
        return [answer.picture for answer in answers]
    clean, *others = (answer.picture for answer in answers)
    return [clean, *(draw(picture, clean) for picture in others)]


def difference(picture: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Draw `picture - clean`, two (H, W) uint8 images, as (H, W, 3) uint8.

    Equal pixels are white.
    """
    return _coloured("RdBu_r", _error(picture, clean) / (2 * FULL) + 0.5)


def spectrum(picture: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Draw the periodogram of `picture - clean`, two (H, W) uint8 images, as (H, W, 3) uint8, DC in the center."""
    power = np.abs(np.fft.fftshift(np.fft.fft2(_error(picture, clean)))) ** 2 / clean.size
    low, high = SPECTRUM_DB
    decibels = 10 * np.log10(np.maximum(power, 10 ** (low / 10)))
    return _coloured("magma", (decibels - low) / (high - low))


def _error(picture: np.ndarray, clean: np.ndarray) -> np.ndarray:
    return (picture.astype(float) - clean) / 255


def _coloured(name: str, values: np.ndarray) -> np.ndarray:
    return _colours(name)[np.clip(np.rint(values * 255), 0, 255).astype(int)]


@functools.cache
def _colours(name: str) -> np.ndarray:
    """Return a color map, (256, 3) uint8."""
    return matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
