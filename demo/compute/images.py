"""Image input and output of the demo: checks before decoding, lossless display.

Gradio's own image components decode any file, and a 500 kB PNG can hold 169 million pixels. They
also display images as lossy WebP, which smooths noise: an image at sigma 25 gains 2.9 dB from the
display alone.
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

from demo.guard import uploads
from demo.guard.refusals import refusal
from denoise.datasets.glyphs import SIDE
from denoise.images import image_files, isolated
from denoise.images.image_files import PictureFile

LARGEST = 4_000_000  # pixels; a larger file is not decoded
LARGEST_SIDE = 256  # pixels; a larger image is downscaled, so that outputs keep up with the slider
# pixels: MNIST scaled each digit to this box and put its center of mass in the center of 28x28
MNIST_BOX = 20


def read_file(path: str | None, largest: int = LARGEST) -> PictureFile:
    """Load an uploaded file with its metadata; raise gradio.Error as `read_gray` does."""
    if not path:
        raise refusal(uploads.NO_FILE)
    try:
        return isolated.read(path, largest)
    except ValueError as error:
        raise refusal(f"this image cannot be used: {_without_path(error, path)}") from None


def read_gray(path: str | None) -> np.ndarray:
    """Load an uploaded file as a gray image, (H, W) uint8, at most `LARGEST_SIDE` pixels a side.

    Raises
    ------
    gradio.Error
        The value is no file, the file is no image, or the image is too large; the message is one
        sentence.
    """
    layers = image_files.eight_bits(read_file(path)).numpy()
    image = Image.fromarray(layers[0] if len(layers) == 1 else layers.transpose(1, 2, 0)).convert(
        "L"
    )
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _without_path(error: ValueError, path: str) -> str:
    return str(error).replace(f"{path}: ", "").replace(path, Path(path).name)


class GrayImage(gr.Image):
    """A `gr.Image` whose value is `read_gray` of the uploaded file."""

    def get_block_name(self) -> str:
        """Return the name of Gradio's component in the browser."""
        return "image"

    def preprocess(self, payload: Any) -> np.ndarray | None:
        """Decode the uploaded file."""
        return None if payload is None else read_gray(uploads.path_of(payload))


def as_digit(drawing: np.ndarray) -> np.ndarray | None:
    """Convert a drawing to the format of MNIST.

    Bright on black, in a 20x20 box, with the center of mass in the center of 28x28.

    Parameters
    ----------
    drawing : numpy.ndarray
        (H, W) uint8; a dark drawing on a light ground is inverted.

    Returns
    -------
    numpy.ndarray or None
        (28, 28) uint8; None if the drawing is empty.
    """
    border = np.concatenate([drawing[0], drawing[-1], drawing[:, 0], drawing[:, -1]])
    image = Image.fromarray(255 - drawing if border.mean() > 127 else drawing)
    box = image.point(lambda value: 255 * (value > 30)).getbbox()
    if box is None:
        return None
    image = image.crop(box)
    scale = MNIST_BOX / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BOX)
    ink = np.asarray(image, dtype=float)
    rows, columns = (
        np.average(np.arange(n), weights=ink.sum(1 - axis)) for axis, n in enumerate(ink.shape)
    )
    top, left = (
        int(np.clip(round(SIDE / 2 - 0.5 - center), 0, SIDE - n))
        for center, n in zip((rows, columns), ink.shape, strict=True)
    )
    digit = np.zeros((SIDE, SIDE), np.uint8)
    digit[top : top + ink.shape[0], left : left + ink.shape[1]] = np.asarray(image)
    return digit


def data_url(image: np.ndarray) -> str:
    """Encode a (H, W) uint8 image as a lossless PNG in a `data:` URL."""
    buffer = io.BytesIO()
    # Noise has no repeats except runs. Without the search for matches, encoding takes a third of
    # the time and the file is no larger.
    Image.fromarray(image).save(buffer, "png", compress_level=1, compress_type=zlib.Z_RLE)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
