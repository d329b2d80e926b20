"""What a row must name so that it can be made again: protocol, versions, commit."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import subprocess
from pathlib import Path

import numpy
import skimage
import torch

import denoise
from denoise.metrics import SSIM_CONVENTION
from denoise.noise import NOISES

PROTOCOL = {
    "version": 1,
    "test_noise": "Philox keyed by blake2b-128 of (dataset, picture, noise, level to six decimals, draw)",
    # Photographic noises came later; to name them here would part the committed scores from this protocol.
    "noises": {noise.name: noise.facts["unit"] for noise in NOISES if not noise.facts.get("photographic")},
    "estimate": "clamped to [0, 1], float32, native size",
    "psnr": "per picture, data_range 1, then the mean",
    "ssim": SSIM_CONVENTION,
}
"""The rules behind every score. Whoever changes what a score means changes this, and with it the hash in each row."""


def protocol_hash() -> str:
    """The first 12 hexadecimal digits of the SHA-256 of `PROTOCOL`."""
    return hashlib.sha256(json.dumps(PROTOCOL, sort_keys=True).encode()).hexdigest()[:12]


def describe() -> dict[str, str | None]:
    """The columns of a row that say what made it, beside its own command and weights."""
    return {
        "protocol": protocol_hash(),
        "commit": commit(),
        "denoise": denoise.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "scikit_image": skimage.__version__,
    }


@functools.cache
def commit() -> str | None:
    """The commit of the code, with -dirty where files differ from it; None outside a repository."""
    folder = Path(__file__).parent
    try:
        words = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
