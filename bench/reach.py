"""Time to quality: from the start of a process to the loss that a tutorial publishes, by its own network."""

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

from bench import tutorials
from bench.systems import ROOT

NETWORK = "K1"
RECIPE = "--batch 128 --schedule cosine --init keras --loss bce --every 1000000"
WAYS = {  # the optimiser with a rate and an average, and how many pictures: chosen by the loss on pictures held out
    "muon": ("--optimiser muon --lr 2e-2 --ema 0.998", 320_000),
    "adam": ("--optimiser adam --lr 1e-2 --ema 0.999", 2_200_000),
}


def measure(way: str, images: int | None, root: Path) -> dict[str, Any]:
    """Train one of the `WAYS`, each picture with new noise, in a process of its own; what it takes and what it reaches.

    `images` in place of as many as it is known to need.
    """
    tutorial = tutorials.TUTORIALS_BY_NAME[NETWORK]
    options, needed = WAYS[way]
    level = f"{tutorial.sigma:g}:{tutorial.sigma:g}"
    words = ["--dataset", tutorial.dataset, "--architecture", NETWORK, "--sigma", level, *RECIPE.split()]
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
    known = {"training": training, "threads": torch.get_num_threads(), "known_bce": tutorial.known_bce}
    return row | known | {"optimiser": way, "seconds": seconds}


def text(frame: pd.DataFrame) -> str:
    """What the README says of a run."""
    first = frame.iloc[0]
    where = f"{first.threads} threads" if pd.isna(first.gpu) else first.gpu
    said = [
        f"**Time to quality**: how long a training takes, from the start of its process to its end, that comes to the "
        f"cross-entropy that the Keras example publishes after 150 epochs of 60,000 pictures, {first.known_bce:.4f} "
        f"({first.pictures:,} test pictures, {where}):"
    ]
    for row in frame.itertuples():
        verdict = "reached" if row.bce <= row.known_bce else "not reached"
        steps = "" if pd.isna(row.train_seconds) else f" ({row.train_seconds:.0f} s of them from its first step on)"
        said.append(
            f"- {row.optimiser.capitalize()}: {row.seconds:.0f} s{steps}, {row.images_seen:,} pictures, {row.bce:.4f} "
            f"({verdict}), by `{row.training}`."
        )
    return said[0] + "\n\n" + "\n".join(said[1:]) + "\n"
