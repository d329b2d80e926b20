"""From a grid's folder of many small files to the results that are committed and read.

RESULTS/recipe.json                     how all networks were trained
RESULTS/methods.csv                     a row a network or untrained method: what it is, what made it
RESULTS/scores-DATASET-CLIPPED.parquet  PSNR and SSIM of each picture: a row a method, test corruption and picture
RESULTS/weights/NAME.safetensors        the networks, with their cards
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from bench import budgets, columns
from bench.columns import METHODS, SCORES
from bench.grid import DATASETS, Network, Selection
from bench.recipe import Recipe
from bench.store import Store, read_scores
from bench.work import PICTURES, Cell, Untrained, cells
from denoise import datasets, weights
from denoise.files import whole_file

TYPES = {"levels": "string", "widths": "string"} | dict.fromkeys(("seed", "parameters", "macs", "images_seen"), "Int64")
MOST_SEEDS = 5
DECIMALS = {"psnr_db": 2, "ssim": 4}  # of a picture's score in the committed files: a mean keeps two digits more


def collect(source: Path, target: Path, recipe: Recipe) -> pd.DataFrame:
    """Copy what is finished in `source` to `target`; returns the methods with a `missing` column.

    Raises
    ------
    ValueError
        A file of `source` is not whole, or belongs to other weights; `target` is left as it was.
    """
    store = Store(source, recipe)
    rows, parts = [], {}
    for cell in _cells(store):
        suites = [suite for suite in PICTURES if store.scores(suite, cell.name).exists()]
        row = _row(cell, recipe) | {"missing": not suites}
        for suite in suites:
            scores, facts = read_scores(store.scores(suite, cell.name))
            row |= {name: value for name, value in facts.items() if name not in ("method", "suite")}
            parts.setdefault((cell.dataset, cell.clip), []).append(scores.assign(method=cell.name))
        if suites and isinstance(cell, Network):
            row |= _trained(cell, store, row["weights_sha256"])
        rows.append(row)
    methods = pd.DataFrame(rows)
    _write(methods, parts, store, target)
    return methods


def _cells(store: Store) -> list[Cell]:
    """Every cell that the folder may hold: the grid's own datasets, and others that were asked for by name."""
    stems = {path.stem.partition("-")[0] for path in (store.folder / "scores").glob("*/*.parquet")}
    sets = dict.fromkeys((*DATASETS, *(name for name in datasets.DATASETS.names() if name in stems)))
    return cells(Selection(datasets=tuple(sets), seeds=MOST_SEEDS), store.recipe, possible=True)


def _row(cell: Cell, recipe: Recipe) -> dict[str, Any]:
    known = {"method": cell.name, "dataset": cell.dataset, "clipped": cell.clip}
    if isinstance(cell, Untrained):
        return known | {"arm": cell.method}
    return known | {
        "arm": cell.arm,
        "widths": "x".join(map(str, cell.widths)),
        "budgets": " ".join(budgets.names(cell.arm, cell.widths, recipe.width, recipe.depth)),
        "seed": cell.seed,
        "parameters": budgets.cost(cell.arm, "parameters", recipe.width, cell.widths),
        "macs": budgets.cost(cell.arm, "macs", recipe.width, cell.widths),
    }


def _trained(network: Network, store: Store, scored: str) -> dict[str, Any]:
    path = store.weights(network.name)
    _, card = weights.read(path)
    if card["sha256"] != scored:
        raise ValueError(f"{path} is not what was scored ({scored[:12]}): remove its scores to score anew")
    return {
        "images_seen": card["images_seen"],
        "train_seconds": card["seconds"],
        "train_device": card["run_on"]["device"],
        "train_precision": card["run_on"]["precision"],
        "validation_psnr_db": sum(card["validation_psnr"].values()) / len(card["validation_psnr"]),
    }


def _write(
    methods: pd.DataFrame, parts: dict[tuple[str, bool], list[pd.DataFrame]], store: Store, target: Path
) -> None:
    for (dataset, clip), frames in parts.items():
        scores = pd.concat(frames, ignore_index=True).round(DECIMALS)
        with whole_file(scores_file(target, dataset, clip)) as partial:
            scores[list(SCORES)].to_parquet(partial, compression="zstd", index=False)
    for name in methods[~methods.missing & methods.seed.notna()].method:
        for path in (store.weights(name), store.weights(name).with_suffix(".json")):
            with whole_file(target / "weights" / path.name) as partial:
                shutil.copyfile(path, partial)
    with whole_file(target / "methods.csv") as partial:
        whole = methods.reindex(columns=list(METHODS)).astype({k: v for k, v in TYPES.items() if k in METHODS})
        whole.to_csv(partial, index=False, float_format="%.6g")
    with whole_file(target / "recipe.json") as partial:
        shutil.copyfile(store.folder / "recipe.json", partial)


def scores_file(folder: Path, dataset: str, clip: bool) -> Path:
    """Where the scores of every method trained on (dataset, clipped or not) lie."""
    return folder / f"scores-{dataset}-{'clipped' if clip else 'unclipped'}.parquet"


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The methods and the scores of collected results.

    Raises
    ------
    ValueError
        There are none, or a file is cut short or of another schema: it is named and left alone.
    """
    methods = read_csv(folder / "methods.csv", METHODS)
    there = methods[~methods.missing]
    parts = [
        _read_scores(scores_file(folder, *key)) for key in dict.fromkeys(zip(there.dataset, there.clipped, strict=True))
    ]
    return methods, pd.concat(parts, ignore_index=True)


def read_csv(path: Path, schema: dict[str, str]) -> pd.DataFrame:
    """A CSV of the results.

    Raises
    ------
    ValueError
        It is missing, cut short or of another schema: it is named and left alone.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file; `python -m bench --help` says which command makes it")
    try:
        whole = path.read_bytes().endswith(b"\n")
        frame = pd.read_csv(path, dtype=TYPES)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise ValueError(f"{path}: not a whole table ({error}); it is left as it is") from error
    columns.check(frame, schema, path)
    if not whole:
        raise ValueError(f"{path}: cut short in its last line; it is left as it is")
    return frame


def _read_scores(path: Path) -> pd.DataFrame:
    try:
        scores = pd.read_parquet(path)
    except Exception as error:
        raise ValueError(f"{path}: not a whole Parquet file ({error}); it is left as it is") from error
    columns.check(scores, SCORES, path)
    return scores


def recipe(folder: Path) -> Recipe:
    """How the networks of a folder were trained."""
    file = folder / "recipe.json"
    if not file.is_file():
        raise ValueError(f"{file}: no such file, so {folder} holds no grid; `python -m bench grid --out` makes one")
    try:
        return Recipe(**json.loads(file.read_text()))
    except (json.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{file}: not a whole recipe ({error}); it is left as it is") from error
