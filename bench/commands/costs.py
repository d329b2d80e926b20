"""`python -m bench costs`: cost card of every arm and budget, on each device of this machine."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tqdm import tqdm

from bench import counters, provenance, timing
from bench.costs import card, determinism
from bench.costs.card import SHAPE, Subject
from bench.report import cost_tables
from bench.schema import COSTS
from bench.speed import roofline
from bench.sweep import collect
from bench.sweep.recipe import Recipe
from bench.tables_io.markdown import piped
from denoise.files.atomic import whole_file

SIZES = (1, 32, 128, 512)  # images per call
LEAST = 5  # timed calls of each size in a round
SIGMA = 0.4
# Counts, missing for some networks: as floats they would lose digits in the CSV.
WHOLE = (
    "parameters",
    "macs",
    "activations",
    "file_bytes",
    "peak_bytes",
    "peak_bytes_batch",
    "train_batch",
    "calls",
)


def main(given: argparse.Namespace) -> None:
    """Measure the cost card on the CPU and, if present, the GPU; write one CSV for each."""
    determinism.fix_workspace()  # must run before CUDA is used
    if given.rounds < 1:
        raise ValueError(f"--rounds is {given.rounds}; it must be at least 1")
    recipe = Recipe.read(given.results)
    subjects = [*card.arms(recipe, given.arms), *card.brought(given.model)]
    if given.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device is cuda, but PyTorch finds no NVIDIA GPU; valid: cpu")
    names = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    devices = [torch.device(name) for name in names if given.device in (None, name)]
    targets = {device: given.results / f"costs-{provenance.slug(device)}.csv" for device in devices}
    for target in targets.values():
        _refuse_to_lose_arms(target, subjects)
    for device, target in targets.items():
        frame = pd.DataFrame(_rows(subjects, recipe, device, given.rounds)).assign(
            command=given.command
        )
        with whole_file(target) as partial:
            whole = frame.reindex(columns=list(COSTS)).astype(dict.fromkeys(WHOLE, "Int64"))
            whole.to_csv(partial, index=False, float_format="%.5g")
        for table in cost_tables.costs(collect.read_costs(target)):
            print(f"{table.title}\n\n{table.note}\n\n{piped(table.cells, scores=True)}\n")
        print(f"written: {target} ({len(frame)} rows)")


def _refuse_to_lose_arms(target: Path, subjects: Sequence[Subject]) -> None:
    """Raise ValueError if the card in `target` has arms that would be lost."""
    if not target.exists():
        return
    held = collect.read_costs(target)
    arms = held[held.budgets.notna()]  # users' own networks may be dropped
    lost = set(arms.arm + " " + arms.widths) - {subject.name for subject in subjects}
    if lost:
        raise ValueError(
            f"{target} holds {len(lost)} arms that this run does not measure, for example "
            f"{min(lost)}: measure every arm, or move the file away"
        )


def _rows(
    subjects: Sequence[Subject], recipe: Recipe, device: torch.device, rounds: int
) -> Iterator[dict[str, Any]]:
    """Yield one row per network, number of threads and batch size."""
    if device.type == "cuda":
        # ONNX Runtime runs on the CPU
        subjects = [subject for subject in subjects if not subject.is_onnx]
    cards = card.cards(subjects, device)
    every = torch.get_num_threads()
    for threads in (1, every) if device.type == "cpu" and every > 1 else (every,):
        torch.set_num_threads(threads)
        try:
            yield from _timed(subjects, cards, recipe, device, rounds)
        finally:
            torch.set_num_threads(every)


def _timed(
    subjects: Sequence[Subject],
    cards: dict[str, dict[str, Any]],
    recipe: Recipe,
    device: torch.device,
    rounds: int,
) -> Iterator[dict[str, Any]]:
    """Yield the rows for PyTorch's current number of threads."""
    before = roofline.rates(device, torch.float32)
    times = _times(subjects, device, rounds)
    training = counters.training_rates(
        card.trained(subjects, cards), SHAPE, recipe.batch, device, rounds
    )
    after = roofline.rates(device, torch.float32)
    # Maximum of both, because a ceiling measured in a busy moment would lie below the networks.
    rates = {name: max(before[name], after[name]) for name in before}
    best = max(rates["ceiling_matmul_tmacs"], rates["ceiling_conv_tmacs"]) * 1e12
    facts: dict[str, Any] = (
        provenance.machine()
        | {"device": device.type, "tf32": provenance.tf32(device)}
        | rates
        | _versions()
    )
    for subject in subjects:
        known = facts | cards[subject.name]
        if subject.name in training:
            known |= {"train_images_per_s": training[subject.name], "train_batch": recipe.batch}
        for size, measured in times[subject.name].items():
            row = known | {"batch": size} | measured
            if row["macs"] is not None:
                row["fraction_of_ceiling"] = row["images_per_s"] * row["macs"] / best
            yield row


def _times(
    subjects: Sequence[Subject], device: torch.device, rounds: int
) -> dict[str, dict[int, dict[str, float]]]:
    denoisers = {subject.name: subject.denoiser(device) for subject in subjects}
    noisy = torch.rand(max(SIZES), *SHAPE, generator=torch.Generator().manual_seed(0))
    label = f"{device.type}, {torch.get_num_threads()} threads"
    with tqdm(total=len(denoisers) * rounds, unit=" turns", desc=label, disable=None) as bar:
        return timing.measure(denoisers, noisy, SIGMA, device, SIZES, rounds, bar.update, LEAST)


def _versions() -> dict[str, Any]:
    return {
        name: value
        for name, value in provenance.describe().items()
        if name in ("protocol", "commit", "python")
    }
