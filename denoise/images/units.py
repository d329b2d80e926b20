"""Checks of units: image values in about [0, 1], not 0-255 or [-1, 1], and sigma likewise."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

# distance to [0, 1] from which values are checked; resampling alone overshoots by less
BEYOND = 0.25
LARGEST = 16  # noise never takes a value that far
FEWEST = 16  # values beyond the range that a decision needs
STEEP = 15  # noise levels between a value and the range, from which the value is not noise
VALID = "uint8 (255 is white), uint16 (65535 is white), bool, floats in [0, 1]"


def check_sigma(sigma: Any) -> float | None:
    """Return `sigma` as a float, or None.

    Raise ValueError with the units if it is not a number in 0 to 1.
    """
    if sigma is None:
        return None
    try:
        value = math.nan if isinstance(sigma, str | bytes | bool) else float(sigma)
    except (TypeError, ValueError):  # not a number, or several numbers
        value = math.nan
    if 0 <= value <= 1:
        return value
    hint = f"; {value:g} on the 0-255 scale is {value / 255:.3g}" if 1 < value <= 255 else ""
    raise ValueError(
        f"sigma is {sigma!r}; valid: 0 to 1, the standard deviation of the noise in units of the "
        f"[0, 1] range{hint}"
    )


def check_kind(image: Any) -> None:
    """Raise ValueError for a path, the content of a file, or an object without pixels."""
    if isinstance(image, bytes):
        raise ValueError("bytes are not an image: give PIL.Image.open(io.BytesIO(content))")
    if isinstance(image, str | os.PathLike):
        raise ValueError(
            f"{os.fspath(image)[:200]!r} is a path, not an image: give PIL.Image.open(path) or run "
            "`python -m denoise PATH`"
        )
    if np.ndim(image) == 0:
        raise ValueError(
            f"{type(image).__name__} is not an image type; valid: PIL image, numpy array, tensor"
        )


def check_dtype(name: str, lowest: float, highest: float) -> None:
    """Raise ValueError if integers from `lowest` to `highest` leave the value of white open."""
    if name in ("uint8", "uint16"):
        return
    hint = ""
    if lowest >= 0 and highest <= 65535:
        fitting = "bool" if highest <= 1 else "uint8" if highest <= 255 else "uint16"
        hint = f"; the values are {lowest} to {highest}: image.astype('{fitting}')?"
    raise ValueError(f"an image of dtype {name} does not define white; valid: {VALID}{hint}")


def check_white(image: Any) -> None:
    """Raise ValueError if a 16-bit image holds only 8-bit values, which would appear black."""
    if (
        isinstance(image, np.ndarray | Tensor)
        and str(image.dtype).rpartition(".")[2] == "uint16"
        and len(image)
    ):
        highest = int(
            np.max(image, initial=0) if isinstance(image, np.ndarray) else image.int().max()
        )
        if 0 < highest <= 255:
            raise ValueError(
                f"this uint16 image has values up to {highest}, and 65535 is white: give "
                "image.astype('uint8') if white is 255, image / 65535 if the image is dark"
            )


def check_range(batch: Tensor) -> None:
    """Raise ValueError if float values are not in about [0, 1].

    Unclamped noise leaves the range at single pixels, and is valid. Values in other units leave the
    range in whole regions.

    Parameters
    ----------
    batch : Tensor
        (N, C, H, W) float32, finite.
    """
    lowest, highest = (extreme.item() for extreme in batch.aminmax())
    problem = f"float values are {lowest:g} to {highest:g}; valid: about [0, 1], apart from noise"
    if max(-lowest, highest) > LARGEST:
        raise ValueError(f"{problem}: divide by {255 if highest <= 255 else 65535} first")
    if lowest < -BEYOND and _is_region(batch):
        raise ValueError(
            f"{problem}; whole regions are negative: use (image + 1) / 2 if the range is [-1, 1]"
        )
    if highest > 1 + BEYOND and _is_region(1 - batch):
        raise ValueError(
            f"{problem}; whole regions are above 1: divide by the value of white first"
        )


def _is_region(batch: Tensor) -> bool:
    """Return True if the values below -`BEYOND` belong to an image, not to noise.

    Noise takes a pixel below its own median with probability one half, independently of its
    neighbors. So a neighbor of such a pixel is also below with probability one half at most, and
    far values are rarer than near ones. In an image dark pixels lie together, and black pixels may
    be the most frequent.
    """
    beyond = batch < -BEYOND
    values = batch[beyond]
    count = len(values)
    if count < FEWEST:
        return False
    lowest = values.kthvalue(count // 200 + 1).values.item()
    far = (values < (lowest - BEYOND) / 2).sum().item()
    if far > 1.25 * (count - far) + 4 * math.sqrt(count):
        return True
    # Resampling correlates the noise of adjacent pixels: pixels at distance 2 are safer.
    distance = 1 if -lowest > STEEP * _roughness(batch) else 2
    pairs = both = 0
    for axis in (-1, -2):
        length = max(0, batch.shape[axis] - distance)
        one, other = (
            beyond.narrow(axis, 0, length),
            beyond.narrow(axis, batch.shape[axis] - length, length),
        )
        pairs, both = pairs + int(one.sum()), both + int((one & other).sum())
    return pairs > 0 and both / pairs > 0.55 + 2 / math.sqrt(pairs)


def _roughness(batch: Tensor) -> float:
    """Return the sigma of white noise with the batch's median difference between neighbors.

    The result is the noise level or more.
    """
    steps = torch.cat([batch.diff(dim=axis).flatten() for axis in (-1, -2)])
    return steps.abs().median().item() / 0.6745 / math.sqrt(2) if len(steps) else 0.0
