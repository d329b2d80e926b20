"""Further views of a comparison: difference maps and error spectra of each output."""

from __future__ import annotations

import functools

import matplotlib
import numpy as np

from demo.compute.answers import Answer
from denoise.registry import UnknownName, unknown

VIEWS = {
    "pictures": "Images",
    "wipe": "Before / after",
    "differences": "Differences",
    "spectra": "Error spectra",
}
FULL = 0.5  # absolute difference that is drawn in the darkest color
SPECTRUM_DB = (-50.0, 0.0)  # error power at a frequency, from the darkest color to the brightest
EXPLAINED = {
    "pictures": "",
    "wipe": "Left of the line: noisy input. Right: output.",
    "differences": (
        f"Output minus clean image: red is too bright, blue too dark, full color at {FULL:g}."
    ),
    "spectra": (
        "Power of the error at each frequency, frequency 0 in the center. White: "
        f"{SPECTRUM_DB[1]:g} dB; black: {SPECTRUM_DB[0]:g} dB. A checkerboard of period 2 shows as "
        "a bright dot in a corner or at the middle of a side."
    ),
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
        return [answer.image for answer in answers]
    clean, *others = (answer.image for answer in answers)
    return [clean, *(draw(image, clean) for image in others)]


def difference(image: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Draw `image - clean`, two (H, W) uint8 images, as (H, W, 3) uint8.

    Equal pixels are white.
    """
    return _colored("RdBu_r", _error(image, clean) / (2 * FULL) + 0.5)


def spectrum(image: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Draw the periodogram of `image - clean` as (H, W, 3) uint8, DC in the center.

    Both inputs are (H, W) uint8.
    """
    power = np.abs(np.fft.fftshift(np.fft.fft2(_error(image, clean)))) ** 2 / clean.size
    low, high = SPECTRUM_DB
    decibels = 10 * np.log10(np.maximum(power, 10 ** (low / 10)))
    return _colored("magma", (decibels - low) / (high - low))


def _error(image: np.ndarray, clean: np.ndarray) -> np.ndarray:
    return (image.astype(float) - clean) / 255


def _colored(name: str, values: np.ndarray) -> np.ndarray:
    return _colormap(name)[np.clip(np.rint(values * 255), 0, 255).astype(int)]


@functools.cache
def _colormap(name: str) -> np.ndarray:
    """Return a color map, (256, 3) uint8."""
    return matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
