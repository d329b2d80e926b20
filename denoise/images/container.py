"""Common parts of all image formats between the bytes of a file and its pixels.

A decoder gets only the bytes that make the pixels. Metadata never reaches the decoder, so that no
text, profile or record can harm it. Sizes and counts are checked before decoding starts.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFile

from denoise.images.metadata import Metadata

UNREADABLE = "cannot be read as an image"
MOST_FRAMES = 10_000
DECODE_ERRORS = (
    *(OSError, SyntaxError, ValueError, EOFError, OverflowError),
    *(struct.error, IndexError, KeyError, RuntimeError, Image.DecompressionBombError),
)
"""Exceptions of Pillow's readers for damaged files."""


class TooLarge(ValueError):
    """Error of an image with more pixels than the caller allows."""


class Decoded(NamedTuple):
    """Decoded image of a file: its pixels (H, W, C) as stored, and its reader's notes.

    `orientation` is 0 if the EXIF block of the metadata gives the orientation.
    """

    pixels: np.ndarray
    alpha: bool
    metadata: Metadata
    notes: tuple[str, ...] = ()
    orientation: int = 0


@dataclass(frozen=True)
class Opened:
    """Checked file: the number of its images, and a generator that decodes them one by one."""

    count: int
    images: Generator[Decoded]


def check_size(width: int, height: int, largest: int) -> None:
    """Raise ValueError for an empty image, `TooLarge` for more than `largest` pixels."""
    if width < 1 or height < 1:
        raise ValueError(f"the image size is {width}x{height}; valid: at least 1x1")
    if width * height > largest:
        raise TooLarge(f"{width}x{height} exceeds {largest:,} pixels: crop or shrink it")


def cut(what: str) -> ValueError:
    """Make the error of a truncated file."""
    return ValueError(f"{UNREADABLE}: truncated, {what}")


def loaded(reader: type[ImageFile.ImageFile], data: bytes) -> ImageFile.ImageFile:
    """Decode the first image with one of Pillow's readers and no further format.

    Raise ValueError.
    """
    try:
        image = reader(io.BytesIO(data))
        image.load()
    except DECODE_ERRORS as error:
        raise ValueError(f"{UNREADABLE}: {message_of(error)}") from None
    return image


def message_of(error: Exception) -> str:
    """Return a decoder's error message on one line."""
    text = " ".join(str(error).split())
    return "truncated" if "truncated" in text else text[:200] or type(error).__name__


def channels(image: Image.Image) -> tuple[np.ndarray, bool]:
    """Return the gray or RGB pixels (H, W, C), and True if the last channel is alpha."""
    if image.mode in ("1", "L") and not image.has_transparency_data:
        image = image.convert("L")
    elif image.mode not in ("I;16", "L", "LA", "RGB", "RGBA") or image.has_transparency_data:
        gray = image.mode in ("1", "L", "LA")
        alpha = image.has_transparency_data
        image = image.convert(("LA" if gray else "RGBA") if alpha else ("L" if gray else "RGB"))
    pixels = np.asarray(image)
    pixels = pixels.astype(np.uint16) if image.mode == "I;16" else pixels
    return pixels.reshape(image.height, image.width, -1), image.mode in ("LA", "RGBA")


def frames(
    reader: type[ImageFile.ImageFile], data: bytes, numbers: range
) -> Iterator[tuple[np.ndarray, bool, int]]:
    """Decode the images of an animation: pixels, alpha, and duration in milliseconds.

    Raise ValueError.
    """
    try:
        image = reader(io.BytesIO(data))
        for number in numbers:
            image.seek(number)
            image.load()
            yield *channels(image), round(image.info.get("duration", 0))
    except DECODE_ERRORS as error:
        raise ValueError(f"{UNREADABLE}: {message_of(error)}") from None
