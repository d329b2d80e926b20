"""`python -m bench rates`: train each arm at several learning rates; write learning-rates.csv."""

from __future__ import annotations

import argparse
import dataclasses
import shlex

import pandas as pd

from bench.commands import grid
from bench.schema import CURVES, LEARNING_RATES
from bench.sweep import executors, rates
from bench.sweep.backbones import BODIES
from bench.sweep.grid import Network
from bench.sweep.recipe import Recipe
from bench.sweep.run_folder import Store
from bench.sweep.work import Job
from bench.tables_io.frames import read_csv
from denoise import cli
from denoise.files.atomic import whole_file

KEY = ["body", "dataset", "arm", "widths", "lr", "seed", "images"]
"""Columns that identify a trial; a trial with a row is not trained again."""


def main(given: argparse.Namespace) -> None:
    """Train the missing trials, add a row to the table after each, and print the best rates."""
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
    frame = rates.table()
    made = set(frame[KEY].itertuples(index=False, name=None))
    waiting = [trial for trial in trials if _key(trial, recipe) not in made]
    Store(given.out, recipe).claim()
    done = (
        executors.processes(waiting, job, given.workers)
        if given.workers > 1
        else executors.here(waiting, job)
    )
    for number, trial in enumerate(done, 1):
        assert isinstance(trial, Network)  # no other cell was given
        row = pd.DataFrame([_row(trial, job)], columns=list(LEARNING_RATES))
        frame = pd.concat([frame, row]) if len(frame) else row
        with whole_file(rates.FILE) as partial:
            frame.to_csv(partial, index=False, float_format="%.6g")
        grid.log.info("%d/%d %s", number, len(waiting), trial.name)
    print(rates.best(frame).to_string(index=False))


def _key(trial: Network, recipe: Recipe) -> tuple[object, ...]:
    """Return the values of `KEY` of a trial."""
    widths = "x".join(map(str, trial.widths))
    return recipe.body, trial.dataset, trial.arm, widths, trial.lr, trial.seed, recipe.images


def _row(trial: Network, job: Job) -> dict[str, object]:
    """Return the row of a finished trial."""
    recipe = job.recipe
    (curve,) = read_csv(Store(job.folder, recipe).curve(trial.name), CURVES).to_dict("records")
    words = ["--datasets", trial.dataset, "--arms", trial.arm, "--seeds", str(trial.seed + 1)]
    words += ["--rates", f"{trial.lr:g}", *cli.words(recipe)]
    return {
        **{name: curve[name] for name in LEARNING_RATES if name in curve},
        **dict(zip(KEY, _key(trial, recipe), strict=True)),
        "command": shlex.join(["python", "-m", "bench", "rates", *words]),
    }
