"""Provenance of a row, to reproduce it: protocol, versions, commit, machine."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import re
import subprocess
from pathlib import Path

import numpy
import pandas as pd
import skimage
import torch

import denoise
from denoise.hardware import has_bfloat16, processor
from denoise.metrics import SSIM_CONVENTION
from denoise.noise import NOISES

PROTOCOL = {
    "version": 1,
    # The texts are hashed: a change of a word would separate committed scores from new ones.
    "test_noise": (
        "Philox keyed by blake2b-128 of (dataset, picture, noise, level to six decimals, draw)"
    ),
    # Photographic noises came later. Naming them here would change the hash and separate the
    # committed scores from it.
    "noises": {
        noise.name: noise.facts["unit"] for noise in NOISES if not noise.facts.get("photographic")
    },
    "estimate": "clamped to [0, 1], float32, native size",
    "psnr": "per picture, data_range 1, then the mean",
    "ssim": SSIM_CONVENTION,
}
"""Rules behind every score. A change of a rule changes this dict, and so the hash in each row."""

SCIKIT_IMAGE: str = skimage.__version__  # type: ignore[attr-defined]  # its stub leaves it out


def protocol_hash() -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of `PROTOCOL`."""
    return hashlib.sha256(json.dumps(PROTOCOL, sort_keys=True).encode()).hexdigest()[:12]


def describe() -> dict[str, str | None]:
    """Return the provenance columns of a row, except its command and weights."""
    return {
        "protocol": protocol_hash(),
        "commit": commit(),
        "denoise": denoise.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "scikit_image": SCIKIT_IMAGE,
    }


@functools.cache
def commit() -> str | None:
    """Return the commit of the code, with -dirty if code differs; None outside a repository.

    Results and documents are no code: a command may write them between two rows.
    """
    folder = Path(__file__).parent
    code = [":(top)", *(f":(top,exclude){path}" for path in ("bench/results", "docs", "README.md"))]

    def git(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *words], cwd=folder, capture_output=True, text=True, check=False
        )

    try:
        found = git("rev-parse", "--short=12", "HEAD")
    except OSError:  # git is not installed
        return None
    if found.returncode:
        return None
    changed = git("diff", "--quiet", "HEAD", "--", *code).returncode != 0
    return found.stdout.strip() + "-dirty" * changed


def machine() -> dict[str, object]:
    """Return the columns that describe the machine; `gpu` is None without one."""
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
        "scikit_image": SCIKIT_IMAGE,
    }


def run_on(device: torch.device) -> dict[str, object]:
    """Return the machine columns of a run on one device; `gpu` is None if the device is the CPU."""
    return machine() if device.type == "cuda" else machine() | {"gpu": None}


def name(row: pd.Series) -> str:
    """Return the device that a row was measured on: the GPU if any, else the CPU."""
    gpu = row.get("gpu")
    return row.cpu if pd.isna(gpu) else gpu


def title(row: pd.Series) -> str:
    """Return the device that a row was measured on; a CPU with its instruction set and threads."""
    return (
        name(row) if pd.notna(row.gpu) else f"{row.cpu}, {row.cpu_isa}, {row.cpu_threads} threads"
    )


def slug(device: torch.device) -> str:
    """Return a file-name part for this machine and device."""
    name = (
        torch.cuda.get_device_name()
        if device.type == "cuda"
        else f"{processor()} {os.cpu_count()} threads"
    )
    return re.sub(r"[^a-z0-9]+", "-", f"{name} {device.type}".lower()).strip("-")


def quickest(device: torch.device) -> torch.dtype:
    """Return the number format of networks in which a device multiplies fastest."""
    return torch.bfloat16 if has_bfloat16(device) else torch.float32


def tf32(device: torch.device) -> str | None:
    """Describe the float32 products rounded to TF32; return None on the CPU.

    TF32 has 10 bits of mantissa instead of 23. Ampere and later GPUs have it. PyTorch has separate
    switches for convolutions and for matrix products.
    """
    if device.type != "cuda":
        return None
    able = torch.cuda.get_device_capability(device) >= (8, 0)
    switches = {
        "convolutions": torch.backends.cudnn.allow_tf32,
        "matrix products": torch.backends.cuda.matmul.allow_tf32,
    }
    return ", ".join(f"{what} {'on' if able and on else 'off'}" for what, on in switches.items())
