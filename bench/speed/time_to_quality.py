"""Time to quality: seconds that a training takes to reach the published loss of a tutorial."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from bench.paths import ROOT
from bench.sweep import tutorials

NETWORK = "K1"
RECIPE = "--batch 128 --schedule cosine --init keras --loss bce --every 1000000"
WAYS = {  # optimizer options and number of images, chosen by the loss on validation images
    "muon": ("--optimizer muon --lr 2e-2 --ema 0.998", 320_000),
    "adam": ("--optimizer adam --lr 1e-2 --ema 0.999", 2_200_000),
}


def measure(way: str, images: int | None, root: Path) -> dict[str, Any]:
    """Train by one of the `WAYS` in its own process; return time and scores.

    Each image has new noise. `images` replaces the number of images in `WAYS`.
    """
    tutorial = tutorials.TUTORIALS_BY_NAME[NETWORK]
    options, needed = WAYS[way]
    level = f"{tutorial.sigma:g}:{tutorial.sigma:g}"
    words = [
        "--dataset",
        tutorial.dataset,
        "--architecture",
        NETWORK,
        "--sigma",
        level,
        *RECIPE.split(),
    ]
    words += [*options.split(), "--images", str(images or needed)]
    with tempfile.TemporaryDirectory() as folder:
        train = [sys.executable, "-m", "denoise.train", *words, "--name", NETWORK, "--out", folder]
        began = time.perf_counter()
        code = subprocess.run([*train, "--data-root", str(root)], cwd=ROOT).returncode
        seconds = time.perf_counter() - began
        if code:
            raise ValueError(
                f"the training ended with exit code {code}; its log lines above give the reason"
            )
        row, _ = tutorials.score(NETWORK, "reach", Path(folder) / f"{NETWORK}.safetensors", root)
    training = "python -m denoise.train " + shlex.join(words)
    known = {
        "training": training,
        "threads": torch.get_num_threads(),
        "known_bce": tutorial.known_bce,
    }
    return row | known | {"optimiser": way, "seconds": seconds}
