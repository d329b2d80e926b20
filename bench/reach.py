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
RECIPE = "--batch 128 --lr 1e-2 --schedule cosine --init keras --ema 0.999 --loss bce --every 1000000"


def measure(images: int, root: Path) -> dict[str, Any]:
    """Train on so many pictures, each with new noise, in a process of its own; what it takes and what it reaches."""
    tutorial = tutorials.TUTORIALS_BY_NAME[NETWORK]
    level = f"{tutorial.sigma:g}:{tutorial.sigma:g}"
    words = ["--dataset", tutorial.dataset, "--architecture", NETWORK, "--sigma", level, *RECIPE.split()]
    words += ["--images", str(images)]
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
    return row | known | {"seconds": seconds}


def text(frame: pd.DataFrame) -> str:
    """What the README says of a run."""
    row = frame.iloc[0]
    return (
        f"**Time to quality**: `{row.training}` takes {row.seconds:.0f} s from the start of its process ({row.threads} "
        f"threads), in which it sees {row.images_seen:,} pictures; then the cross-entropy on {row.pictures:,} test "
        f"pictures is {row.bce:.4f}. The Keras example publishes {row.known_bce:.4f}, after 150 epochs of 60,000: "
        f"{'reached' if row.bce <= row.known_bce else 'not reached'}.\n"
    )
