"""`python -m bench grid`: train and score every network of the comparison, and go on where a run was stopped."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator, Sequence

from bench import engines, work
from bench.budgets import BUDGETS
from bench.grid import DATASETS, Network, Selection, suites
from bench.recipe import Recipe
from bench.store import Store
from bench.work import Cell, Job, Untrained
from denoise import commandline, datasets, weights
from denoise.classical import DENOISERS
from denoise.decoders import DECODERS
from denoise.registry import UnknownName, unknown

log = logging.getLogger("bench")
PROBE_STEPS = 6  # training steps behind an estimate of the time, of which the first two do not count


def main(given: argparse.Namespace) -> None:
    if (given.address and given.engine == "local") or (given.workers > 1 and given.engine == "ray"):
        raise ValueError("--workers belongs to --engine local, --address to --engine ray")
    recipe: Recipe = commandline.from_options(given, Recipe)
    chosen = selection(given)
    job = Job(recipe, given.out, given.data_root)
    cells = [cell for cell in _cells(chosen, recipe, job) if given.only in (None, cell.name)]
    if given.only and not cells:
        raise UnknownName(f"no cell {given.only!r} in this selection; --dry-run lists them")
    waiting = [cell for cell in cells if not work.is_done(cell, job)]
    if given.dry_run:
        _announce(cells, waiting, job)
        return
    Store(given.out, recipe).claim()
    log.info("%d cells, %d of them done already (%s)", len(cells), len(cells) - len(waiting), given.out)
    for _ in _told(waiting, _engine(given, waiting, job)):
        pass


def selection(given: argparse.Namespace) -> Selection:
    """The part of the grid that the options name."""
    for kind, names, valid in (
        ("dataset", given.datasets, DATASETS),
        ("decoder", given.decoders, DECODERS.names()),
        ("budget", given.budgets, list(BUDGETS)),
    ):
        for name in names or ():
            if name not in valid:
                raise UnknownName(unknown(kind, name, list(valid)))
    if given.seeds < 1:
        raise ValueError(f"--seeds is {given.seeds}; it must be at least 1")
    clipped = {"clipped": (True,), "unclipped": (False,), "both": (True, False)}[given.noise]
    return Selection(
        tuple(given.datasets or DATASETS),
        clipped,
        tuple(given.decoders or DECODERS.names()),
        tuple(given.budgets or BUDGETS),
        given.seeds,
    )


def _cells(chosen: Selection, recipe: Recipe, job: Job) -> list[Cell]:
    """Methods without training first: they are quick. What has no data is said and left out."""
    missing = {}
    for name in chosen.datasets:
        try:
            datasets.load(name, "test", job.root)
        except datasets.MissingData as error:
            missing[name] = error
            log.warning("left out: %s", error)
    untrained = [
        Untrained(dataset, clip, method)
        for clip in chosen.clipped
        for dataset in chosen.datasets
        for method in DENOISERS.names()
    ]
    return [cell for cell in [*untrained, *chosen.networks(recipe)] if cell.dataset not in missing]


def _engine(given: argparse.Namespace, waiting: Sequence[Cell], job: Job) -> Iterator[Cell]:
    if given.engine == "ray":
        from bench import ray_engine

        return ray_engine.cluster(waiting, job, given.address)
    if given.workers > 1:
        return engines.processes(waiting, job, given.workers)
    return engines.here(waiting, job)


def _told(waiting: Sequence[Cell], done: Iterator[Cell]) -> Iterator[Cell]:
    """Say each cell that is done, with the time that the rest will take at the pace of those so far."""
    began = time.monotonic()
    networks = sum(isinstance(cell, Network) for cell in waiting)
    trained = 0
    for number, cell in enumerate(done, 1):
        trained += isinstance(cell, Network)
        left = ""
        if trained and trained < networks:
            seconds = (time.monotonic() - began) / trained * (networks - trained)
            left = f", about {_time(seconds)} left"
        log.info("%d/%d %s%s", number, len(waiting), cell.name, left)
        yield cell


def _announce(cells: Sequence[Cell], waiting: Sequence[Cell], job: Job) -> None:
    """List the cells, and estimate the time of those that are not done from a few steps of each kind of network."""
    undone = {cell.name for cell in waiting}
    for cell in cells:
        print(f"{'to do' if cell.name in undone else 'done '}  {cell.name}")
    networks = [cell for cell in waiting if isinstance(cell, Network)]
    rates = {shape: _rate(network, job.recipe) for shape, network in {_shape(n): n for n in networks}.items()}
    seconds = sum(job.recipe.images / rates[_shape(network)] for network in networks)
    conditions = sum(len(tests) for suite, tests in suites("mnist", True).items() if suite in job.suites)
    print(
        f"{len(cells)} cells, {len(waiting)} to do: {len(networks)} trainings of {job.recipe.images:,} pictures, "
        f"{conditions} test conditions each; about {_time(seconds)} of training in one process on this machine"
    )


def _shape(network: Network) -> tuple[str, tuple[int, ...]]:
    return network.decoder, network.widths


def _rate(network: Network, recipe: Recipe) -> float:
    """Training pictures a second, from a few steps."""
    from bench.costs import training_rate

    return training_rate(weights.build(network.settings(recipe).network()), (1, 28, 28), recipe.batch, PROBE_STEPS)


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
