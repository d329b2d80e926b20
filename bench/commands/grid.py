"""`python -m bench grid`: train and score every network of the comparison; resume a stopped run."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import counters
from bench.sweep import executors, work
from bench.sweep.backbones import BODIES
from bench.sweep.budgets import BUDGETS, SHAPE
from bench.sweep.grid import Network, Selection, suites
from bench.sweep.recipe import Recipe
from bench.sweep.run_folder import Store
from bench.sweep.work import Cell, Job
from denoise import cli, datasets
from denoise.decoders import DECODERS
from denoise.models import weights
from denoise.registry import UnknownName, unknown
from denoise.train import distributed

log = logging.getLogger("bench")


def main(given: argparse.Namespace) -> None:
    """Train and score the selected cells; with --dry-run, list the cells and estimate the time."""
    if (given.address and given.engine == "local") or (given.workers > 1 and given.engine == "ray"):
        raise ValueError("--workers needs --engine local, and --address needs --engine ray")
    recipe: Recipe = cli.from_options(given, Recipe)
    chosen, tests = selection(given), BODIES[recipe.body].tests
    trained_on = [dataset for _, dataset in chosen.pairs(recipe)]
    sets, left_out = present((*trained_on, *tests), given.data_root)
    job = Job(
        recipe, given.out, given.data_root, sets=tuple(name for name in tests if name in sets)
    )
    cells = [
        cell
        for cell in work.cells(chosen, recipe)
        if cell.dataset in sets and given.only in (None, cell.name)
    ]
    for line in left_out:
        log.warning(line)
    if not cells:
        what = (
            f"no cell {given.only!r} in this selection"
            if given.only
            else "none of the requested datasets is available"
        )
        raise UnknownName(f"{what}; --dry-run lists the cells")
    for cell in cells:
        if isinstance(cell, Network):
            cell.settings(recipe)  # rejects an invalid recipe before its folder is created
    waiting = [cell for cell in cells if not work.is_done(cell, job)]
    if given.dry_run:
        _announce(cells, waiting, job)
        return
    Store(given.out, recipe).claim()
    log.info("%d cells, %d already done (%s)", len(cells), len(cells) - len(waiting), given.out)
    for _ in _logged(waiting, _executor(given, waiting, job), job):
        pass


def selection(given: argparse.Namespace) -> Selection:
    """Convert the options to a part of the grid.

    Raises
    ------
    UnknownName
        A dataset, arm or budget does not exist; the message lists the valid ones.
    ValueError
        `--seeds` is below 1.
    """
    body = BODIES[given.body]
    for kind, names, valid in (
        ("arm", given.arms, body.arms),
        ("budget", given.budgets, tuple(BUDGETS)),
    ):
        for name in names or ():
            if name not in valid and name not in DECODERS:
                raise UnknownName(unknown(kind, name, list(valid)))
    if given.seeds < 1:
        raise ValueError(f"--seeds is {given.seeds}; it must be at least 1")
    return Selection(
        tuple(datasets.DATASETS[name].name for name in given.datasets or ()),
        {"clipped": (True,), "unclipped": (False,), "both": ()}[given.noise],
        tuple(DECODERS[name].name if name in DECODERS else name for name in given.arms or ()),
        tuple(given.budgets or ()),
        given.seeds,
    )


def present(names: Sequence[str], root: Path | None) -> tuple[set[str], list[str]]:
    """Return the available datasets, and one line for each missing one."""
    there, left_out = set(), []
    for name in dict.fromkeys(names):
        try:
            datasets.load(name, "test", root)
            there.add(name)
        except datasets.MissingData as error:
            left_out.append(f"skipped: {error}")
    return there, left_out


def _executor(given: argparse.Namespace, waiting: Sequence[Cell], job: Job) -> Iterator[Cell]:
    if given.engine == "ray":
        from bench.sweep import ray_executor

        return ray_executor.cluster(waiting, job, given.address)
    if given.workers > 1:
        return executors.processes(waiting, job, given.workers)
    return executors.here(waiting, job)


def _logged(waiting: Sequence[Cell], done: Iterator[Cell], job: Job) -> Iterator[Cell]:
    """Log each finished cell, with the remaining time estimated from the mean training time."""
    began = time.monotonic()
    trainings = _untrained(waiting, job)
    trained = 0
    for number, cell in enumerate(done, 1):
        trained += cell in trainings
        left = ""
        if trained and trained < len(trainings):
            seconds = (time.monotonic() - began) / trained * (len(trainings) - trained)
            left = f", about {_time(seconds)} left"
        log.info("%d/%d %s%s", number, len(waiting), cell.name, left)
        yield cell


def _untrained(cells: Sequence[Cell], job: Job) -> list[Network]:
    """List the networks whose weights are missing; scoring alone takes seconds."""
    store = Store(job.folder, job.recipe)
    return [cell for cell in cells if isinstance(cell, Network) and not store.trained(cell.name)]


def _announce(cells: Sequence[Cell], waiting: Sequence[Cell], job: Job) -> None:
    """Print the cells, and the time estimated from a few training steps of each architecture."""
    undone = {cell.name for cell in waiting}
    for cell in cells:
        print(f"{'to do' if cell.name in undone else 'done '}  {cell.name}")
    networks = _untrained(waiting, job)
    kinds = {
        _shape(network): weights.build(network.settings(job.recipe).network())
        for network in networks
    }
    side = BODIES[job.recipe.body].training.get("patch")
    shape = (1, side, side) if side else SHAPE
    rates = counters.training_rates(kinds, shape, job.recipe.batch, distributed.Alone().device)
    seconds = sum(job.recipe.images / rates[_shape(network)] for network in networks)
    first = next((network for network in networks), None)
    per_network = suites(first.dataset, first.clip, job.recipe.body, job.sets) if first else {}
    conditions = sum(len(tests) for tests in per_network.values())
    print(
        f"{len(cells)} cells, {len(waiting)} to do: {len(networks)} trainings of "
        f"{job.recipe.images:,} images, {conditions} test conditions each; "
        f"about {_time(seconds)} of training in one process on this machine"
    )


def _shape(network: Network) -> str:
    """Return the key of a network's training time: the arm and its channels."""
    return f"{network.arm} {network.widths}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
