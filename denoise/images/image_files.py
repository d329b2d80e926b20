"""Image files, read and written with all of their content: 16 bits, alpha, color profile.

The implementation lies in `denoise.images`; this module exports the public names.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import torch
from torch import Tensor

from denoise.files import folders
from denoise.images.container import TooLarge
from denoise.images.kinds import ENDINGS, KNOWN, NAMES, WITH_ALPHA
from denoise.images.metadata import Metadata, Resolution
from denoise.images.reading import LARGEST_PIXELS, Pages, PictureFile, read, read_pages
from denoise.images.writing import Written, check_target, converted, write_pages

__all__ = [
    "ENDINGS",
    "LARGEST_PIXELS",
    "NAMES",
    "WITH_ALPHA",
    "Metadata",
    "Pages",
    "PictureFile",
    "Resolution",
    "TooLarge",
    "Written",
    "below",
    "check_target",
    "eight_bits",
    "has_ending",
    "oiio",
    "read",
    "read_8bit",
    "read_pages",
    "write",
    "write_pages",
]


def write(image: PictureFile, path: str | Path) -> Written:
    """Write one image in the format of its file ending.

    Outputs and errors are those of `write_pages`.
    """
    return write_pages([image], path)


def below(folder: Path) -> list[Path]:
    """List the files below a folder that have the ending of an image, sorted."""
    return [file for file in folders.walk(folder).files if has_ending(file)]


def has_ending(path: Path) -> bool:
    """Return True if a file has an image ending, including formats that are refused by name."""
    return path.suffix.lower() in KNOWN


def read_8bit(path: str | Path, largest: int = LARGEST_PIXELS) -> Tensor:
    """Read a file as `eight_bits`; errors are those of `read`."""
    return eight_bits(read(path, largest))


def eight_bits(image: PictureFile) -> Tensor:
    """Convert pixels for a dataset: (1, H, W) uint8 if gray, else (3, H, W).

    Alpha is composed over white.
    """
    array = converted(image.pixels, np.dtype(np.uint8))
    if image.alpha:
        alpha = array[..., -1:].astype(np.float32) / 255
        array = np.round(array[..., :-1] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return torch.from_numpy(array.transpose(2, 0, 1).copy())
