"""Worker process that decodes uploads, started by `isolated`.

A harmful file affects this process alone.

The worker reads requests as lines of JSON from its standard input, and ends at the end of the
input.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import BinaryIO

import OpenImageIO as oiio
from PIL import AvifImagePlugin

from denoise.images import reading, transfer
from denoise.images.container import TooLarge

BASE, A_PIXEL = 256_000_000, 64  # bytes of memory per file, and per pixel that the caller allows
LARGEST_FILE = 2_000_000_000  # bytes of a temporary file


def main() -> None:
    """Reply to requests until the input ends."""
    replies = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # output printed by a decoder must not mix with replies
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    oiio.attribute("threads", 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    for line in sys.stdin.buffer:
        given = json.loads(line)
        _reply(given["path"], given["largest"], replies)


def _reply(path: str, largest: int, replies: BinaryIO) -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (taken + BASE + A_PIXEL * largest, hard))
    pixels = memoryview(b"")
    try:
        about, pixels = transfer.pack(reading.read(path, largest))
    except (ValueError, MemoryError) as error:
        message = (
            str(error)
            if isinstance(error, ValueError)
            else f"{path}: decoding exceeds the memory limit of uploads"
        )
        about = transfer.pack_error(message, large=isinstance(error, TooLarge))
    replies.write(about)
    replies.write(pixels)
    replies.flush()


if __name__ == "__main__":
    main()
