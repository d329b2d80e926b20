"""`python -m bench gpu`: every measurement that needs a GPU, in one call of limited time.

Each part is a command in its own process. A part that fails, or for which no time is left, is named
at the end; the files of the other parts stay.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import time

import torch

from bench.paths import ROOT

log = logging.getLogger("bench")

PARTS = (
    ("time to quality", "reach --optimizers muon --out {results}/reach"),
    ("costs of every decoder", "costs --device {device} --rounds 2 --results {grid}"),
    ("systems in turns", "speed --device {device} --rounds 2 --out {results}/speed"),
)
"""Name and command of each part, the most useful first."""

LEAST = 20.0  # seconds without which no part is started


def main(given: argparse.Namespace) -> None:
    """Run the parts one after another; exit with 1 if one has no result."""
    if given.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device is cuda, but PyTorch finds no NVIDIA GPU; valid: cpu")
    if not given.minutes > 0:
        raise ValueError(f"--minutes is {given.minutes:g}; it must be above 0")
    end = time.monotonic() + 60 * given.minutes
    places = {"device": given.device, "results": given.results.parent, "grid": given.results}
    lost = []
    for name, command in PARTS:
        words = [word.format(**places) for word in command.split()]
        if given.data_root and words[0] == "reach":
            words += ["--data-root", str(given.data_root)]
        problem = _run(words, end - time.monotonic())
        log.info("%s: %s", name, problem or "done")
        if problem:
            lost.append(f"{name} ({problem}): python -m bench {' '.join(words)}")
    for line in lost:
        print("no result:", line)
    if lost:
        raise SystemExit(1)


def _run(words: list[str], seconds: float) -> str:
    """Run a command of the harness for at most this time; return what went wrong, or ""."""
    if seconds < LEAST:
        return "no time left"
    try:
        code = subprocess.run(
            [sys.executable, "-m", "bench", *words], cwd=ROOT, timeout=seconds
        ).returncode
    except subprocess.TimeoutExpired:
        return f"stopped after {seconds:.0f} s"
    return f"exit code {code}" if code else ""
