"""Strength of the denoising: a blend of input and output at full bit depth, without a network.

The pixels of a result are kept in the folder of the uploads, which deletes old files.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
from pathlib import Path
from typing import Any

import numpy as np

from demo.guard import uploads
from denoise.images import image_files
from denoise.images.image_files import PictureFile

FULL = 100  # percent: the output of the network
ROWS = 256  # rows that are blended at once
FOLDER = "results"
TOKEN = re.compile(r"[0-9a-f]{32}")
BEFORE, AFTER, HEADER = "before.npy", "after.npy", "header.png"
GONE = "this result is no longer kept: denoise the image again"


def keep(before: np.ndarray, output: PictureFile) -> str:
    """Keep a result; return a name of it that nobody can guess.

    Parameters
    ----------
    before : numpy.ndarray
        Input of the network, of the shape and dtype of the output's pixels.
    output : PictureFile
    """
    token = secrets.token_hex(16)
    folder = _folder(token)
    folder.mkdir(parents=True)
    np.save(folder / BEFORE, before)
    np.save(folder / AFTER, output.pixels)
    # one pixel, with the metadata and the number format of the output
    header = dataclasses.replace(output, pixels=output.pixels[:1, :1].copy())
    image_files.write(header, folder / HEADER)
    return token


def kept(token: str, percent: Any) -> PictureFile:
    """Return the output file of a kept result at a strength.

    Raises
    ------
    ValueError
        An error of `checked`, or the result is no longer kept.
    """
    percent = checked(percent)
    folder = _folder(token)
    try:
        before, after = (np.load(folder / name, mmap_mode="r") for name in (BEFORE, AFTER))
        header = image_files.read(folder / HEADER)
    except (OSError, ValueError):
        raise ValueError(GONE) from None
    return at(before, dataclasses.replace(header, pixels=after), percent)


def at(before: np.ndarray, output: PictureFile, percent: Any) -> PictureFile:
    """Return the output file at a strength; raise an error of `checked`."""
    percent = checked(percent)
    pixels = blend(before, output.pixels, percent)
    if output.alpha:
        pixels[..., -1] = output.pixels[..., -1]
    return dataclasses.replace(output, pixels=pixels)


def checked(percent: Any) -> int:
    """Return a strength as an integer; raise ValueError if it is not from 0 to 100."""
    number = isinstance(percent, int | float) and not isinstance(percent, bool)
    if not number or not 0 <= percent <= FULL or percent != int(percent):
        raise ValueError(f"the strength {percent!r} is not a whole number from 0 to {FULL}")
    return int(percent)


def blend(before: np.ndarray, after: np.ndarray, percent: int) -> np.ndarray:
    """Return `before + percent / 100 * (after - before)`, in the dtype of both.

    Integers are rounded half up; `photo_viewer.js` rounds alike, so that a file of 8 bits has
    exactly the shown pixels.
    """
    if before.dtype.kind != "u":
        return np.asarray(before + (after - before) * before.dtype.type(percent / FULL))
    mixed = np.empty(before.shape, before.dtype)
    for start in range(0, len(before), ROWS):
        rows = slice(start, start + ROWS)
        first, last = before[rows].astype(np.int32), after[rows].astype(np.int32)
        mixed[rows] = (FULL * first + percent * (last - first) + FULL // 2) // FULL
    return mixed


def _folder(token: str) -> Path:
    if not TOKEN.fullmatch(token):
        raise ValueError(GONE)
    return uploads.folder() / FOLDER / token
