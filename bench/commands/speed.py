"""`python -m bench speed`: images per second of this engine, plain PyTorch and other systems."""

from __future__ import annotations

import argparse
import functools
import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from bench import counters, provenance
from bench.labels import counted
from bench.report import speed_figure, speed_tables
from bench.schema import SPEED
from bench.scoring import deployed
from bench.speed import roofline
from bench.speed.idle import Busy, Quiet
from bench.speed.systems import NETWORKS, SYSTEMS, Turn, check, kind, of, processes
from denoise.files.atomic import whole_file
from denoise.graph.fusion import fuse
from denoise.inference import onnx_export
from denoise.models import weights

SHAPE = (1, 28, 28)
SIZES = {"cpu": (1, 32, 128, 512), "cuda": (1, 128, 4_096, 16_384)}  # images per call
TRAINED = 128  # images in a training step, as in the Keras example
# columns of a row of the table; job sent to the process
Cell = tuple[dict[str, Any], dict[str, Any]]
log = logging.getLogger("bench")


def main(given: argparse.Namespace) -> None:
    """Measure every system on every network in turns; write a CSV and a figure."""
    if given.rounds < 1 or given.seconds <= 0 or not given.quiet >= 0:
        raise ValueError(
            f"--rounds is {given.rounds}, --seconds {given.seconds:g} and --quiet {given.quiet:g}; "
            "they must be at least 1, above 0, and at least 0"
        )
    device = torch.device(given.device)
    systems = given.systems or of(device)
    check(systems, device)
    running, quiet = processes(systems), Quiet(given.quiet, device)

    def ask(job: dict[str, Any]) -> Turn:
        return quiet.take(functools.partial(running[kind(job["system"])].ask, job, given.seconds))

    try:
        with tempfile.TemporaryDirectory() as folder:
            rows = _rounds(_cells(systems, Path(folder), given.device), ask, given.rounds, device)
    finally:
        for process in running.values():
            process.close()
    if not rows:
        raise ValueError("no system could be timed; the log lines above give the reasons")
    described = provenance.run_on(device) | provenance.describe()
    facts = {name: value for name, value in described.items() if name in SPEED} | {
        "command": given.command
    }
    frame = pd.DataFrame(rows).assign(**facts).reindex(columns=list(SPEED))
    target = given.out / f"{provenance.slug(device)}.csv"
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.5g")
    print(speed_tables.text(frame))
    print("written:", target, speed_figure.write(target))


def _cells(systems: Sequence[str], folder: Path, device: str) -> list[Cell]:
    """List a cell for each network, batch size, and system measured there."""
    foreign, rounded = any(SYSTEMS[name].peer for name in systems), "openvino_int8" in systems
    found = []
    for network in NETWORKS:
        counts, files = _network(network, folder, foreign=foreign, rounded=rounded)
        for size in SIZES[device]:
            for name in systems:
                system = SYSTEMS[name]
                if size >= system.least and (system.task == "clean" or size == TRAINED):
                    labels = {
                        "network": network,
                        "task": system.task,
                        "system": name,
                        "batch": size,
                    }
                    found.append((labels | counts, _job(network, name, size, files, device)))
    return found


def _rounds(
    cells: Sequence[Cell], ask: Callable[[dict[str, Any]], Turn], count: int, device: torch.device
) -> list[dict[str, Any]]:
    """Measure one row per round and cell.

    Every cell and the machine's limits have a turn in each round, because a single moment might be
    busy.
    """
    rows: list[dict[str, Any]] = []
    failed: set[tuple[str, str]] = set()
    with tqdm(total=count * len(cells), unit=" turns", disable=None) as bar:
        for number in range(count):
            try:
                facts = {"round": number} | roofline.rates(device, provenance.quickest(device))
                rows += [row | facts for row in _round(cells, ask, failed, bar)]
            except (Busy, KeyboardInterrupt) as error:
                if isinstance(error, KeyboardInterrupt) and not rows:
                    raise
                log.warning(
                    "stopped after %s: %s", counted(number, "round"), str(error) or "interrupted"
                )
                break
    return rows


def _round(
    cells: Sequence[Cell],
    ask: Callable[[dict[str, Any]], Turn],
    failed: set[tuple[str, str]],
    bar: tqdm,
) -> list[dict[str, Any]]:
    """Measure the rows of one round; a failed system is skipped from then on."""
    rows = []
    for labels, job in cells:
        bar.update()
        name = labels["network"], labels["system"]
        if name in failed:
            continue
        turn = ask(job)
        if turn.error:
            failed.add(name)
            log.warning("skipped: %s on %s: %s", labels["system"], labels["network"], turn.error)
            continue
        rows.append(labels | _timed(turn))
    return rows


def _network(
    name: str, folder: Path, *, foreign: bool, rounded: bool
) -> tuple[dict[str, int], dict[str, str]]:
    """Return a network's counts, and its ONNX files for third-party systems."""
    network = weights.build(NETWORKS[name]).eval()
    file, coarse = folder / f"{name}.onnx", folder / f"{name}-int8.onnx"
    if foreign:
        onnx_export.any_batch(network, file, SHAPE)
    if rounded:
        deployed.quantize(
            file, coarse, [np.random.default_rng(0).random((TRAINED, *SHAPE), np.float32)]
        )
    counts = {"parameters": counters.parameters(network), "macs": counters.macs(network, SHAPE)}
    counts["fused_macs"] = counters.macs(fuse(network), SHAPE)
    return counts, {"onnx": str(file), "int8": str(coarse)}


def _job(
    network: str, system: str, size: int, files: dict[str, str], device: str
) -> dict[str, Any]:
    job = {"system": system, "shape": SHAPE, "batch": size, "threads": torch.get_num_threads()}
    if SYSTEMS[system].peer:
        return job | {"network": network} | files
    return job | {"architecture": json.dumps(NETWORKS[network]), "device": device}


def _timed(turn: Turn) -> dict[str, Any]:
    median, slow = np.percentile(turn.seconds, [50, 90])
    return {
        "version": turn.version,
        "ran": turn.ran,
        "calls": len(turn.seconds),
        "ms_p50": median * 1e3,
        "ms_p90": slow * 1e3,
        "images_per_s": turn.pictures / median,
    }
