"""Facts about this machine's hardware, and the release of freed memory."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path

import torch


def processor() -> str:
    """Return the processor's name as the operating system reports it."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def return_freed_memory() -> None:
    """Return freed memory of the whole process to the system, if the C library is GNU's.

    GNU's library otherwise keeps most freed memory. Use this function in a server, after a job that
    needed much more memory than the next one. The call takes some milliseconds.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def has_bfloat16(device: torch.device) -> bool:
    """Return True if the device has instructions for bfloat16 products.

    These are AMX or AVX-512 BF16 on a CPU, and Ampere or later on a GPU.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
