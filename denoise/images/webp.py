"""WebP files, including animations: chunks, metadata, and pixels.

References
----------
RFC 9649 (WebP Image Format, 2024).
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from dataclasses import replace

from PIL.WebPImagePlugin import WebPImageFile

from denoise.images.container import (
    MOST_FRAMES,
    UNREADABLE,
    Decoded,
    Opened,
    channels,
    check_size,
    cut,
    frames,
    loaded,
)
from denoise.images.metadata import Metadata, bounded

IMAGES = (b"ALPH", b"VP8 ", b"VP8L")
ICC_FLAG, ALPHA_FLAG, EXIF_FLAG, XMP_FLAG, ANIMATION_FLAG = 0x20, 0x10, 0x08, 0x04, 0x02
Chunk = tuple[bytes, bytes]


def open_webp(data: bytes, largest: int) -> Opened:
    """Check a WebP file; raise ValueError if it is truncated or exceeds a limit."""
    chunks, behind = _parsed(data)
    found = dict(reversed(chunks))  # the first of each name
    image = next((chunk for chunk in chunks if chunk[0] in IMAGES[1:]), None)
    extended = found.get(b"VP8X", b"")
    animated = len(extended) == 10 and extended[0] & ANIMATION_FLAG and b"ANIM" in found
    if not animated and image is None:
        raise cut("no pixels in the WebP")
    if len(extended) == 10:
        width, height = _canvas(extended)
    else:
        assert image is not None  # without this chunk no file is animated
        width, height = _size(*image)
    check_size(width, height, largest)
    notes: tuple[str, ...] = ()
    if behind:
        notes = (f"left out: {behind:,} bytes after the end of the WebP",)
    exif = found.get(b"EXIF", b"").removeprefix(b"Exif\0\0")
    metadata, notes = bounded(
        Metadata(exif, found.get(b"ICCP", b""), found.get(b"XMP ", b"")), *notes
    )
    if animated:
        parts = [body for name, body in chunks if name == b"ANMF"]
        _check_frames(parts, width, height)
        metadata = replace(metadata, loops=int.from_bytes(found[b"ANIM"][4:6], "little"))
        return Opened(len(parts), _animated(chunks, len(parts), metadata, notes))
    assert image is not None  # checked above for a file that is not animated
    if _size(*image) != (width, height):
        raise ValueError(f"{UNREADABLE}: a WebP whose sizes differ between header and image")
    return Opened(1, (_still(chunks, extended, metadata, notes) for _ in range(1)))


def dress(image: bytes, metadata: Metadata) -> bytes:
    """Add metadata, as allowed by `metadata.fitting`, to a WebP file."""
    parts = (
        (ICC_FLAG, b"ICCP", metadata.icc),
        (EXIF_FLAG, b"EXIF", metadata.exif),
        (XMP_FLAG, b"XMP ", metadata.xmp),
    )
    if not any(body for _, _, body in parts):
        return image
    chunks, _ = _parsed(image)
    extended = dict(chunks).get(b"VP8X")
    if extended is None:
        ((name, body),) = (chunk for chunk in chunks if chunk[0] in IMAGES[1:])
        alpha = ALPHA_FLAG if name == b"VP8L" and body[4] & 0x10 else 0
        extended = _extended(alpha, *_size(name, body))
    extended = bytes((extended[0] | sum(flag for flag, _, body in parts if body),)) + extended[1:]
    before = [(name, body) for flag, name, body in parts if flag == ICC_FLAG and body]
    behind = [(name, body) for flag, name, body in parts if flag != ICC_FLAG and body]
    return _riff(
        [(b"VP8X", extended), *before, *(chunk for chunk in chunks if chunk[0] != b"VP8X"), *behind]
    )


def _parsed(data: bytes) -> tuple[list[Chunk], int]:
    """Return the chunks of a file, and the number of bytes after its end."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data) + 1:  # some writers omit the padding byte of the last chunk
        raise cut(f"{len(data):,} of the {end:,} bytes of the WebP")
    chunks, at = [], 12
    while at + 8 <= min(end, len(data)):
        name, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > len(data):
            raise cut(f"a chunk of the WebP at byte {at:,}")
        chunks.append((name, data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    return chunks, max(0, len(data) - end)


def _canvas(extended: bytes) -> tuple[int, int]:
    return int.from_bytes(extended[4:7], "little") + 1, int.from_bytes(extended[7:10], "little") + 1


def _size(name: bytes, body: bytes) -> tuple[int, int]:
    """Return width and height of an image without the extended header."""
    if len(body) < 10:
        raise cut("the pixels of the WebP")
    if name == b"VP8 ":
        return tuple(side & 0x3FFF for side in struct.unpack_from("<HH", body, 6))
    bits = int.from_bytes(body[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _check_frames(parts: list[bytes], width: int, height: int) -> None:
    if not parts:
        raise cut("no pixels in the WebP")
    if len(parts) > MOST_FRAMES:
        raise ValueError(
            f"an animation of more than {MOST_FRAMES:,} frames; valid: at most {MOST_FRAMES:,}"
        )
    for body in parts:
        if len(body) < 16:
            raise cut("a frame of the WebP")
        left, top, right, bottom = (
            int.from_bytes(body[at : at + 3], "little") for at in (0, 3, 6, 9)
        )
        if 2 * left + right + 1 > width or 2 * top + bottom + 1 > height:
            raise ValueError(f"{UNREADABLE}: a frame of the WebP is larger than the image")


def _still(
    chunks: list[Chunk], extended: bytes, metadata: Metadata, notes: tuple[str, ...]
) -> Decoded:
    needed = [chunk for chunk in chunks if chunk[0] in IMAGES]
    if extended:
        needed.insert(0, (b"VP8X", bytes((extended[0] & ALPHA_FLAG,)) + extended[1:]))
    return Decoded(*channels(loaded(WebPImageFile, _riff(needed))), metadata, notes)


def _animated(
    chunks: list[Chunk], count: int, metadata: Metadata, notes: tuple[str, ...]
) -> Generator[Decoded]:
    extended = dict(chunks)[b"VP8X"]
    needed = [(b"VP8X", bytes((extended[0] & (ALPHA_FLAG | ANIMATION_FLAG),)) + extended[1:])]
    needed += [chunk for chunk in chunks if chunk[0] in (b"ANIM", b"ANMF")]
    for pixels, alpha, duration in frames(WebPImageFile, _riff(needed), range(count)):
        yield Decoded(pixels, alpha, replace(metadata, duration=duration), notes)


def _extended(flags: int, width: int, height: int) -> bytes:
    return (
        struct.pack("<I", flags)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )


def _riff(chunks: list[Chunk]) -> bytes:
    body = b"".join(
        name + struct.pack("<I", len(part)) + part + bytes(len(part) % 2) for name, part in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
