"""Checks of units: image values in about [0, 1], told from 0-255 and [-1, 1] ones, and a sigma in the same units."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

BEYOND = 0.25  # distance to [0, 1] from which values need an explanation; resampling alone overshoots by less
LARGEST = 16  # no noise takes a value that far
FEWEST = 16  # values beyond the range that are judged
STEEP = 15  # noise levels between a value beyond the range and the range, from which it is no noise
VALID = "uint8 (255 is white), uint16 (65535 is white), bool, floats in [0, 1]"


def check_sigma(sigma: Any) -> float | None:
    """Return `sigma` as a float, or None; raise ValueError with the units if it is not a number in 0 to 1."""
    if sigma is None:
        return None
    try:
        value = math.nan if isinstance(sigma, str | bytes | bool) else float(sigma)
    except (TypeError, ValueError):  # no number, or several
        value = math.nan
    if 0 <= value <= 1:
        return value
    hint = f"; {value:g} on the 0-255 scale is {value / 255:.3g}" if 1 < value <= 255 else ""
    raise ValueError(
        f"sigma is {sigma!r}; it is the standard deviation of the noise in units of the [0, 1] range, from 0 to 1{hint}"
    )


def check_kind(image: Any) -> None:
    """Raise ValueError if an image is a path, the content of a file, or nothing that has pixels."""
    if isinstance(image, bytes):
        raise ValueError("bytes are no image: give PIL.Image.open(io.BytesIO(content))")
    if isinstance(image, str | os.PathLike):
        raise ValueError(
            f"{os.fspath(image)[:200]!r} is a path, not an image: give PIL.Image.open(path), or run "
            "`python -m denoise PATH`"
        )
    if np.ndim(image) == 0:
        raise ValueError(f"a {type(image).__name__} is no image; valid: a PIL image, a numpy array, a tensor")


def check_dtype(name: str, lowest: float, highest: float) -> None:
    """Raise ValueError if integers of that type, from `lowest` to `highest`, do not tell which number is white."""
    if name in ("uint8", "uint16"):
        return
    hint = ""
    if lowest >= 0 and highest <= 65535:
        fitting = "bool" if highest <= 1 else "uint8" if highest <= 255 else "uint16"
        hint = f"; these go from {lowest} to {highest}: image.astype('{fitting}')?"
    raise ValueError(f"an image of dtype {name} does not say which number is white; valid: {VALID}{hint}")


def check_white(image: Any) -> None:
    """Raise ValueError if an array or a tensor of 16 bits holds only the numbers of 8: it would be taken for black."""
    if isinstance(image, np.ndarray | Tensor) and str(image.dtype).rpartition(".")[2] == "uint16" and len(image):
        highest = int(np.max(image, initial=0) if isinstance(image, np.ndarray) else image.int().max())
        if 0 < highest <= 255:
            raise ValueError(
                f"the largest number of this uint16 image is {highest}, and 65535 is white: give image.astype('uint8') "
                "if 255 is, image / 65535 if the image is that dark"
            )


def check_range(batch: Tensor) -> None:
    """Raise ValueError if float values are in other units than about [0, 1].

    Noise that was not clamped leaves the range, and is valid: it does so here and there. Values in other units leave
    the range in whole regions.

    Parameters
    ----------
    batch : Tensor
        (N, C, H, W) float32, finite.
    """
    lowest, highest = (extreme.item() for extreme in batch.aminmax())
    said = f"floats must be in about [0, 1], noise aside; these go from {lowest:g} to {highest:g}"
    if max(-lowest, highest) > LARGEST:
        raise ValueError(f"{said}: divide by {255 if highest <= 255 else 65535} first")
    if lowest < -BEYOND and _is_region(batch):
        raise ValueError(f"{said}, and whole regions are negative: (image + 1) / 2 first, if they are in [-1, 1]")
    if highest > 1 + BEYOND and _is_region(1 - batch):
        raise ValueError(f"{said}, and whole regions are above 1: divide by the value of white first")


def _is_region(batch: Tensor) -> bool:
    """Tell whether the values below -`BEYOND` are those of an image, and not those of noise on values of at least 0.

    Noise takes a pixel below its own median with a chance of one half, and on its own. So a neighbor of such a pixel
    is one more with a chance of at most one half, and far values are fewer than near ones. In an image dark pixels
    lie together, and black ones may be the most frequent.
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
    # Noise of neighbors may depend on each other, once it was resampled: the next one but one is safer to ask.
    distance = 1 if -lowest > STEEP * _roughness(batch) else 2
    pairs = both = 0
    for axis in (-1, -2):
        length = max(0, batch.shape[axis] - distance)
        one, other = beyond.narrow(axis, 0, length), beyond.narrow(axis, batch.shape[axis] - length, length)
        pairs, both = pairs + one.sum().item(), both + (one & other).sum().item()
    return pairs > 0 and both / pairs > 0.55 + 2 / math.sqrt(pairs)


def _roughness(batch: Tensor) -> float:
    """Return the level of white noise that neighbors differ by in the median: the noise level, or more."""
    steps = torch.cat([batch.diff(dim=axis).flatten() for axis in (-1, -2)])
    return steps.abs().median().item() / 0.6745 / math.sqrt(2) if len(steps) else 0.0
