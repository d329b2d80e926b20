"""PIL images of any mode: upright pixels for a network, and conversion back with metadata."""

from __future__ import annotations

import io
import logging
import math
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

log = logging.getLogger("denoise")

LAYOUT = frozenset(  # TIFF tags on the storage of the pixels in the input file
    {262, 266, 273, 274, 277, 278, 279, 280, 281, 284, 317, 320, 330, 338, 339, 347, 34675}
    | {*range(254, 260), *range(322, 326), *range(512, 522), *range(529, 533)}
)
NOT_KEPT = (
    "transparency",
    "background",
    "compression",
    "duration",
    "loop",
    "adobe",
    "adobe_transform",
    "interlace",
)
SAVED = ("exif", "icc_profile", "dpi", "xmp")  # entries of `info`, also options of `save`
# Pillow's errors for damaged EXIF
BROKEN = (SyntaxError, ValueError, TypeError, KeyError, OverflowError, struct.error)
PREFIX = b"Exif\0\0"
JPEG_SEGMENT = 65533  # bytes of a JPEG's metadata block


class CleanImage(Image.Image):
    """Image that saves with the EXIF data, color profile, resolution and XMP of its source image.

    Pillow drops these from most formats, unless they are given to `save`. Options given to `save`
    take precedence.
    """

    def __init__(self, image: Image.Image, info: dict[Any, Any]) -> None:
        self.__dict__.update(image.__dict__, info=info)

    def save(self, fp: Any, format: str | None = None, **params: Any) -> None:
        """Save as `PIL.Image.Image.save`, with the metadata of the source image."""
        kept = {
            name: self.info[name] for name in SAVED if self.info.get(name) and name not in params
        }
        kind = _format(fp, format)
        if kind in ("JPEG", "MPO"):
            kept = {
                name: value
                for name, value in kept.items()
                if name == "icc_profile" or len(value) <= JPEG_SEGMENT
            }
        if kind == "TIFF" and "exif" in kept and not _fits_tiff(kept["exif"]):
            del kept["exif"]
        super().save(fp, format, **kept, **params)


def taken_apart(image: Image.Image) -> tuple[np.ndarray, Callable[[np.ndarray], Image.Image]]:
    """Split an image into its pixels and a function that restores an image.

    Parameters
    ----------
    image : PIL.Image.Image
        Image of any mode; the current frame. The image is turned upright by its EXIF orientation.

    Returns
    -------
    pixels : numpy.ndarray
        (H, W) or (H, W, C): bool, uint8, uint16 or float32; gray, gray + alpha, RGB or RGBA.
    restore : callable
        Makes an image from denoised pixels, as in `as_batch`; its `info` is that of `image`,
        without the orientation.

    Raises
    ------
    ValueError
        Mode I with values outside of 16 bits.
    """
    upright = _upright(image)
    natural = _natural(upright)
    info = {key: value for key, value in natural.info.items() if key not in NOT_KEPT}
    if not _is_resolution(info.get("dpi")):
        info.pop("dpi", None)
    return _pixels(natural), lambda clean: CleanImage(_to_pil(clean, natural.mode), info)


def _upright(image: Image.Image) -> Image.Image:
    """Return a copy, turned by its EXIF orientation, with the EXIF data as bytes in `info`."""
    try:
        upright = ImageOps.exif_transpose(image)
        # in a TIFF, EXIF is among the tags of the file
        if "exif" not in upright.info and image.getexif():
            upright.info["exif"] = _without_layout(image.getexif())
        if upright.info.get("exif"):  # WebP has no prefix, and a JPEG would be written without it
            upright.info["exif"] = PREFIX + upright.info["exif"].removeprefix(PREFIX)
    except BROKEN as error:  # EXIF does not affect the pixels
        log.warning("the EXIF data of the image cannot be read and is left out: %s", error)
        upright = image.copy()
        upright.info.pop("exif", None)
    return upright


def _without_layout(exif: Image.Exif) -> bytes:
    kept = Image.Exif()
    kept.load(exif.tobytes())
    for tag in LAYOUT.intersection(kept):
        del kept[tag]
    return kept.tobytes()


def _fits_tiff(exif: bytes) -> bool:
    """Return True if Pillow can write EXIF data as TIFF tags.

    Other formats accept it unchanged, even if broken.
    """
    try:
        Image.new("L", (1, 1)).save(io.BytesIO(), "TIFF", exif=exif)
    except BROKEN as error:
        log.warning("the EXIF data of the image cannot be written to a TIFF: %s", error)
        return False
    return True


def _natural(image: Image.Image) -> Image.Image:
    """Convert the image to a mode that numpy shows as gray, gray + alpha, RGB or RGBA."""
    if image.mode in ("CMYK", "LAB"):
        return _to_srgb(image)
    if image.mode in ("La", "RGBa"):
        return image.convert(image.mode.upper())
    if image.mode in ("1", "L", "RGB") and image.has_transparency_data:
        # one color of the image is transparent
        return image.convert("RGBA" if image.mode == "RGB" else "LA")
    if image.mode in ("L", "LA", "RGB", "RGBA", "F") or image.mode.startswith("I"):
        return image
    if image.mode == "1":
        return image.convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _to_srgb(image: Image.Image) -> Image.Image:
    """Convert CMYK or LAB to RGB, by the color profile if it is usable.

    Drop the profile, which is wrong for RGB.
    """
    profile, converted = image.info.get("icc_profile"), None
    if profile and image.mode == "CMYK":
        try:
            source, target = (
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
            )
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError) as error:
            log.warning("the color profile of the image cannot be used: %s", error)
    converted = converted or image.convert("RGB")
    converted.info = {key: value for key, value in image.info.items() if key != "icc_profile"}
    return converted


def _pixels(image: Image.Image) -> np.ndarray:
    array = np.asarray(image)
    if not image.mode.startswith("I"):
        return array
    lowest, highest = array.min(initial=0), array.max(initial=0)
    if image.mode == "I" and (lowest < 0 or highest > 65535 or 0 < highest <= 255):
        raise ValueError(
            f"a PIL image of mode I has values {lowest} to {highest}; valid: 16 bits, white 65535: "
            "use convert('L') if white is 255, else floats in [0, 1]"
        )
    return array.astype(np.uint16)


def _to_pil(array: np.ndarray, mode: str) -> Image.Image:
    if mode == "I":
        return Image.fromarray(array.astype(np.int32))
    return Image.fromarray(array.astype(np.float32) if mode == "F" else array)


def _is_resolution(dpi: Any) -> bool:
    """Return True if Pillow can write the resolution: TIFF has fractions, including 0/0."""
    return (
        isinstance(dpi, tuple)
        and len(dpi) == 2
        and all(math.isfinite(side) and side > 0 for side in dpi)
    )


def _format(fp: Any, format: str | None) -> str:
    name = fp if isinstance(fp, str | os.PathLike) else getattr(fp, "name", "")
    named = isinstance(name, str | os.PathLike)
    ending = Path(os.fsdecode(name)).suffix.lower() if named else ""
    return (format or Image.registered_extensions().get(ending, "")).upper()
