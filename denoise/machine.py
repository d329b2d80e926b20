"""What this machine is, and what it can do."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path

import torch


def processor() -> str:
    """The processor's name as the system gives it."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def keep_freed_memory() -> None:
    """Let the C library keep large pieces of memory that are freed, for the next of their size, where it is GNU's.

    Otherwise each goes back to the system, which clears it page by page when it is asked for again: in training that is
    a good part of the time. It holds for the whole process and is for commands, not for libraries, to ask.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL("libc.so.6")
    # Without the first the second would do harm. Before version 2.35 the first had an upper bound.
    if library.mallopt(_MMAP_THRESHOLD, 2**30) or library.mallopt(_MMAP_THRESHOLD, 2**25):  # bytes
        library.mallopt(_TRIM_THRESHOLD, 2**30)


def return_freed_memory() -> None:
    """Return freed memory of the whole process to the system, if the C library is GNU's; it keeps most of it otherwise.

    For a server, after a job that took much more than the next one will. It takes some milliseconds.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL("libc.so.6").malloc_trim(0)


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 products are in this device's instruction set (AMX or AVX-512 BF16; Ampere or later)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
