"""AVIF files: metadata and pixels from Pillow's decoder.

References
----------
AV1 Image File Format 1.1 (Alliance for Open Media); ISO/IEC 14496-12 (boxes); ISO/IEC 23008-12
(`pixi`).
"""

from __future__ import annotations

import io
from collections.abc import Generator
from dataclasses import replace

from PIL import features
from PIL.AvifImagePlugin import AvifImageFile

from denoise.images.container import (
    DECODE_ERRORS,
    MOST_FRAMES,
    UNREADABLE,
    Decoded,
    Opened,
    check_size,
    frames,
    message_of,
)
from denoise.images.metadata import Metadata, bounded

PATH = (b"meta", b"iprp", b"ipco", b"pixi")  # boxes that lead to the bits of each channel
MOST_BOXES = 1_000


def open_avif(data: bytes, largest: int) -> Opened:
    """Check an AVIF file; raise ValueError if it cannot be decoded within bounds."""
    if not features.check("avif"):
        raise ValueError("AVIF images cannot be read: this build of Pillow has no AVIF decoder")
    try:
        image = AvifImageFile(io.BytesIO(data))  # reads the boxes, not the pixels
    except DECODE_ERRORS as error:
        raise ValueError(f"{UNREADABLE}: {message_of(error)}") from None
    check_size(*image.size, largest)
    if image.n_frames > MOST_FRAMES:
        raise ValueError(
            f"an animation of more than {MOST_FRAMES:,} frames; valid: at most {MOST_FRAMES:,}"
        )
    bits = _bits(data, PATH)
    info = image.info
    exif = info.get("exif", b"").removeprefix(b"Exif\0\0")
    metadata, notes = bounded(Metadata(exif, info.get("icc_profile", b""), info.get("xmp", b"")))
    if bits and max(bits) > 8:
        notes += (f"an image of {max(bits)} bits was read as 8 bits",)
    return Opened(image.n_frames, _images(data, image.n_frames, len(bits) == 1, metadata, notes))


def _images(
    data: bytes, count: int, gray: bool, metadata: Metadata, notes: tuple[str, ...]
) -> Generator[Decoded]:
    for pixels, alpha, duration in frames(AvifImageFile, data, range(count)):
        found = pixels[..., :1] if gray and not alpha else pixels
        yield Decoded(
            found, alpha, replace(metadata, duration=duration if count > 1 else None), notes
        )


def _bits(data: bytes, path: tuple[bytes, ...]) -> bytes:
    """Return the bits of each channel from the first box at the end of a path.

    Empty if there is none.
    """
    at = 0
    for _ in range(MOST_BOXES):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if size < 8 or at + size > len(data):
            return b""
        if name == path[0]:
            # these two have a version and flags
            within = data[at + 8 + 4 * (name in (b"meta", b"pixi")) : at + size]
            return (
                within[1 : 1 + within[0]] if len(path) == 1 and within else _bits(within, path[1:])
            )
        at += size
    return b""
