"""Reading of image files: one reader per format, upright images, metadata kept.

This module does not import PyTorch, so that the process that decodes uploads starts quickly.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from denoise.images import avif, bmp, exif, gif, jpeg, kinds, metadata, png, tiff, webp
from denoise.images.container import Decoded, Opened, TooLarge
from denoise.images.kinds import Kind
from denoise.images.metadata import Metadata

LARGEST_PIXELS = 100_000_000  # a larger image is refused before it is decoded
LARGEST_BYTES = 4_000_000_000  # bytes of a file, which is read into memory
READERS = {
    kinds.PNG: png.open_png,
    kinds.JPEG: jpeg.open_jpeg,
    kinds.WEBP: webp.open_webp,
    kinds.BMP: bmp.open_bmp,
    kinds.TIFF: tiff.open_tiff,
    kinds.AVIF: avif.open_avif,
    kinds.GIF: gif.open_gif,
}


@dataclass(frozen=True)
class PictureFile:
    """Image of a file.

    Attributes
    ----------
    pixels : numpy.ndarray
        (H, W, C), upright, uint8, uint16 or float32.
    alpha : bool
        True if the last channel is alpha; the colors are not multiplied by alpha.
    spec : OpenImageIO.ImageSpec
        Number format for writing the image.
    metadata : Metadata
        Metadata beside the pixels, such as color profile, camera and date.
    notes : tuple of str
        Losses and changes during reading, one sentence each; usually empty.
    """

    pixels: np.ndarray
    alpha: bool
    spec: oiio.ImageSpec
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()

    @property
    def colours(self) -> int:
        """Number of channels without alpha: 1 or 3."""
        return self.pixels.shape[-1] - self.alpha


class Pages:
    """Images of a file, decoded once, one after the other; `len` counts them before decoding."""

    def __init__(self, path: Path, kind: Kind, opened: Opened) -> None:
        self.path, self.kind, self._opened = path, kind, opened

    def __len__(self) -> int:
        return self._opened.count

    def first(self) -> PictureFile:
        """Decode only the first image."""
        with closing(iter(self)) as images:
            return next(images)

    def __iter__(self) -> Generator[PictureFile]:
        with _named(self.path), closing(self._opened.images) as images:
            for found in images:
                yield _upright(found)


def read_pages(path: str | Path, largest: int = LARGEST_PIXELS) -> Pages:
    """Open a file with one or more images, such as the pages of a TIFF or frames of a GIF.

    The size of each image, and every other header field, is checked before any pixel is decoded.

    Parameters
    ----------
    path : str or Path
    largest : int
        Pixels of an image at most; a larger image is refused.

    Raises
    ------
    ValueError
        The file is missing, empty, not an image, damaged or truncated, or exceeds a limit.
        Iteration raises it too.
    TooLarge
        ValueError of an image with more than `largest` pixels.
    """
    path = Path(path)
    with _named(path):
        if not path.is_file():
            raise ValueError("not a file" if path.exists() else "no such file")
        if path.stat().st_size > LARGEST_BYTES:
            raise ValueError(
                f"a file of {path.stat().st_size:,} bytes; valid: at most {LARGEST_BYTES:,}"
            )
        data = path.read_bytes()
        kind = kinds.kind_of(data[:64])
        if kind not in READERS:
            raise ValueError(kinds.refusal(data[:64], len(data)))
        return Pages(path, kind, READERS[kind](data, largest))


def read(path: str | Path, largest: int = LARGEST_PIXELS) -> PictureFile:
    """Read the first image of a file, with a note if there are more.

    Parameters and errors are those of `read_pages`.
    """
    pages = read_pages(path, largest)
    first = pages.first()
    if len(pages) == 1:
        return first
    return replace(
        first, notes=(*first.notes, f"only the first of {len(pages):,} images in the file was read")
    )


def number_format(dtype: np.dtype) -> str:
    """Return the narrowest number format of files that holds a dtype: uint8, uint16 or float."""
    return {np.dtype(np.uint8): "uint8", np.dtype(np.uint16): "uint16"}.get(dtype, "float")


def made(pixels: np.ndarray, alpha: bool, kept: Metadata, notes: tuple[str, ...]) -> PictureFile:
    """Make an image with the number format of its pixels for writing."""
    height, width, channels = pixels.shape
    return PictureFile(
        pixels,
        alpha,
        oiio.ImageSpec(width, height, channels, number_format(pixels.dtype)),
        kept,
        notes,
    )


def _upright(found: Decoded) -> PictureFile:
    """Apply the EXIF orientation: 1 is upright, 2, 4, 5 and 7 are mirrored, 5 to 8 are turned."""
    kept, pixels = found.metadata, found.pixels
    orientation = found.orientation or (exif.orientation(kept.exif) if kept.exif else 1)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    kept = metadata.upright(kept, orientation, pixels.shape[1], pixels.shape[0])
    return made(np.ascontiguousarray(pixels), found.alpha, kept, found.notes)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Prefix errors with the name of the file."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from error
    except TooLarge as error:
        raise TooLarge(f"{path}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
