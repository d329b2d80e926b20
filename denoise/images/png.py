"""PNG files, including animations: chunks, metadata, and pixels.

References
----------
Portable Network Graphics, third edition (W3C, 2025), with eXIf, and with acTL, fcTL and fdAT of
animations.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator
from dataclasses import dataclass, field, replace

from PIL.PngImagePlugin import PngImageFile

from denoise.images import png_metadata, scratch
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
from denoise.images.metadata import Metadata

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# bits of a sample, by color type
BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
GRAY, PALETTE = 0, 3
PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
ANIMATION = (b"acTL", b"fcTL", b"fdAT")
SURPLUS = 65_536  # bytes that some encoders write after the pixels
MOST_TIMES = 1032  # deflate expands one byte to at most this number


@dataclass
class _File:
    """Parts of a PNG file, filled during parsing."""

    header: bytes = b""
    needed: dict[bytes, list[bytes]] = field(default_factory=lambda: {name: [] for name in NEEDED})
    # with the data of the image, in order
    animation: list[tuple[bytes, bytes]] = field(default_factory=list)
    beside: list[tuple[bytes, bytes]] = field(default_factory=list)
    ended: bool = False
    behind: int = 0  # bytes after the end

    @property
    def width(self) -> int:
        return int.from_bytes(self.header[:4], "big")

    @property
    def height(self) -> int:
        return int.from_bytes(self.header[4:8], "big")

    @property
    def count(self) -> int:
        """Number of images of an animation; 1 without one."""
        names = [name for name, _ in self.animation]
        announced = b"acTL" in names[: names.index(b"IDAT")]
        return max(1, names.count(b"fcTL")) if announced else 1

    @property
    def hidden(self) -> bool:
        """True if the still image is not part of the animation: no frame begins before it."""
        return (
            self.count > 1
            and next(name for name, _ in self.animation if name != b"acTL") == b"IDAT"
        )


def open_png(data: bytes, largest: int) -> Opened:
    """Check a PNG file; raise ValueError if it cannot be decoded within bounds, or is truncated."""
    file = _parsed(data)
    check_size(file.width, file.height, largest)
    if file.needed[b"IHDR"][0][9] == PALETTE and not file.needed[b"PLTE"]:
        raise ValueError(f"{UNREADABLE}: a PNG without its palette")
    expected = _bytes_of_pixels(file.header, file.width, file.height)
    found = sum(map(len, file.needed[b"IDAT"]))
    if found * MOST_TIMES + 1024 < expected:
        raise cut(f"{found:,} bytes for the pixels of the PNG")
    if file.count > MOST_FRAMES:
        raise ValueError(
            f"an animation of more than {MOST_FRAMES:,} frames; valid: at most {MOST_FRAMES:,}"
        )
    return Opened(
        file.count,
        _animated(file) if file.count > 1 else (_still(file, expected) for _ in range(1)),
    )


def bare(data: bytes) -> bytes:
    """Strip a file to its pixels; raise ValueError if it is truncated."""
    file = _parsed(data)
    if not file.ended:
        raise cut("no end of the PNG")
    return _image(file)


def dress(image: bytes, metadata: Metadata) -> bytes:
    """Add metadata, as allowed by `metadata.fitting`, to a PNG file."""
    head = len(SIGNATURE) + 25  # includes the header
    return (
        image[:head]
        + b"".join(_chunk(*chunk) for chunk in png_metadata.write(metadata))
        + image[head:]
    )


def _parsed(data: bytes) -> _File:
    file, at = _File(), len(SIGNATURE)
    while at + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        body, end = data[at + 8 : at + 8 + size], at + 12 + size
        if end > len(data) and name in NEEDED:
            raise cut(f"a chunk of the PNG at byte {at:,}")
        if not file.header and name != b"IHDR":
            raise ValueError(f"{UNREADABLE}: a PNG without a header")
        if name in NEEDED and data[end - 4 : end] != struct.pack(
            ">I", zlib.crc32(data[at + 4 : end - 4])
        ):
            raise ValueError(
                f"{UNREADABLE}: damaged, wrong checksum of the chunk at byte {at:,} of the PNG"
            )
        if name == b"IEND":
            file.ended, file.behind = True, len(data) - end
            break
        _take(file, name, body)
        at = end
    if not file.needed[b"IDAT"]:
        raise cut("no pixels in the PNG")
    return file


def _take(file: _File, name: bytes, body: bytes) -> None:
    if name == b"IHDR":
        if len(body) != 13 or file.header:
            raise ValueError(f"{UNREADABLE}: a PNG with a broken header")
        bits, color, _, _, interlaced = body[8:]
        if bits not in BITS.get(color, ()) or interlaced > 1:
            raise ValueError(f"{UNREADABLE}: a PNG of {bits} bits and color type {color}")
        file.header = body
    if name in ANIMATION:
        file.animation.append((name, body))
    elif name == b"IDAT" and not file.needed[name]:
        file.animation.append((name, b""))  # position of the still image among the frames
    if name in NEEDED:
        file.needed[name].append(body)
    elif name in png_metadata.CHUNKS and len(file.beside) < png_metadata.MOST_CHUNKS:
        file.beside.append((name, body))


def _bytes_of_pixels(header: bytes, width: int, height: int) -> int:
    """Return the number of bytes of an image, including one filter byte per row."""
    bits = header[8] * SAMPLES[header[9]]
    total = 0
    for left, top, across, down in PASSES if header[12] else ((0, 0, 1, 1),):
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def _image(file: _File, animation: bytes = b"") -> bytes:
    parts = [_chunk(name, file.needed[name][0]) for name in NEEDED[:3] if file.needed[name]]
    pixels = animation or _chunk(b"IDAT", b"".join(file.needed[b"IDAT"]))
    return SIGNATURE + b"".join(parts) + pixels + _chunk(b"IEND", b"")


def _still(file: _File, expected: int) -> Decoded:
    metadata, notes = png_metadata.read(file.beside, *_notes(file))
    _check_stream(file.needed[b"IDAT"], expected)
    bits, color = file.header[8:10]
    # Pillow cannot read 16-bit colors, and misreads transparent gray of fewer than 8 bits as 8-bit
    # gray.
    by_pillow = bits == 8 if color == GRAY and file.needed[b"tRNS"] else bits < 16 or color == GRAY
    if by_pillow:
        return Decoded(*channels(loaded(PngImageFile, _image(file))), metadata, notes)
    (pixels,) = scratch.read(_image(file), ".png")
    return Decoded(pixels, pixels.shape[-1] in (2, 4), metadata, notes)


def _check_stream(parts: list[bytes], expected: int) -> None:
    """Raise ValueError unless zlib yields the bytes of the pixels from the parts.

    Decompress chunk by chunk.

    Pillow leaves memory uninitialized if there are too few bytes.
    """
    stream, found = zlib.decompressobj(), 0
    for part in parts:
        while part and found <= expected + SURPLUS:
            try:
                found += len(stream.decompress(part, 1 << 20))
            except zlib.error:
                raise ValueError(f"{UNREADABLE}: damaged data in the PNG") from None
            part = stream.unconsumed_tail
    if found < expected:
        raise cut("too few pixels in the PNG")
    if found > expected + SURPLUS:
        raise ValueError(f"{UNREADABLE}: the PNG has more data than pixels")


def _animated(file: _File) -> Generator[Decoded]:
    metadata, notes = png_metadata.read(file.beside, *_notes(file))
    if file.header[8] == 16:
        notes += ("frames of 16 bits were read as 8 bits",)
    if file.hidden:
        notes += ("left out: the still image beside the animation",)
    chunks, streams = _frames(file)
    loops = next(
        int.from_bytes(body[4:8], "big") for name, body in file.animation if name == b"acTL"
    )
    numbers = range(file.hidden, file.count + file.hidden)
    images = frames(PngImageFile, _image(file, chunks), numbers)
    for expected, parts in streams:
        _check_stream(parts, expected)
        pixels, alpha, duration = next(images)
        yield Decoded(pixels, alpha, replace(metadata, duration=duration, loops=loops), notes)


def _frames(file: _File) -> tuple[bytes, list[tuple[int, list[bytes]]]]:
    """Return the chunks of an animation, and each frame's number of bytes and its data."""
    chunks = []
    streams: list[tuple[int, list[bytes]]] = []
    for name, body in file.animation:
        if name == b"acTL":
            body = struct.pack(">I", file.count) + body[4:]
        elif name == b"fcTL":
            streams.append((_bytes_of_frame(file, body), []))
        elif streams:
            streams[-1][1].extend(file.needed[name] if name == b"IDAT" else [body[4:]])
        chunks.append(_chunk(name, b"".join(file.needed[name]) if name == b"IDAT" else body))
    return b"".join(chunks), streams


def _bytes_of_frame(file: _File, body: bytes) -> int:
    if len(body) < 26:
        raise ValueError(f"{UNREADABLE}: a broken frame in the PNG")
    width, height, left, top = struct.unpack_from(">IIII", body, 4)
    if not (width and height and left + width <= file.width and top + height <= file.height):
        raise ValueError(f"{UNREADABLE}: a frame of the PNG is larger than the image")
    return _bytes_of_pixels(file.header, width, height)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _notes(file: _File) -> tuple[str, ...]:
    return (f"left out: {file.behind:,} bytes after the end of the PNG",) if file.behind else ()
