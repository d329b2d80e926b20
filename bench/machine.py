"""What a timing depends on beside the code: processor, threads, instruction set, GPU, versions."""

from __future__ import annotations

import platform
from pathlib import Path

import skimage
import torch

from denoise.train import has_bfloat16


def describe() -> dict[str, object]:
    """The columns of a row that speak of the machine; `gpu` is None where there is none."""
    cpu = torch.device("cpu")
    return {
        "cpu": processor(),
        "cpu_threads": torch.get_num_threads(),
        "cpu_isa": torch.backends.cpu.get_cpu_capability() + (" BF16" if has_bfloat16(cpu) else ""),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "dtype": "float32",
        "memory_layout": "channels_last",
        "compile_mode": "eager",
        "torch": torch.__version__,
        "scikit_image": skimage.__version__,
    }


def processor() -> str:
    """The processor's name as the system gives it."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
