"""Atomic writing of image files: encoded in memory first, so that a full disk truncates none."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from denoise.files.atomic import whole_file
from denoise.images import bmp, exif, jpeg, kinds, png, scratch, tiff_metadata, webp
from denoise.images.container import message_of
from denoise.images.kinds import AVIF, BMP, JPEG, PNG, TIFF, WEBP, Kind
from denoise.images.metadata import Metadata, fitting
from denoise.images.reading import Pages, PictureFile, number_format

OPTIONS: dict[Kind, dict[str, Any]] = {
    PNG: {},
    JPEG: {"quality": 95},
    WEBP: {"lossless": True, "exact": True},  # exact: keeps the colors of transparent pixels
    BMP: {},
    AVIF: {"quality": 95},
}
FORMATS: dict[str, np.dtype] = {
    "uint8": np.dtype(np.uint8),
    "uint16": np.dtype(np.uint16),
    "float": np.dtype(np.float32),
}
DRESSES = {PNG: png.dress, JPEG: jpeg.dress, WEBP: webp.dress, BMP: bmp.dress}


class Written(NamedTuple):
    """Written file, and the losses of writing, one sentence each."""

    path: Path
    notes: tuple[str, ...]


def write_pages(images: Iterable[PictureFile], path: str | Path) -> Written:
    """Write images atomically into one file, with as many bits as its format can hold.

    Parameters
    ----------
    images : iterable of PictureFile
        One image; the pages of a TIFF; or the frames of an animation. The images are taken one
        after the other.
    path : str or Path
        Its ending chooses the format.

    Raises
    ------
    ValueError
        An error of `check_target`; transparency in a format without it; an image too large for the
        format; or a file that cannot be written.
    """
    path = check_target(path)
    kind = kinds.of_target(path)
    notes: dict[str, None] = {}
    try:
        content = _encoded(_fitted(images, kind, path, notes), kind)
        with whole_file(path) as partial:
            _write(content, partial)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror or error}") from error
    return Written(path, tuple(notes))


def check_target(path: str | Path, pages: Pages | None = None) -> Path:
    """Return the path if an image, or all of `pages`, can be written to it.

    Raises
    ------
    ValueError
        An ending of no writable format, a folder that does not exist, or a format that holds fewer
        images.
    """
    path = Path(path)
    kind = kinds.of_target(path)
    if not path.parent.is_dir():
        raise ValueError(f"{path}: the folder {path.parent} does not exist")
    if pages is not None and len(pages) > 1:
        _check_several(kind, path, pages.kind.several, f"{len(pages):,}")
    return path


def _check_several(kind: Kind, path: Path, several: str, count: str) -> None:
    valid = [one for one in kinds.KINDS if one.formats and one.several in (several, "pages")]
    if kind not in valid:
        endings = " ".join(one.endings[0] for one in valid)
        raise ValueError(
            f"{path}: {kind.name} files cannot hold the {count} {several} of the input; "
            f"valid: {endings}"
        )


def _fitted(
    images: Iterable[PictureFile], kind: Kind, path: Path, notes: dict[str, None]
) -> Iterator[PictureFile]:
    """Yield the images in a form that the format can hold; add losses to `notes`."""
    for number, image in enumerate(images):
        frame = image.metadata.duration is not None
        if number:
            _check_several(kind, path, "frames" if frame else "pages", "many")
        _check_fit(image, kind, path)
        kept, lost = fitting(image.metadata, kind, image.colours)
        wanted = str(image.spec.format)
        wanted = wanted if wanted in FORMATS else number_format(image.pixels.dtype)
        given = wanted if wanted in kind.formats else kind.formats[-1]
        lost += (
            f"{wanted} samples were written as {given}, the widest format of {kind.name} files",
        ) * (given != wanted)
        lost += ("frame durations were left out: TIFF files hold pages",) * (frame and kind is TIFF)
        notes.update(dict.fromkeys(lost))
        yield replace(image, pixels=converted(image.pixels, FORMATS[given]), metadata=kept)


def _check_fit(image: PictureFile, kind: Kind, path: Path) -> None:
    height, width = image.pixels.shape[:2]
    if image.alpha and not kind.alpha:
        valid = " ".join(kinds.WITH_ALPHA)
        raise ValueError(
            f"{path}: {path.suffix.lower()} files cannot hold the image's transparency; "
            f"valid: {valid}"
        )
    if max(height, width) > kind.side:
        raise ValueError(
            f"{path}: the image is {width}x{height}; valid for {kind.name}: at most "
            f"{kind.side:,} pixels per side"
        )


def _encoded(images: Iterator[PictureFile], kind: Kind) -> bytes:
    """Encode images from `_fitted` into one file."""
    if kind is TIFF:
        kept: list[Metadata] = []

        def samples() -> Iterator[tuple[np.ndarray, bool]]:
            for image in images:
                kept.append(image.metadata)
                yield image.pixels, image.alpha

        return tiff_metadata.dress(scratch.write(samples(), ".tif"), kept)
    found = list(images)
    first = found[0]
    if len(found) == 1 and first.pixels.dtype == np.uint16:
        content = png.bare(scratch.write([(first.pixels, first.alpha)], ".png"))
    else:
        content = _by_pillow(found, kind)
    return DRESSES[kind](content, first.metadata) if kind in DRESSES else content


def _by_pillow(images: list[PictureFile], kind: Kind) -> bytes:
    """Encode 8-bit images with Pillow; raise OSError on failure."""
    eight = (converted(image.pixels, np.dtype(np.uint8)) for image in images)
    first, *rest = (
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels) for pixels in eight
    )
    kept = images[0].metadata
    options = dict(OPTIONS[kind])
    if rest:
        times = [image.metadata.duration or 0 for image in images]
        options |= {"save_all": True, "append_images": rest, "duration": times, "loop": kept.loops}
    if kind is AVIF:
        block = exif.without_orientation(kept.exif) if kept.exif else b""
        sampling = "4:0:0" if all(image.colours == 1 for image in images) else "4:4:4"
        options |= {
            "exif": block,
            "icc_profile": kept.icc,
            "xmp": kept.xmp,
            "subsampling": sampling,
        }
    buffer = io.BytesIO()
    try:
        first.save(buffer, kind.name, **options)
    except (ValueError, RuntimeError) as error:
        raise OSError(message_of(error)) from None
    return buffer.getvalue()


def converted(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Convert samples to another number format; white stays white."""
    if pixels.dtype == dtype:
        return pixels
    unit = np.nan_to_num(pixels).astype(np.float32) / (
        np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    )
    return (
        np.round(unit.clip(0, 1) * np.iinfo(dtype).max).astype(dtype) if dtype.kind == "u" else unit
    )


def _write(content: bytes, path: Path) -> None:
    """Write a file and flush it to the disk, so that a full disk raises its error here."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
