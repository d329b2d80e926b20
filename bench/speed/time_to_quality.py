"""Time to quality: seconds from the start of a process to a tutorial's published loss, with its own network."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from bench.speed.systems import ROOT
from bench.sweep import tutorials

NETWORK = "K1"
RECIPE = "--batch 128 --schedule cosine --init keras --loss bce --every 1000000"
WAYS = {  # optimizer options and number of images, chosen by the loss on validation images
    "muon": ("--optimiser muon --lr 2e-2 --ema 0.998", 320_000),
    "adam": ("--optimiser adam --lr 1e-2 --ema 0.999", 2_200_000),
}


def measure(way: str, images: int | None, root: Path) -> dict[str, Any]:
    """Train by one of the `WAYS` in its own process, with new noise for each image.

    Return time and scores.

    `images` replaces the known number of images.
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
        asked = [sys.executable, "-m", "denoise.train", *words, "--name", NETWORK, "--out", folder]
        began = time.perf_counter()
        code = subprocess.run([*asked, "--data-root", str(root)], cwd=ROOT).returncode
        seconds = time.perf_counter() - began
        if code:
            raise ValueError(f"the training ended with exit code {code}: its lines above say why")
        row, _ = tutorials.score(NETWORK, "reach", Path(folder) / f"{NETWORK}.safetensors", root)
    training = "python -m denoise.train " + shlex.join(words)
    known = {
        "training": training,
        "threads": torch.get_num_threads(),
        "known_bce": tutorial.known_bce,
    }
    return row | known | {"optimiser": way, "seconds": seconds}


def text(frame: pd.DataFrame) -> str:
    """Write the README's text about a run."""
    first = frame.iloc[0]
    where = f"{first.threads} threads" if pd.isna(first.gpu) else first.gpu
    said = [
        f"**Time to quality**: how long a training takes, from the start of its process to its end, that comes to the "
        f"cross-entropy that the Keras example publishes after 150 epochs of 60,000 pictures, {first.known_bce:.4f} "
        f"({first.pictures:,} test pictures, {where}):"
    ]
    for row in frame.itertuples():
        verdict = "reached" if row.bce <= row.known_bce else "not reached"
        steps = (
            ""
            if pd.isna(row.train_seconds)
            else f" ({row.train_seconds:.0f} s of them from its first step on)"
        )
        said.append(
            f"- {row.optimiser.capitalize()}: {row.seconds:.0f} s{steps}, {row.images_seen:,} pictures, {row.bce:.4f} "
            f"({verdict}), by `{row.training}`."
        )
    return said[0] + "\n\n" + "\n".join(said[1:]) + "\n"
