"""What a timing depends on beside the code: processor, threads, instruction set, GPU, versions."""

from __future__ import annotations

import os
import re

import pandas as pd
import skimage
import torch

from denoise.machine import has_bfloat16, processor


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


def run_on(device: torch.device) -> dict[str, object]:
    """The same of a run that was on one device alone: `gpu` is None where that was the processor."""
    return describe() if device.type == "cuda" else describe() | {"gpu": None}


def name(row: pd.Series) -> str:
    """What a row of such a run was measured on: the GPU, or the processor, of which alone some runs are."""
    gpu = row.get("gpu")
    return row.cpu if pd.isna(gpu) else gpu


def title(row: pd.Series) -> str:
    """The same, and what it hangs on beside."""
    return name(row) if pd.notna(row.gpu) else f"{row.cpu}, {row.cpu_isa}, {row.cpu_threads} threads"


def slug(device: torch.device) -> str:
    """Names this machine and the device in a file name."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{processor()} {os.cpu_count()} threads"
    return re.sub(r"[^a-z0-9]+", "-", f"{name} {device.type}".lower()).strip("-")


def quickest(device: torch.device) -> torch.dtype:
    """The number format in which a device multiplies the quickest of those that networks are run in."""
    return torch.bfloat16 if has_bfloat16(device) else torch.float32


def tf32(device: torch.device) -> str | None:
    """Which float32 products are rounded to TF32 (10 bits of mantissa in place of 23); None on the processor.

    Ampere and later GPUs have it, and PyTorch has its own switch for convolutions and for matrix products.
    """
    if device.type != "cuda":
        return None
    able = torch.cuda.get_device_capability(device) >= (8, 0)
    switches = {
        "convolutions": torch.backends.cudnn.allow_tf32,
        "matrix products": torch.backends.cuda.matmul.allow_tf32,
    }
    return ", ".join(f"{what} {'on' if able and on else 'off'}" for what, on in switches.items())
