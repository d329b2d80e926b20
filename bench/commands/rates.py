"""`python -m bench rates`: train each arm at several learning rates; write learning-rates.csv."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Iterator

import pandas as pd

from bench.commands import grid
from bench.schema import CURVES, LEARNING_RATES
from bench.sweep import executors, rates, work
from bench.sweep.backbones import BODIES
from bench.sweep.grid import Network
from bench.sweep.recipe import Recipe
from bench.sweep.run_folder import Store
from bench.sweep.work import Job
from bench.tables_io.frames import read_csv
from denoise import cli
from denoise.files.atomic import whole_file


def main(given: argparse.Namespace) -> None:
    """Train the missing trials, add their rows to the table, and print the best rates."""
    recipe: Recipe = cli.from_options(given, Recipe)
    job = Job(recipe, given.out, given.data_root, suites=())
    body = BODIES[recipe.body]
    chosen = dataclasses.replace(
        grid.selection(given), clipped=body.clipped[:1], budgets=body.budgets[:1]
    )
    trials = [
        dataclasses.replace(network, lr=rate)
        for network in chosen.networks(recipe)
        for rate in given.rates
    ]
    Store(given.out, recipe).claim()
    waiting = [trial for trial in trials if not work.is_done(trial, job)]
    done = (
        executors.processes(waiting, job, given.workers)
        if given.workers > 1
        else executors.here(waiting, job)
    )
    for number, trial in enumerate(done, 1):
        grid.log.info("%d/%d %s", number, len(waiting), trial.name)
    rows = pd.DataFrame(_rows(trials, job), columns=list(LEARNING_RATES))
    held = rates.table()
    kept = held[~held.weights_sha256.isin(rows.weights_sha256)]
    frame = pd.concat([kept, rows]) if len(kept) else rows
    with whole_file(rates.FILE) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")
    print(rates.best(frame).to_string(index=False))


def _rows(trials: list[Network], job: Job) -> Iterator[dict[str, object]]:
    recipe = job.recipe
    for trial in trials:
        (curve,) = read_csv(Store(job.folder, recipe).curve(trial.name), CURVES).to_dict("records")
        words = ["--datasets", trial.dataset, "--arms", trial.arm, "--seeds", str(trial.seed + 1)]
        words += ["--rates", f"{trial.lr:g}", *cli.words(recipe)]
        yield {
            **{name: curve[name] for name in LEARNING_RATES if name in curve},
            "body": recipe.body,
            "dataset": trial.dataset,
            "arm": trial.arm,
            "widths": "x".join(map(str, trial.widths)),
            "lr": trial.lr,
            "seed": trial.seed,
            "command": shlex.join(["python", "-m", "bench", "rates", *words]),
        }
