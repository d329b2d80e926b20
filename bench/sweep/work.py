"""Execution of one grid cell: train missing weights, compute missing scores.

A cell is one trained network, or one untrained method on one dataset. Every file is written
atomically, so a killed run resumes from the files on disk. One lock per cell keeps two runs in one
folder apart.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import filelock
import pandas as pd
from torch import Tensor

from bench import provenance
from bench.schema import CURVES
from bench.scoring import quality
from bench.sweep.backbones import BODIES
from bench.sweep.grid import Network, Selection, Test, suites
from bench.sweep.recipe import Recipe
from bench.sweep.run_folder import Store, read_scores, write_scores
from bench.sweep.trained_weights import obtain
from denoise import cli, datasets
from denoise.classical import DENOISERS
from denoise.files.atomic import whole_file
from denoise.inference import engine
from denoise.train.run import Diverged

# test images of the suite `own` and of every other suite, evenly spaced
OWN_PICTURES, OTHER_PICTURES = 2_000, 500
OTHER_PHOTOGRAPHS = 20  # photographs in every other suite, each with about the pixels of 200 digits
WIDELY_TESTED = 3  # seeds of an arm that are scored in other suites than `own`
EVERY = 1_000  # steps between checkpoints
VALIDATION = 1_000  # validation images behind the validation scores of a card


@dataclasses.dataclass(frozen=True)
class Job:
    """Settings that a worker needs to execute cells, on this machine or on another.

    `sets` names the available datasets; every network is tested on each. `suites` names the suites
    to score, all by default.
    """

    recipe: Recipe
    folder: Path
    root: Path | None
    suites: tuple[str, ...] | None = None
    sets: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Untrained:
    """Untrained method (a floor or a classical method) on one dataset."""

    dataset: str
    clip: bool
    method: str

    @property
    def name(self) -> str:
        """Name that is unique within a recipe, formed like a network's."""
        return f"{self.dataset}-{'clipped' if self.clip else 'unclipped'}-{self.method}"


Cell = Network | Untrained


def cells(selection: Selection, recipe: Recipe) -> list[Cell]:
    """List the cells of a selection: untrained methods, which are fast, then the networks."""
    untrained = [
        Untrained(dataset, clip, method)
        for clip, dataset in selection.pairs(recipe)
        for method in DENOISERS.names()
    ]
    return [*untrained, *selection.networks(recipe)]


def is_done(cell: Cell, job: Job) -> bool:
    """Return True if every file of the cell exists."""
    store = Store(job.folder, job.recipe)
    trained = isinstance(cell, Untrained) or store.curve(cell.name).exists()
    return trained and all(store.scores(suite, cell.name).exists() for suite in _suites(cell, job))


def files(cell: Cell, job: Job) -> list[Path]:
    """List every file of the cell in the order in which the files are written."""
    store = Store(job.folder, job.recipe)
    scores = [store.scores(suite, cell.name) for suite in _suites(cell, job)]
    if isinstance(cell, Untrained):
        return scores
    weights = store.weights(cell.name)
    return [weights, weights.with_suffix(".json"), *scores, store.curve(cell.name)]


def checkpoint(cell: Cell, job: Job) -> Path:
    """Return the path of the checkpoint, which exists only if training was interrupted."""
    return Store(job.folder, job.recipe).weights(cell.name).with_suffix(".checkpoint.safetensors")


def run(cell: Cell, job: Job) -> bool:
    """Execute one cell; return False without work if another run holds its lock."""
    store = Store(job.folder, job.recipe)
    try:
        with store.lock(cell.name).acquire(blocking=False):
            denoiser = _trained(cell, store, job) if isinstance(cell, Network) else None
            for suite, tests in _suites(cell, job).items():
                if not store.scores(suite, cell.name).exists():
                    _score(cell, denoiser, suite, tests, store, job)
            if isinstance(cell, Network) and not store.curve(cell.name).exists():
                _write_curve(cell, store, job)
    except filelock.Timeout:
        return False
    except Diverged:
        if not (isinstance(cell, Network) and cell.lr):
            raise
        # a trial at a rate that is too high is a result: it has no score
        _save_curve(cell, [{"images": job.recipe.images}], store)
    return True


def _suites(cell: Cell, job: Job) -> dict[str, list[Test]]:
    found = suites(cell.dataset, cell.clip, job.recipe.body, job.sets)
    if isinstance(cell, Untrained) and DENOISERS[cell.method].facts["told_sigma"]:
        # the method takes sigma as an input, which the other noises do not have
        return {"own": found["own"]}
    asked = {*found} if job.suites is None else {*job.suites}
    if isinstance(cell, Network) and cell.seed >= WIDELY_TESTED:
        asked &= {"own"}
    return {suite: tests for suite, tests in found.items() if suite in asked}


def _trained(network: Network, store: Store, job: Job) -> engine.Denoiser:
    settings = network.settings(job.recipe)
    return obtain(
        store.weights(network.name),
        settings,
        job.root,
        EVERY,
        validation=VALIDATION,
        show=False,
        lengths=network.shorter(job.recipe),
    )


def _write_curve(network: Network, store: Store, job: Job) -> None:
    """Write the scores of every training length; a cell that is not scored has no test scores."""
    tests, rows = _suites(network, job).get("own", []), list[dict[str, Any]]()
    for length, name in {**network.shorter(job.recipe), job.recipe.images: network.name}.items():
        denoiser = engine.load(store.weights(name), precision="float32")
        if name == network.name and tests:
            scores, _ = read_scores(store.scores("own", name))
        else:
            scores = _scores(name, _estimate(denoiser), tests, OWN_PICTURES, job)
        rows.append(
            {
                "images": length,
                "validation_psnr_db": mean(denoiser.card["validation_psnr"].values()),
                "psnr_db": scores.psnr_db.mean(skipna=False),
                "ssim": scores.ssim.mean(skipna=False),
                "weights_sha256": denoiser.card["sha256"],
            }
        )
    _save_curve(network, rows, store)


def _save_curve(network: Network, rows: list[dict[str, Any]], store: Store) -> None:
    facts = {"method": network.name, **provenance.describe()}
    frame = pd.DataFrame([facts | row for row in rows]).reindex(columns=list(CURVES))
    with whole_file(store.curve(network.name)) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")


def _score(
    cell: Cell,
    denoiser: engine.Denoiser | None,
    suite: str,
    tests: list[Test],
    store: Store,
    job: Job,
) -> None:
    if denoiser is None:
        assert isinstance(cell, Untrained)
        estimate = DENOISERS[cell.method].build(datasets.load(cell.dataset, "train", job.root))
    else:
        estimate = _estimate(denoiser)
    others = OTHER_PHOTOGRAPHS if BODIES[job.recipe.body].photographic else OTHER_PICTURES
    scores = _scores(cell.name, estimate, tests, OWN_PICTURES if suite == "own" else others, job)
    facts = {
        **provenance.describe(),
        "method": cell.name,
        "suite": suite,
        "weights_sha256": denoiser.card["sha256"] if denoiser else None,
        "command": command(cell, job.recipe),
    }
    write_scores(store.scores(suite, cell.name), scores, facts)


def _estimate(denoiser: engine.Denoiser) -> Callable[[Tensor, float], Tensor]:
    return lambda noisy, sigma: denoiser.estimate(noisy)


def _scores(
    name: str,
    estimate: Callable[[Tensor, float], Tensor],
    tests: list[Test],
    count: int,
    job: Job,
) -> pd.DataFrame:
    """Score a method under each test condition on `count` test images, evenly spaced."""
    parts = [pd.DataFrame(columns=["psnr_db", "ssim"], dtype=float)] if not tests else []
    for test in tests:
        pictures = datasets.load(test.dataset, "test", job.root).spread(count)
        scores = quality.score({name: estimate}, pictures, test.corruption)
        parts.append(scores.assign(dataset=test.dataset, split="test", **_condition(test)))
    return pd.concat(parts)


def _condition(test: Test) -> dict[str, Any]:
    corruption = test.corruption
    return {
        "noise": corruption.noise,
        "clipped": corruption.clip,
        "sigma": corruption.sigma,
        "draw": corruption.draw,
    }


def command(cell: Cell, recipe: Recipe) -> str:
    """Return the command that computes the rows of this cell."""
    words = ["python", "-m", "bench", "grid", "--datasets", cell.dataset, "--only", cell.name]
    if isinstance(cell, Network) and cell.seed > 2:
        words += ["--seeds", str(cell.seed + 1)]
    return shlex.join([*words, *cli.words(recipe)])
