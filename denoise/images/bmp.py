"""BMP files: header and pixels.

References
----------
Bitmap storage (Microsoft, https://learn.microsoft.com/windows/win32/gdi/bitmap-storage).
"""

from __future__ import annotations

import struct

from PIL.BmpImagePlugin import BmpImageFile

from denoise.images.container import UNREADABLE, Decoded, Opened, channels, check_size, cut, loaded
from denoise.images.metadata import Metadata, Resolution, bounded

HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes of the header, by its version
BITS = (1, 4, 8, 16, 24, 32)
RAW, MASKS = 0, 3  # codes for uncompressed pixels
WIDEST = 65_535  # pixels of a run-length encoded row: a skipped row needs as much memory as a row
RESOLUTION = 38  # byte offset in each header of 40 bytes and more
EMBEDDED = b"DEBM"  # "MBED", the color space of a header with an ICC profile


def open_bmp(data: bytes, largest: int) -> Opened:
    """Check a BMP file; raise ValueError if it cannot be decoded within bounds, or is truncated."""
    if len(data) < 26:
        raise cut("the header of the BMP")
    start, header = struct.unpack_from("<II", data, 10)
    if header not in HEADERS or len(data) < 14 + header:
        raise ValueError(f"{UNREADABLE}: a BMP with a header of {header:,} bytes")
    short = header == 12
    width, height = struct.unpack_from("<HH" if short else "<ii", data, 18)
    bits = struct.unpack_from("<H", data, 24 if short else 28)[0]
    compression = struct.unpack_from("<I", data, 30)[0] if header >= 40 else RAW
    height = abs(height)  # negative: the first row is at the top
    check_size(width, height, largest)
    if bits not in BITS:
        raise ValueError(f"{UNREADABLE}: a BMP of {bits} bits per pixel")
    needed = start + (width * bits + 31) // 32 * 4 * height
    if compression in (RAW, MASKS) and needed > len(data):
        raise cut(f"{len(data):,} of the {needed:,} bytes of the BMP")
    if compression not in (RAW, MASKS) and width > WIDEST:
        raise ValueError(
            f"a run-length encoded BMP, {width:,} pixels wide; valid: at most {WIDEST:,}"
        )
    return Opened(1, (_decoded(data, header) for _ in range(1)))


def dress(image: bytes, metadata: Metadata) -> bytes:
    """Add metadata, as allowed by `metadata.fitting`, to a BMP file from Pillow."""
    if metadata.resolution is None:
        return image
    x, y = (min(round(value), 2**31 - 1) for value in metadata.resolution.per("meter"))
    return image[:RESOLUTION] + struct.pack("<ii", x, y) + image[RESOLUTION + 8 :]


def _decoded(data: bytes, header: int) -> Decoded:
    resolution, profile = None, b""
    if header >= 40:
        x, y = struct.unpack_from("<ii", data, RESOLUTION)
        resolution = Resolution(x, y, "meter") if x > 0 and y > 0 else None
    if header == 124 and data[70:74] == EMBEDDED:
        start, size = struct.unpack_from("<II", data, 126)
        profile = data[14 + start : 14 + start + size]
    metadata, notes = bounded(Metadata(icc=profile, resolution=resolution))
    return Decoded(*channels(loaded(BmpImageFile, data)), metadata, notes)
