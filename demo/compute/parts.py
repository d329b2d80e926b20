"""Parts of a large image: the whole, the whole shrunk, or a crop at full size."""

from __future__ import annotations

import dataclasses

import numpy as np

from denoise.images.image_files import PictureFile

LARGEST = 52_000_000  # pixels of an input image: smartphones have up to 50.1 million
LARGEST_JOB = 16_800_000  # pixels that are denoised: 4096x4096 fits into a server of 2 GB
AT_ONCE = 4_000_000  # pixels that are denoised by default
MIDDLE_SIDE = 1024  # pixels
ALL, HALF, QUARTER, MIDDLE = "all", "half", "quarter", "middle"
LABELS = {
    HALF: "Shrunk to half size",
    QUARTER: "Shrunk to a quarter",
    MIDDLE: "Crop at full size",
    ALL: "Whole image",
}
NOTES = {HALF: "also halves the noise", QUARTER: "little noise is left", ALL: "slowest"}
SHRUNK = {HALF: 2, QUARTER: 4}  # divisor of height and width
CENTER = (0.5, 0.5)
"""Default place of a crop: position of its center, fractions of width and height."""


def size(part: str, height: int, width: int) -> tuple[int, int]:
    """Return height and width of a part of an image; raise ValueError if the part is unknown."""
    if part == ALL:
        return height, width
    if part in SHRUNK:
        # halved once or twice, each time rounded up: the same as divided once and rounded up
        return -(-height // SHRUNK[part]), -(-width // SHRUNK[part])
    if part == MIDDLE:
        return min(height, MIDDLE_SIDE), min(width, MIDDLE_SIDE)
    raise ValueError(f"the part {part!r} is not one of {', '.join(LABELS)}")


def offered(height: int, width: int) -> dict[str, str]:
    """Return the parts of a large image that can be denoised, with their labels.

    An empty dict for a small image.
    """
    if height * width <= AT_ONCE:
        return {}
    found = {}
    for part, label in LABELS.items():
        tall, wide = size(part, height, width)
        needed = part != QUARTER or np.prod(size(HALF, height, width)) > AT_ONCE
        if tall * wide <= LARGEST_JOB and needed:
            found[part] = f"{label}, {wide}x{tall}" + (f": {NOTES[part]}" if part in NOTES else "")
    return found


def usual(height: int, width: int) -> str:
    """Return the default part: as much of the image as `AT_ONCE` allows."""
    return next(
        part for part in (ALL, HALF, MIDDLE) if np.prod(size(part, height, width)) <= AT_ONCE
    )


def cut(image: PictureFile, part: str, place: tuple[float, float] = CENTER) -> PictureFile:
    """Return a part of an image; metadata stays.

    Parameters
    ----------
    image : PictureFile
    part : str
    place : tuple of float
        Position of a crop, as `CENTER`; the crop stays within the image.

    Raises
    ------
    ValueError
        The part is unknown, or too large to denoise.
    """
    height, width = image.pixels.shape[:2]
    tall, wide = size(part, height, width)
    if tall * wide > LARGEST_JOB:
        raise ValueError(
            f"the image has {width}x{height} pixels; at most {LARGEST_JOB:,} are denoised: "
            f"choose part {HALF!r} or {MIDDLE!r}"
        )
    if part == ALL or (tall, wide) == (height, width):
        return image
    if part in SHRUNK:
        pixels = _halved(image.pixels, image.alpha)
        if part == QUARTER:
            pixels = _halved(pixels, image.alpha)
        return dataclasses.replace(image, pixels=pixels)
    left, top = corner(place, height, width)
    crop = image.pixels[top : top + tall, left : left + wide]
    # a view would keep the whole image alive
    return dataclasses.replace(image, pixels=crop.copy())


def corner(place: tuple[float, float], height: int, width: int) -> tuple[int, int]:
    """Return the left and upper edge of a crop, in pixels."""
    tall, wide = size(MIDDLE, height, width)
    left, top = (
        min(max(int(at * whole - side / 2 + 0.5), 0), whole - side)
        for at, whole, side in zip(place, (width, height), (wide, tall), strict=True)
    )
    return left, top


def _halved(pixels: np.ndarray, alpha: bool) -> np.ndarray:
    """Return the mean of each 2x2 pixels, (H, W, C) -> (ceil(H / 2), ceil(W / 2), C).

    A last odd row counts twice.
    """
    if not alpha or (pixels[..., -1] == pixels[0, 0, -1]).all():
        return _mean(pixels)
    # Weight each color by its alpha: the color of a transparent pixel must not show.
    seen = pixels[..., -1:].astype(np.float64)
    weight = np.maximum(_mean(seen), np.finfo(np.float64).tiny)
    colors = _mean(pixels[..., :-1] * seen) / weight
    if pixels.dtype.kind == "u":
        colors = np.round(colors)
    return np.concatenate([colors.astype(pixels.dtype), _mean(pixels[..., -1:])], axis=-1)


def _mean(pixels: np.ndarray) -> np.ndarray:
    wider = {"uint8": np.uint16, "uint16": np.uint32}.get(pixels.dtype.name, pixels.dtype)
    total = sum(
        (
            _every_second(_every_second(pixels, row, 0), column, 1).astype(wider)
            for row in (0, 1)
            for column in (0, 1)
        ),
        start=np.zeros((), wider),
    )
    return ((total + 2) // 4).astype(pixels.dtype) if pixels.dtype.kind == "u" else total / 4


def _every_second(pixels: np.ndarray, first: int, axis: int) -> np.ndarray:
    """Return every second row (axis 0) or column (axis 1) from `first` on.

    Repeat the last one if one is missing.
    """
    count = pixels.shape[axis]
    if count % 2 == 0 or first == 0:
        return pixels[first::2] if axis == 0 else pixels[:, first::2]
    return pixels.take(np.minimum(np.arange(1, count + 1, 2), count - 1), axis)
