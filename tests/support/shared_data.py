"""Helpers for tests of several data sources."""

import struct
import zlib

from denoise import datasets


def png_that_claims(width, height):
    """Return a few bytes of a PNG whose header claims an image larger than the memory."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(9)))
        + chunk(b"IEND", b"")
    )


def splits(name, root=None):
    return {split: datasets.load(name, split, root) for split in datasets.SPLITS}
