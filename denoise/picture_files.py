"""Picture files, read with all that they hold and written with all that they held: 16 bits, alpha, color profile.

The parts lie in `denoise.images`; here are the names that others use.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import torch
from torch import Tensor

from denoise import folders
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


def write(picture: PictureFile, path: str | Path) -> Written:
    """Write one image by its file ending. Returns and raises as `write_pages` does."""
    return write_pages([picture], path)


def below(folder: Path) -> list[Path]:
    """List the files below a folder that have the ending of an image, sorted."""
    return [file for file in folders.walk(folder).files if has_ending(file)]


def has_ending(path: Path) -> bool:
    """Tell if a file has the ending of an image, be it of a kind that is refused by name."""
    return path.suffix.lower() in KNOWN


def read_8bit(path: str | Path, largest: int = LARGEST_PIXELS) -> Tensor:
    """Read a file as a dataset holds it. Returns as `eight_bits`, raises ValueError as `read` does."""
    return eight_bits(read(path, largest))


def eight_bits(picture: PictureFile) -> Tensor:
    """The pixels as a dataset holds them: (1, H, W) uint8 where they are gray, else (3, H, W); alpha over white."""
    array = converted(picture.pixels, np.dtype(np.uint8))
    if picture.alpha:
        alpha = array[..., -1:].astype(np.float32) / 255
        array = np.round(array[..., :-1] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return torch.from_numpy(array.transpose(2, 0, 1).copy())
