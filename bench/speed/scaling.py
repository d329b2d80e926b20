"""Scaling of the engine's time and memory with image size and number, and its start-up time."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from bench.costs import memory
from bench.paths import ROOT
from denoise.inference import engine

SIDES = tuple(2**power for power in range(5, 13))  # pixels of a square image's side
COUNTS = (1, 100, 10_000, 100_000)  # images of 28x28
CHUNK = 1_000  # images per chunk
ONE, MANY = "photo-gray", "mnist-nearest"
TURNS, SECONDS = 5, 0.2  # turns of each size; seconds of one turn if calls are short
LINEAR_FROM = 256  # pixels of a side; below it, the constant cost of a call matters
STARTS = {
    "import denoise": [sys.executable, "-c", "import denoise"],
    "python -m denoise --help": [sys.executable, "-m", "denoise", "--help"],
    "python -m denoise noisy.png -o clean.png": [
        sys.executable,
        "-m",
        "denoise",
        "noisy.png",
        "-o",
        "clean.png",
    ],
}


class Cell(NamedTuple):
    """One measurement in its own process: square images, denoised by shipped weights."""

    network: str
    threads: int
    pictures: int
    side: int


def rows(
    threads: int,
    sides: tuple[int, ...] = SIDES,
    counts: tuple[int, ...] = COUNTS,
    advance: Callable[[], object] = lambda: None,
) -> list[dict[str, Any]]:
    """Measure every image size and every number of images with `threads` PyTorch threads.

    Each measurement has a new process, because memory kept from earlier images would hide its peak.
    `advance` is called after each measurement.
    """
    sizes = _rows("size", [Cell(ONE, threads, 1, side) for side in sides], advance)
    return sizes + _rows("number", [Cell(MANY, threads, count, 28) for count in counts], advance)


def _rows(what: str, cells: list[Cell], advance: Callable[[], object]) -> list[dict[str, Any]]:
    """Measure each cell once per round, so that a busy moment affects all cells alike."""
    seconds: dict[Cell, list[float]] = {cell: [] for cell in cells}
    with contextlib.ExitStack() as running:
        spawn = multiprocessing.get_context("spawn")
        fresh = {cell: running.enter_context(ProcessPoolExecutor(1, spawn)) for cell in cells}
        peaks = {}
        for cell, process in fresh.items():
            peaks[cell] = process.submit(_peak, cell).result()
            advance()
        for number in range(TURNS):
            for cell, process in fresh.items():
                # a call of several chunks averages over busy moments
                if number == 0 or cell.pictures <= CHUNK:
                    seconds[cell].append(process.submit(_turn, cell).result())
    return [_row(what, *cell, statistics.median(seconds[cell]), peaks[cell]) for cell in cells]


@functools.cache
def _call(cell: Cell) -> Callable[[], object]:
    """Return the call that a process measures, with the network loaded."""
    torch.set_num_threads(cell.threads)
    network = engine.load(cell.network, "cpu")
    network.estimate(_images(1, SIDES[0]))  # one-time setup
    if cell.pictures == 1:
        image = _images(1, cell.side)
        return lambda: network.estimate(image)
    return lambda: _streamed(network, cell.pictures)


def _peak(cell: Cell) -> int | None:
    """Measure the peak memory that the first call adds; None if it cannot be read."""
    return memory.added(_call(cell))


def _turn(cell: Cell) -> float:
    """Return the median seconds of a call."""
    call = _call(cell)
    seconds: list[float] = []
    while not seconds or sum(seconds) < SECONDS:
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def starts() -> Iterator[dict[str, Any]]:
    """Yield one row per start command: seconds from the start of the process to its end."""
    with tempfile.TemporaryDirectory() as folder:
        noisy = np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint8)
        Image.fromarray(noisy).save(Path(folder) / "noisy.png")
        there = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        }
        for what, words in STARTS.items():
            seconds = []
            for _ in range(TURNS):
                (Path(folder) / "clean.png").unlink(missing_ok=True)
                began = time.perf_counter()
                subprocess.run(words, cwd=folder, env=there, check=True, capture_output=True)
                seconds.append(time.perf_counter() - began)
            yield _row(what, "", torch.get_num_threads(), 1, 256, statistics.median(seconds), None)


def exponent(frame: pd.DataFrame, threads: int) -> float:
    """Fit the exponent of time in the number of pixels, by least squares on logarithms."""
    of = frame[(frame.what == "size") & (frame.threads == threads) & (frame.side >= LINEAR_FROM)]
    slope, _ = np.polyfit(np.log(of.side**2), np.log(of.seconds), 1)
    return float(slope)


def _row(
    what: str,
    network: str,
    threads: int,
    pictures: int,
    side: int,
    seconds: float,
    peak: int | None,
) -> dict[str, Any]:
    known = {
        "what": what,
        "network": network,
        "threads": threads,
        "pictures": pictures,
        "side": side,
    }
    return known | {"seconds": seconds, "peak_bytes": peak}


def _streamed(network: engine.Denoiser, count: int) -> None:
    """Denoise `count` images, with at most one chunk in memory at a time."""
    for start in range(0, count, CHUNK):
        network.estimate(_images(min(CHUNK, count - start), 28))


def _images(count: int, side: int) -> Tensor:
    return torch.rand(count, 1, side, side, generator=torch.Generator().manual_seed(side))
