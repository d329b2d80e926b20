"""Collection of a grid's working folder into the few result files that are committed.

RESULTS/recipe.json                      training settings of all networks
RESULTS/methods.csv                      one row per network or untrained method
RESULTS/curves.csv                       scores of each network by training length
RESULTS/scores-DATASET-CLIPPED.parquet   PSNR and SSIM per method, test corruption and image
RESULTS/weights-DATASET-CLIPPED-PART.safetensors   the networks (`denoise.inference.packed`)
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd

from bench.schema import CHECKERBOARD, COSTS, CURVES, METHODS, PROVENANCE, SCORES
from bench.sweep import budgets
from bench.sweep.backbones import BODIES
from bench.sweep.grid import Network, Selection
from bench.sweep.recipe import Recipe
from bench.sweep.run_folder import Store, read_scores
from bench.sweep.work import Cell, Untrained, cells
from bench.tables_io.frames import TYPES, read_csv, read_parquet
from denoise import datasets
from denoise.files import json_files
from denoise.files.atomic import whole_file
from denoise.inference import packed
from denoise.models import weights

log = logging.getLogger("bench")

TRAINED = {
    "images_seen": int,
    "seconds": float,
    "run_on": dict,
    "validation_psnr": dict[str, float | None],
}
SEED = re.compile(r"(.+)-s(0|[1-9][0-9]{0,9})", re.ASCII)  # name of a network: stem and seed
TEST = ["dataset", "noise", "clipped", "sigma", "draw"]  # columns that identify a test condition
# of an image's score in the committed files; a mean keeps two more
DECIMALS = {"psnr_db": 2, "ssim": 4}


def collect(source: Path, target: Path, recipe: Recipe) -> pd.DataFrame:
    """Copy finished results from `source` to `target`; return the methods with a `missing` column.

    If an error is raised, `target` is not changed.

    Raises
    ------
    ValueError
        A file of `source` is malformed, or belongs to other weights or another protocol. Or
        `target` holds results of another recipe, or more results than `source`.
    """
    store = Store(source, recipe)
    held = Store(target, recipe).folder / "methods.csv"
    rows: list[dict[str, Any]] = []
    parts: dict[tuple[str, bool], list[pd.DataFrame]] = {}
    for cell in _cells(store):
        row, scores = _found(cell, store)
        rows.append(row)
        if scores:
            parts.setdefault((cell.dataset, cell.clip), []).extend(scores)
    methods = pd.DataFrame(rows)
    if held.exists():
        _refuse_to_lose_results(_read_methods(held), methods, target)
    _write(methods, parts, store, target)
    return methods


def _cells(store: Store) -> list[Cell]:
    """List every cell that the folder may hold: planned ones, and further ones found on disk."""
    # a name that begins with a dot is an unfinished write
    files = (store.folder / "scores").glob("*/[!.]*.parquet")
    stems = {path.stem: path for path in files}
    others = {stem.partition("-")[0] for stem in stems}
    planned = BODIES[store.recipe.body].datasets
    sets = dict.fromkeys(
        (*planned, *(name for name in datasets.DATASETS.names() if name in others))
    )
    plan = Selection(datasets=tuple(sets))
    chosen = dataclasses.replace(plan, budgets=tuple(budgets.BUDGETS))
    first = {cell.name for cell in dataclasses.replace(chosen, seeds=1).networks(store.recipe)}
    seeds = {
        int(name[2])
        for stem in stems
        if (name := SEED.fullmatch(stem)) and f"{name[1]}-s0" in first
    }
    more = tuple(sorted(seed for seed in seeds if seed >= Selection.seeds))
    found = cells(dataclasses.replace(chosen, more_seeds=more), store.recipe)
    if strange := sorted(stems.keys() - {cell.name for cell in found}):
        log.warning(
            "skipped: %d files that are no cell of this recipe, for example %s",
            len(strange),
            stems[strange[0]],
        )
    expected = {cell.name for cell in cells(plan, store.recipe)}
    return [cell for cell in found if cell.name in expected | stems.keys()]


def _found(cell: Cell, store: Store) -> tuple[dict[str, Any], list[pd.DataFrame]]:
    """Return the row of a cell and its scores, one table per suite on disk."""
    digest, row, path = None, _row(cell, store.recipe), store.weights(cell.name)
    suites = sorted(
        path.parent.name for path in (store.folder / "scores").glob(f"*/{cell.name}.parquet")
    )
    if suites and isinstance(cell, Network):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    parts, versions = [], []
    for suite in sorted(suites, key=lambda name: name != "own"):
        file = store.scores(suite, cell.name)
        scores, facts = read_scores(file)
        if facts["weights_sha256"] != digest:
            raise ValueError(
                f"{file}: scores of other weights than {path}: remove the scores to score again"
            )
        parts.append(scores.assign(method=cell.name))
        versions.append({name: facts[name] for name in PROVENANCE})
    if digest:
        row |= _trained(path)
    protocols = {version["protocol"] for version in versions}
    if len(protocols) > 1:
        raise ValueError(
            f"{cell.name} was scored under several protocols ({', '.join(protocols)}): "
            "remove its scores and run the grid again"
        )
    tests = sum(len(part[TEST].drop_duplicates()) for part in parts)
    row |= {"missing": not suites, "tests": tests or None, "weights_sha256": digest}
    return row | _joined(versions), parts


def _joined(versions: list[dict[str, Any]]) -> dict[str, str]:
    """Join the provenance of a cell's suites, each value once.

    Suites may have been scored at different times.
    """
    return {
        name: " ".join(dict.fromkeys(str(version[name]) for version in versions))
        for name in PROVENANCE
        if versions
    }


def _refuse_to_lose_results(held: pd.DataFrame, new: pd.DataFrame, target: Path) -> None:
    """Raise ValueError if `target` holds results that the new ones lack."""
    both = (
        held.set_index("method")
        .tests.fillna(0)
        .to_frame("held")
        .join(new.set_index("method").tests.fillna(0))
    )
    lost = both[~(both.tests >= both.held)]
    if len(lost):
        raise ValueError(
            f"{target} has more results of {len(lost)} methods than the grid, for example "
            f"{lost.index[0]}: give another --results, or remove the folder first"
        )


def _row(cell: Cell, recipe: Recipe) -> dict[str, Any]:
    known = {"method": cell.name, "dataset": cell.dataset, "clipped": cell.clip}
    if isinstance(cell, Untrained):
        return known | {"arm": cell.method}
    return known | {
        "arm": cell.arm,
        "widths": "x".join(map(str, cell.widths)),
        "budgets": " ".join(budgets.names(cell.arm, cell.widths, recipe)),
        "seed": cell.seed,
        "parameters": budgets.cost(cell.arm, "parameters", recipe.width, cell.widths, recipe.body),
        "macs": budgets.cost(cell.arm, "macs", recipe.width, cell.widths, recipe.body),
    }


def _trained(path: Path) -> dict[str, Any]:
    """Read training facts from the card of weights; raise ValueError if a file is damaged."""
    _, card = weights.read(path)
    file = str(path.with_suffix(".json"))
    json_files.check(card, TRAINED, file, needed=TRAINED)
    json_files.check(
        card["run_on"], {"device": str, "precision": str}, file, needed=("device", "precision")
    )
    scores = [math.nan if score is None else score for score in card["validation_psnr"].values()]
    return {
        "images_seen": card["images_seen"],
        "train_seconds": card["seconds"],
        "train_device": card["run_on"]["device"],
        "train_precision": card["run_on"]["precision"],
        "validation_psnr_db": sum(scores) / len(scores) if scores else math.nan,
    }


def _write(
    methods: pd.DataFrame,
    parts: dict[tuple[str, bool], list[pd.DataFrame]],
    store: Store,
    target: Path,
) -> None:
    for (dataset, clip), parted in parts.items():
        scores = pd.concat(parted, ignore_index=True).round(DECIMALS)
        with whole_file(scores_file(target, dataset, clip)) as partial:
            scores[list(SCORES)].to_parquet(partial, compression="zstd", index=False)
    trained = methods[~methods.missing & methods.seed.notna()]
    for (dataset, clip), rows in trained.groupby(["dataset", "clipped"], sort=False):
        files = [store.weights(name) for name in rows.method]
        packed.write(files, target, f"weights-{dataset}-{_clamping(bool(clip))}")
    # a network whose run was killed before its last step has no curve yet
    files = [path for name in trained.method if (path := store.curve(name)).exists()]
    curves = [read_csv(path, CURVES) for path in files]
    with whole_file(target / "curves.csv") as partial:
        whole = pd.concat([pd.DataFrame(columns=list(CURVES)), *curves])
        whole.to_csv(partial, index=False, float_format="%.6g")
    with whole_file(target / "methods.csv") as partial:
        whole = methods.reindex(columns=list(METHODS)).astype(
            {k: v for k, v in TYPES.items() if k in METHODS}
        )
        whole.to_csv(partial, index=False, float_format="%.6g")
    store.recipe.write(target)


def scores_file(folder: Path, dataset: str, clip: bool) -> Path:
    """Return the path of the scores of all methods trained on (dataset, clipped or not)."""
    return folder / f"scores-{dataset}-{_clamping(clip)}.parquet"


def _clamping(clip: bool) -> str:
    return "clipped" if clip else "unclipped"


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the methods and the scores of collected results.

    Raises
    ------
    ValueError
        A file is missing, truncated or of another schema, or methods and scores do not match. The
        message names the file, and the file is not changed.
    """
    methods = _read_methods(folder / "methods.csv")
    there = methods[~methods.missing]
    parts = [
        read_parquet(scores_file(folder, *key), SCORES)
        for key in dict.fromkeys(zip(there.dataset, there.clipped, strict=True))
    ]
    scores = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(SCORES))
    apart = sorted(set(there.method) ^ set(scores.method.unique()))
    if apart:
        raise ValueError(
            f"{folder}: methods.csv and the scores have different methods ({len(apart)} differ, "
            f"for example {apart[0]}): a file is truncated or of another run; no file is changed"
        )
    return methods, scores


def _read_methods(path: Path) -> pd.DataFrame:
    methods = read_csv(path, METHODS)
    if len(twice := methods.method[methods.method.duplicated()]):
        raise ValueError(f"{path}: two rows of {twice.iloc[0]}; the file is not changed")
    return methods


def read_costs(path: Path) -> pd.DataFrame:
    """Read a cost card: every network at every number of threads and batch size.

    Raises
    ------
    ValueError
        As `read_csv`, or rows are missing.
    """
    frame = read_csv(path, COSTS)
    _refuse_gaps(
        frame.arm + " " + frame.widths.fillna(""),
        frame.cpu_threads.astype(str) + " " + frame.batch.astype(str),
        path,
    )
    return frame


def read_meters(path: Path) -> pd.DataFrame:
    """Read the checkerboard metrics of every network, before and after training.

    Raises
    ------
    ValueError
        As `read_csv`, or rows are missing.
    """
    frame = read_csv(path, CHECKERBOARD)
    _refuse_gaps(frame.method, frame.when, path)
    return frame


def _refuse_gaps(networks: pd.Series, conditions: pd.Series, path: Path) -> None:
    """Raise ValueError if a network lacks a condition.

    A file truncated at the end of a row is still valid CSV.
    """
    counts = pd.crosstab(networks, conditions)
    odd = counts[(counts != 1).any(axis=1)]
    if len(odd):
        raise ValueError(
            f"{path}: {odd.index[0].strip()} has missing or repeated rows: the file is truncated; "
            "the file is not changed"
        )
