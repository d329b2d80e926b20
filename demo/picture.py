"""Pictures in and out of the page: checked before they are decoded, and shown without loss.

Gradio's own image components decode whatever comes (a 500 kB PNG can hold 169 million pixels) and show pictures as
lossy WebP, which smooths noise: a picture at sigma 25 gains 2.9 dB from display alone.
"""

from __future__ import annotations

import base64
import io
import zlib
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from demo import uploads
from demo.inputs import refusal
from denoise import picture_files
from denoise.datasets.glyphs import SIDE
from denoise.images import isolated
from denoise.picture_files import PictureFile

LARGEST = 4_000_000  # pixels of a file that is decoded
LARGEST_SIDE = 256  # pixels; a larger picture is shrunk, so that an answer comes while the slider moves
MNIST_BOX = 20  # pixels: MNIST scaled each digit to this box and put its centre of mass in the middle of 28x28


def read_file(path: str | None, largest: int = LARGEST) -> PictureFile:
    """An uploaded file with all that it holds; raises gradio.Error as `read_gray` does."""
    if not path:
        raise refusal(uploads.NO_FILE)
    try:
        return isolated.read(path, largest)
    except ValueError as error:
        raise refusal(f"this picture cannot be used: {_without_path(error, path)}") from None


def read_gray(path: str | None) -> np.ndarray:
    """An uploaded file as a gray picture, (H, W) uint8, at most `LARGEST_SIDE` pixels a side.

    Raises
    ------
    gradio.Error
        Not a file, not a picture, or too large; one readable sentence.
    """
    layers = picture_files.eight_bits(read_file(path)).numpy()
    image = Image.fromarray(layers[0] if len(layers) == 1 else layers.transpose(1, 2, 0)).convert("L")
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _without_path(error: ValueError, path: str) -> str:
    return str(error).replace(f"{path}: ", "").replace(path, Path(path).name)


class GrayPicture(gr.Image):
    """A `gr.Image` that hands over `read_gray` of what was uploaded."""

    def get_block_name(self) -> str:
        return "image"

    def preprocess(self, payload: Any) -> np.ndarray | None:
        return None if payload is None else read_gray(uploads.path_of(payload))


def as_digit(drawing: np.ndarray) -> np.ndarray | None:
    """A drawing as MNIST would hold it: bright on black, in a 20x20 box, its centre of mass in the middle of 28x28.

    Parameters
    ----------
    drawing : numpy.ndarray
        (H, W) uint8; dark on light is turned over.

    Returns
    -------
    numpy.ndarray or None
        (28, 28) uint8; None where nothing is drawn.
    """
    border = np.concatenate([drawing[0], drawing[-1], drawing[:, 0], drawing[:, -1]])
    image = Image.fromarray(255 - drawing if border.mean() > 127 else drawing)
    box = image.point(lambda value: 255 * (value > 30)).getbbox()
    if box is None:
        return None
    image = image.crop(box)
    scale = MNIST_BOX / max(image.size)
    image = image.resize(tuple(max(1, round(side * scale)) for side in image.size), Image.Resampling.BOX)
    ink = np.asarray(image, dtype=float)
    rows, columns = (np.average(np.arange(n), weights=ink.sum(1 - axis)) for axis, n in enumerate(ink.shape))
    top, left = (
        int(np.clip(round(SIDE / 2 - 0.5 - centre), 0, SIDE - n))
        for centre, n in zip((rows, columns), ink.shape, strict=True)
    )
    digit = np.zeros((SIDE, SIDE), np.uint8)
    digit[top : top + ink.shape[0], left : left + ink.shape[1]] = image
    return digit


def data_url(picture: np.ndarray) -> str:
    """A (H, W) uint8 picture as a PNG in a `data:` URL: every pixel as it is."""
    buffer = io.BytesIO()
    # Of noise nothing repeats but runs: not searching for more takes two thirds of the time, and no more bytes.
    Image.fromarray(picture).save(buffer, "png", compress_level=1, compress_type=zlib.Z_RLE)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
