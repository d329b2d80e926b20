"""GIF files, including animations: blocks and pixels.

References
----------
Graphics Interchange Format 89a (CompuServe, 1990).
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from dataclasses import dataclass, field, replace

from PIL.GifImagePlugin import GifImageFile

from denoise.images.container import MOST_FRAMES, Decoded, Opened, check_size, cut, frames
from denoise.images.metadata import LARGEST, Metadata, bounded

EXTENSION, IMAGE, END = 0x21, 0x2C, 0x3B
CONTROL, COMMENT, APPLICATION = 0xF9, 0xFE, 0xFF
LOOP = b"\x0bNETSCAPE2.0\x03\x01"


@dataclass
class _File:
    """Parts of a GIF file, filled during parsing."""

    needed: list[bytes] = field(default_factory=list)
    texts: list[tuple[bytes, bytes]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)  # right and bottom of each frame
    loops: int = 1


def open_gif(data: bytes, largest: int) -> Opened:
    """Check a GIF file; raise ValueError if it cannot be decoded within bounds, or is truncated."""
    file = _parsed(data)
    width, height = struct.unpack_from("<HH", data, 6)
    # Readers enlarge the image if a frame exceeds its borders.
    check_size(
        max(width, *(right for right, _ in file.sizes)),
        max(height, *(low for _, low in file.sizes)),
        largest,
    )
    metadata, notes = bounded(Metadata(texts=tuple(file.texts), loops=file.loops))
    return Opened(
        len(file.sizes),
        _images(b"".join(file.needed) + bytes((END,)), len(file.sizes), metadata, notes),
    )


def _images(
    data: bytes, count: int, metadata: Metadata, notes: tuple[str, ...]
) -> Generator[Decoded]:
    for pixels, alpha, duration in frames(GifImageFile, data, range(count)):
        yield Decoded(
            pixels, alpha, replace(metadata, duration=duration if count > 1 else None), notes
        )


def _parsed(data: bytes) -> _File:
    file = _File()
    if len(data) < 13:
        raise cut("the header of the GIF")
    at = 13 + _palette(data[10])
    file.needed.append(data[:at])
    while at < len(data) and data[at] != END:
        kind, start = data[at], at
        if kind == IMAGE and at + 10 <= len(data):
            left, top, width, height = struct.unpack_from("<HHHH", data, at + 1)
            at = _blocks(data, at + 11 + _palette(data[at + 9]))
            file.sizes.append((left + width, top + height))
            if len(file.sizes) > MOST_FRAMES:
                raise ValueError(
                    f"an animation of more than {MOST_FRAMES:,} frames; valid: at most "
                    f"{MOST_FRAMES:,}"
                )
            file.needed.append(data[start:at])
        elif kind == EXTENSION and at + 2 <= len(data):
            at = _blocks(data, at + 2)
            _take(file, data[start + 1], data[start:at])
        else:
            raise cut(f"a block of the GIF at byte {at:,}")
    if not file.sizes:
        raise cut("no pixels in the GIF")
    return file


def _take(file: _File, label: int, block: bytes) -> None:
    if label == CONTROL:
        file.needed.append(block)
    elif label == APPLICATION and block[2:].startswith(LOOP):
        count = int.from_bytes(block[16:18], "little")
        file.loops = count + 1 if count else 0
    elif label == COMMENT and len(block) > 2 * LARGEST["texts"]:
        file.texts.append((b"COM", block))  # too large to be kept, so not joined
    elif label == COMMENT:
        parts, at = [], 2
        while block[at]:
            parts.append(block[at + 1 : at + 1 + block[at]])
            at += 1 + block[at]
        file.texts.append((b"COM", b"".join(parts)))


def _palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(data: bytes, at: int) -> int:
    """Return the end of the blocks that begin at a byte, after the empty block."""
    while at < len(data):
        size = data[at]
        at += 1 + size
        if not size:
            return at
    raise cut("a block of the GIF")
