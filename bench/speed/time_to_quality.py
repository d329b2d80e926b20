"""Time to quality: seconds that a training takes to reach the published loss of a tutorial."""

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


def text(frame: pd.DataFrame) -> str:
    """Write the README's text about a run."""
    first = frame.iloc[0]
    device = f"{first.threads} threads" if pd.isna(first.gpu) else first.gpu
    heading = (
        f"**Time to quality**: seconds from the start to the end of a training process that "
        f"reaches the cross-entropy of the Keras example, {first.known_bce:.4f} "
        f"({first.pictures:,} test images, {device}). The example publishes this value after 150 "
        "epochs of 60,000 images."
    )
    lines = []
    for row in frame.itertuples():
        verdict = "reached" if row.bce <= row.known_bce else "not reached"
        steps = (
            "" if pd.isna(row.train_seconds) else f" (training steps: {row.train_seconds:.0f} s)"
        )
        lines.append(
            f"- {row.optimiser.capitalize()}: {row.seconds:.0f} s{steps}, {row.images_seen:,} "
            f"images, cross-entropy {row.bce:.4f} ({verdict}), by `{row.training}`."
        )
    return heading + "\n\n" + "\n".join(lines) + "\n"
