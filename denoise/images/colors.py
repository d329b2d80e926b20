"""Conversion of samples to RGB or gray: CMYK, CIELAB, and colors multiplied by their alpha."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
from PIL import Image, ImageCms

from denoise.images.container import Decoded
from denoise.images.tiff_tags import CIELAB

ROWS = 256  # converted at a time, so that floating-point copies stay small
D50 = np.array([0.96422, 1.0, 0.82521])  # white point of CIELAB in TIFF files
# linear sRGB, adapted to that white point by Bradford's method (http://www.brucelindbloom.com)
XYZ_TO_RGB = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


def from_cmyk(found: Decoded) -> Decoded:
    """Convert inks (H, W, 4) to RGB; the largest value is full ink.

    Eight-bit inks with an ICC profile for CMYK are converted by the profile. Otherwise each color
    is the light that passes both its ink and black. The profile does not describe the RGB image,
    and is dropped.
    """
    pixels = (
        _by_profile(found.pixels, found.metadata.icc) if found.pixels.dtype == np.uint8 else None
    )
    if pixels is not None:
        return without_profile(found._replace(pixels=pixels), "CMYK", "by its ICC profile")
    top = _top(found.pixels)
    pixels = _by_rows(
        lambda inks: (top - inks[..., :3]) * (top - inks[..., 3:]) / top, found.pixels
    )
    return without_profile(found._replace(pixels=pixels), "CMYK")


def without_profile(found: Decoded, space: str, how: str = "without an ICC profile") -> Decoded:
    """Remove the ICC profile after a conversion from another color space, and add a note."""
    kept = dataclasses.replace(found.metadata, icc=b"")
    return found._replace(
        metadata=kept, notes=(*found.notes, f"{space} was converted to RGB {how}")
    )


def _by_profile(inks: np.ndarray, icc: bytes) -> np.ndarray | None:
    if icc[16:20] != b"CMYK":
        return None
    image = Image.frombytes("CMYK", inks.shape[1::-1], inks.tobytes())
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError):  # a damaged profile counts as missing
        return None
    return np.asarray(converted)


def from_lab(found: Decoded, photometric: int) -> Decoded:
    """Convert TIFF's CIELAB (H, W, 3) to sRGB.

    a* and b* are signed in CIELAB (8). In ICCLAB (9) they are offset by half of the range, and
    white is 65,280 of 65,535 for 16 bits.
    """
    unit = 2.0 ** (found.pixels.dtype.itemsize * 8 - 8)
    top = _top(found.pixels)
    white = top if photometric == CIELAB else 255 * unit

    def to_rgb(rows: np.ndarray) -> np.ndarray:
        light, pair = rows[..., :1] * 100 / white, rows[..., 1:]
        pair = (
            np.where(pair >= 128 * unit, pair - 256 * unit, pair)
            if photometric == CIELAB
            else pair - 128 * unit
        )
        middle = (light + 16) / 116
        steps = np.concatenate(
            [middle + pair[..., :1] / unit / 500, middle, middle - pair[..., 1:] / unit / 200], -1
        )
        xyz = D50 * np.where(steps > 6 / 29, steps**3, 3 * (6 / 29) ** 2 * (steps - 4 / 29))
        linear = (xyz @ XYZ_TO_RGB.T).clip(0, 1)
        return (
            np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear) * top
        )

    return without_profile(
        found._replace(pixels=_by_rows(to_rgb, found.pixels)), "CIELAB", "as its numbers say"
    )


def unassociated(found: Decoded) -> Decoded:
    """Divide the colors by their alpha."""
    alpha = found.pixels[..., -1:]
    top = _top(found.pixels)

    def divided(rows: np.ndarray) -> np.ndarray:
        part = rows[..., -1:]
        rows[..., :-1] = np.divide(
            rows[..., :-1] * top, part, out=np.zeros_like(rows[..., :-1]), where=part > 0
        )
        return rows

    pixels = _by_rows(divided, found.pixels)
    pixels[..., -1:] = alpha
    return found._replace(pixels=pixels)


def inverted(pixels: np.ndarray) -> np.ndarray:
    """Invert samples whose zero is white; white becomes the largest value."""
    return _top(pixels) - pixels if pixels.dtype.kind == "f" else np.invert(pixels)


def _top(pixels: np.ndarray) -> float:
    return float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0


def _by_rows(convert, pixels: np.ndarray) -> np.ndarray:
    """Apply a function to rows in float64.

    Round and clip its result to the number format of `pixels`.
    """
    parts = []
    for top in range(0, len(pixels), ROWS):
        rows = convert(pixels[top : top + ROWS].astype(np.float64))
        if pixels.dtype.kind == "u":
            rows = rows.round().clip(0, _top(pixels))
        parts.append(rows.astype(pixels.dtype))
    return np.concatenate(parts)
