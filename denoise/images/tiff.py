"""TIFF files of one or more pages: directories, meaning of the samples, metadata, and pixels.

References
----------
TIFF 6.0 (Adobe, 1992), with its technical notes on CIELAB (1995 and 2002).
"""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import closing

import numpy as np

from denoise.images import colors, scratch, tiff_metadata
from denoise.images import tiff_tags as tags
from denoise.images.container import UNREADABLE, Decoded, Opened, check_size, cut
from denoise.images.ifd import (
    SHORT,
    Broken,
    Directory,
    Layout,
    directories,
    entry,
    numbers,
    set_directories,
)
from denoise.images.metadata import bounded

MOST_PAGES = 10_000
# pixels, if that is more than the limit of the image: GDAL's tiles have 65,536
LARGEST_TILE = 16_777_216
UNIT = {1: 255, 2: 85, 4: 17}  # OpenImageIO's step between values of fewer than 8 bits


class _Page:
    """Directory of a page, with the values of its fields as numbers."""

    def __init__(self, data: bytes, layout: Layout, directory: Directory) -> None:
        self.data, self.layout, self.entries = data, layout, directory.entries
        self.photometric = int(self.value(tags.PHOTOMETRIC, -1))
        self.samples = int(self.value(tags.SAMPLES, 1))
        self.bits = int(self.value(tags.BITS, 1))

    def values(self, tag: int) -> tuple[float, ...]:
        return numbers(self.entries.get(tag), self.layout.order)

    def value(self, tag: int, default: float) -> float:
        return (self.values(tag) or (default,))[0]

    @property
    def size(self) -> tuple[int, int]:
        return int(self.value(tags.WIDTH, 0)), int(self.value(tags.HEIGHT, 0))

    @property
    def full(self) -> bool:
        """True unless the page is a thumbnail, a level of a pyramid, or a mask."""
        return not int(self.value(tags.TYPE, 0)) & 5 and self.value(tags.OLD_TYPE, 1) != 2

    @property
    def alpha(self) -> int:
        """Kind of alpha in the last sample; 0 without alpha."""
        extra = self.values(tags.EXTRA)
        return int(extra[0]) if self.samples == tags.CHANNELS[self.photometric] + 1 and extra else 0

    @property
    def converted(self) -> bool:
        """True for CMYK that the JPEG decoder converts to RGB."""
        return self.photometric == tags.CMYK and self.value(tags.COMPRESSION, 1) == tags.JPEG


def open_tiff(data: bytes, largest: int) -> Opened:
    """Check the directories of a TIFF file.

    Raise ValueError. Each page is checked before it is decoded.
    """
    if data[8:10] == b"CR":
        raise ValueError(tags.RAW_FILE)
    try:
        pages = [
            _Page(data, layout, directory) for layout, directory in directories(data, MOST_PAGES)
        ]
    except Broken as error:
        raise ValueError(f"{UNREADABLE}: truncated or damaged TIFF, {error}") from None
    full = [page for page in pages if page.full]
    if not full or any(tags.DNG in page.entries for page in pages):
        raise ValueError(tags.RAW_FILE if pages else f"{UNREADABLE}: a TIFF without a page")
    note = f"left out: {len(pages) - len(full)} smaller versions or masks of the pages"
    return Opened(
        len(full), _images(data, full, largest, (note,) if len(full) < len(pages) else ())
    )


def _images(
    data: bytes, pages: list[_Page], largest: int, notes: tuple[str, ...]
) -> Generator[Decoded]:
    _check(pages[0], largest)
    with closing(scratch.read(_opaque(data, pages), ".tif")) as found:
        for page in pages:
            _check(page, largest)
            yield _meant(page, next(found), notes)


def _check(page: _Page, largest: int) -> None:
    """Raise ValueError unless the page is gray or color and can be decoded within bounds."""
    width, height = page.size
    check_size(width, height, largest)
    if page.photometric in tags.RAW:
        raise ValueError(tags.RAW_FILE)
    if page.photometric not in tags.CHANNELS:
        raise ValueError(
            f"a TIFF of color space {page.photometric}; valid: gray, RGB, CMYK, YCbCr, CIELAB"
        )
    sample = int(page.value(tags.FORMAT, tags.UNSIGNED))
    if sample == tags.SIGNED:
        raise ValueError(
            f"a TIFF of signed {page.bits}-bit integers, without a known black and white; "
            f"{tags.VALID}"
        )
    if len({*page.values(tags.BITS)}) > 1 or len({*page.values(tags.FORMAT)}) > 1:
        raise ValueError(f"a TIFF with channels of different number formats; {tags.VALID}")
    if (sample, page.bits) not in tags.NUMBERS:
        raise ValueError(f"a TIFF of {page.bits} bits per sample (format {sample}); {tags.VALID}")
    if page.bits == 64 and height == 1:  # OpenImageIO (3.0 to 3.2) leaves such a row uninitialized
        raise ValueError(
            "a TIFF of 64-bit floats with a single row cannot be read: save it with 32 bits"
        )
    extra = page.samples - tags.CHANNELS[page.photometric]
    plain = page.photometric in (tags.WHITE_IS_ZERO, tags.BLACK_IS_ZERO, tags.RGB)
    if extra and not (extra == 1 and plain and page.alpha in (tags.ASSOCIATED, tags.UNASSOCIATED)):
        raise ValueError(
            f"a TIFF of {page.samples} channels, {extra} of them neither color nor alpha; "
            "valid: gray or RGB, with alpha or without"
        )
    if page.value(tags.COMPRESSION, 1) == tags.OLD_JPEG:
        raise ValueError(
            "a TIFF with the JPEG compression of 1992, which cannot be read: save it with "
            "another one"
        )
    _check_parts(page, largest)


def _check_parts(page: _Page, largest: int) -> None:
    """Raise ValueError if a strip or tile is too large, missing, or past the end of the file."""
    width, height = page.size
    if tags.TILE_WIDTH in page.entries:
        across, down = int(page.value(tags.TILE_WIDTH, 0)), int(page.value(tags.TILE_HEIGHT, 0))
        if not 0 < across * down <= max(largest, LARGEST_TILE):
            raise ValueError(
                f"a TIFF with tiles of {across:,}x{down:,}; valid: at most {LARGEST_TILE:,} pixels"
            )
        starts, sizes = tags.TILES, tags.TILE_BYTES
    else:
        across, down = width, min(int(page.value(tags.STRIP_ROWS, height)), height)
        starts, sizes = tags.STRIPS, tags.STRIP_BYTES
    if down < 1:
        raise ValueError(f"{UNREADABLE}: a TIFF with strips without rows")
    planes = page.samples if page.value(tags.PLANAR, 1) == 2 else 1
    wanted = math.ceil(width / across) * math.ceil(height / down) * planes
    places, lengths = page.values(starts), page.values(sizes)
    if len(places) < wanted or len(lengths) < wanted:
        raise cut(
            f"{min(len(places), len(lengths)):,} of the {wanted:,} strips or tiles of the TIFF"
        )
    if any(place + length > len(page.data) for place, length in zip(places, lengths, strict=False)):
        raise cut("a strip or tile of the TIFF runs past the end of the file")
    row = math.ceil(width * page.samples / planes * page.bits / 8)
    needed = row * height * planes
    if (
        page.value(tags.COMPRESSION, 1) == 1
        and page.photometric != tags.YCBCR
        and sum(lengths[:wanted]) < needed
    ):
        raise cut(f"{sum(lengths[:wanted]):,} of the {needed:,} bytes of the pixels of the TIFF")


def _opaque(data: bytes, pages: list[_Page]) -> bytearray:
    """Return a file with these pages only, whose samples OpenImageIO returns unchanged."""
    layout = pages[0].layout
    made = bytearray(data)
    trees = []
    for page in pages:
        fields = {tag: field for tag, field in page.entries.items() if tag in tags.DECODING}
        shown = (
            page.photometric
            if page.converted
            else tags.OPAQUE.get(page.photometric, page.photometric)
        )
        fields[tags.PHOTOMETRIC] = entry(SHORT, shown, order=layout.order)
        if page.samples > tags.CHANNELS.get(shown, page.samples):
            # else the colors may be multiplied
            fields[tags.EXTRA] = entry(SHORT, tags.ASSOCIATED, order=layout.order)
        trees.append(fields)
    return set_directories(made, trees, layout)


def _meant(page: _Page, pixels: np.ndarray, notes: tuple[str, ...]) -> Decoded:
    """Convert the samples of a page to gray or RGB, with white as the largest value."""
    metadata, notes = bounded(tiff_metadata.read(page.data, page.entries, page.layout), *notes)
    orientation = int(page.value(tags.ORIENTATION, 1))
    if page.photometric == tags.PALETTE:
        pixels = _colors(page, pixels)
    if pixels.dtype in (np.uint32, np.float64):
        notes += (f"values of {page.bits} bits were read as 32-bit floats",)
        pixels = pixels / np.float32(2**32 - 1) if pixels.dtype == np.uint32 else pixels
    if pixels.dtype not in (np.uint8, np.uint16):
        pixels = pixels.astype(np.float32)
    if page.photometric == tags.WHITE_IS_ZERO:
        pixels[..., :1] = colors.inverted(pixels[..., :1])
    found = Decoded(pixels, page.alpha > 0, metadata, notes, orientation)
    if page.photometric == tags.CMYK:
        return colors.without_profile(found, "CMYK") if page.converted else colors.from_cmyk(found)
    if page.photometric in (tags.CIELAB, tags.ICCLAB):
        return colors.from_lab(found, page.photometric)
    return colors.unassociated(found) if page.alpha == tags.ASSOCIATED else found


def _colors(page: _Page, pixels: np.ndarray) -> np.ndarray:
    """Look up the samples of a palette page in its palette of 16-bit values."""
    table = np.array(page.values(tags.COLOR_MAP), np.uint16)
    if len(table) != 3 * 2**page.bits:
        raise ValueError(f"{UNREADABLE}: a TIFF with a palette of {len(table):,} values")
    steps = pixels[..., 0] // UNIT.get(page.bits, 1)
    return (table.reshape(3, -1).T >> 8).astype(np.uint8)[steps]
