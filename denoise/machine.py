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


def return_freed_memory() -> None:
    """Return freed memory of the whole process to the system, if the C library is GNU's; it keeps most of it otherwise.

    For a server, after a job that took much more than the next one will. It takes some milliseconds.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 products are in this device's instruction set (AMX or AVX-512 BF16; Ampere or later)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
