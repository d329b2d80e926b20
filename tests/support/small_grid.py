"""A grid of four networks on letters, small enough to train within tests.

Its fixtures are in conftest.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import __main__ as command
from bench.schema import SCORES
from bench.sweep import collect
from denoise import cli

TINY = ["--width", "4", "--depth", "1", "--images", "256", "--batch", "32"]
NO_DATA = Path(__file__).parent / "no-data"
PART = [
    "--datasets",
    "glyphs",
    "--noise",
    "clipped",
    "--arms",
    "nearest",
    "transposed",
    "--budgets",
    "channels",
]


def grid(out, *more, seeds=2):
    """Return the words of a run that uses bundled images alone, wherever it is started."""
    words = ["grid", *PART, *TINY, "--seeds", str(seeds), "--out", str(out)]
    return [*words, "--data-root", str(NO_DATA), *more]


def bench(*arguments):
    """Start a run in its own process, which can be killed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "bench", *map(str, arguments)]
    return subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def refused(capsys, *arguments):
    """Return the one-line error of a rejected command."""
    with pytest.raises(SystemExit) as stopped:
        cli.run(command.main, list(map(str, arguments)))
    assert stopped.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def scores(folder):
    frame = collect.read(folder)[1]
    return frame.sort_values([*SCORES][:-2]).reset_index(drop=True)
