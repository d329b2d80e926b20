"""Committed scores of the benchmark's networks, as points of a chart: quality against cost.

The files are read as data (`bench/results/README.md` describes their columns).
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from demo.compute import results
from denoise.classical import DENOISERS
from denoise.datasets import DATASETS
from denoise.decoders import DECODERS
from denoise.models.architectures import ARCHITECTURES
from denoise.registry import Registry

RESULTS = results.FOLDER.parent
GRIDS = (results.FOLDER.name, "unet")
"""Folders of `RESULTS` that the page shows; the first one has the answer of the page."""
REPORT = RESULTS / GRIDS[0] / "report.md"
TABLES = (  # patterns of the files that this module reads, in each folder
    *("recipe.json", "methods.csv", "summary.csv", "costs-*.csv", "deploy.csv"),
)

KINDS: dict[str, Registry] = {
    "decoder": DECODERS,
    "ceiling": ARCHITECTURES,
    "classical": DENOISERS,
}
"""Registry of each kind of arm; an arm belongs to the first registry that has it."""
CONSTANTS = ("black", "mean")  # outputs that depend on no input, far below every other point
BUDGETS = {
    "channels": "Equal channels",
    "parameters": "Equal parameters",
    "macs": "Equal MACs",
    "deployed": "Equal deployed MACs",
}
MEAN = "all"  # name of the mean over the levels, in the files
INT8 = "int8"  # part of the name of a runtime that computes in 8-bit integers
CONDITION = ["trained_on", "tested_on", "clipped", "levels"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scale:
    """A cost that a chart may have on its x axis.

    Attributes
    ----------
    group : str
        "macs", "parameters", "time" or "int8".
    label : str
        Setting of the measurement; empty if there is only one.
    costs : dict of str to float
        Cost by method; methods that were not measured are absent.
    changes : dict of str to float
        Change of the PSNR in dB by the number format, on validation images, by method.
    """

    group: str
    label: str
    costs: dict[str, float]
    changes: dict[str, float]


def grids() -> list[str]:
    """Return the grids whose files are here, in the order of `GRIDS`."""
    return [name for name in GRIDS if (RESULTS / name / "summary.csv").is_file()]


@functools.cache
def points(grid: str) -> pd.DataFrame:
    """Return one row per network and test condition: Gaussian noise, as in training.

    Test images are of the training set, or of a dataset that no network of the grid is trained on.
    """
    rows = pd.read_csv(RESULTS / grid / "summary.csv", dtype={"levels": str})
    own = (rows.tested_on == rows.trained_on) | ~rows.tested_on.isin(rows.trained_on.unique())
    as_trained = (rows.noise == "gaussian") & (rows.clipped == rows.trained_clipped)
    rows = rows[own & as_trained & (rows.status == "ok") & ~rows.arm.isin(CONSTANTS)]
    rows = rows.assign(
        method=rows.methods.str.partition(" ")[0],  # of the first seed
        kind=rows.arm.map(kind),
        budget=rows.budget.fillna(""),
    )
    if strange := sorted(rows[rows.kind == ""].arm.unique()):
        log.warning("%s: arms of no registry are not shown: %s", grid, ", ".join(strange))
    rows = rows[rows.kind != ""]
    budgets = rows.groupby([*CONDITION, "method"]).budget.agg(" ".join).rename("budgets")
    once = rows.drop_duplicates([*CONDITION, "method"])
    return once.merge(budgets.reset_index(), on=[*CONDITION, "method"]).reset_index(drop=True)


def kind(arm: str) -> str:
    """Return the kind of an arm, a key of `KINDS`; empty for an unknown arm."""
    return next((name for name, registry in KINDS.items() if arm in registry), "")


def find(grid: str, method: str, tested_on: str, level: str) -> pd.Series:
    """Return a row of `points`; raise LookupError if there is none."""
    if grid not in grids():
        raise LookupError(f"no grid {grid!r}")
    rows = points(grid)
    chosen = (rows.method == method) & (rows.tested_on == tested_on) & (rows.levels == level)
    if not chosen.any():
        raise LookupError(f"no such point in {grid}")
    return rows[chosen].iloc[0]


@functools.cache
def methods(grid: str) -> pd.DataFrame:
    """Return the networks and untrained methods of a grid, by name."""
    return pd.read_csv(RESULTS / grid / "methods.csv").set_index("method")


def scales(grid: str) -> list[Scale]:
    """Return every cost that the committed files of a grid hold."""
    return [*_counted(grid), *_timed(grid), *_integers(grid)]


def _counted(grid: str) -> Iterator[Scale]:
    for name in ("macs", "parameters"):
        costs = methods(grid)[name].dropna()
        if len(costs):
            yield Scale(name, "", costs.to_dict(), {})


def _timed(grid: str) -> Iterator[Scale]:
    """Yield the time of one image by machine, threads, number format and batch."""
    networks = methods(grid).reset_index()[["method", "arm", "widths"]].dropna()
    for file in sorted((RESULTS / grid).glob("costs-*.csv")):
        rows = pd.read_csv(file).dropna(subset=["ms_p50", "widths"])
        rows = rows.assign(machine=rows.gpu.where(rows.device == "cuda", rows.cpu))
        for setting, part in rows.groupby(["machine", "cpu_threads", "dtype", "batch"]):
            found = networks.merge(part[["arm", "widths", "ms_p50", "batch"]], on=["arm", "widths"])
            costs = dict(zip(found.method, found.ms_p50 / found.batch, strict=True))
            if costs:
                yield Scale("time", _setting(*setting), costs, {})


def _integers(grid: str) -> Iterator[Scale]:
    """Yield the time of one image in 8-bit integers by runtime, form, threads and batch.

    These networks have equal channels and the first seed.
    """
    file = RESULTS / grid / "deploy.csv"
    if not file.is_file():
        return
    rows = pd.read_csv(file)
    rows = rows[rows.runtime.str.contains(INT8)].dropna(subset=["ms_p50"])
    networks = methods(grid).reset_index()[
        ["method", "dataset", "clipped", "arm", "budgets", "seed"]
    ]
    networks = networks[(networks.seed == 0) & networks.budgets.fillna("").str.contains("channels")]
    for setting, part in rows.groupby(["cpu", "cpu_threads", "runtime", "form", "batch"]):
        found = networks.merge(part, on=["dataset", "clipped", "arm"])
        machine, threads, runtime, form, batch = setting
        costs = dict(zip(found.method, found.ms_p50 / found.batch, strict=True))
        changes = dict(zip(found.method, found.change_db, strict=True))
        if costs:
            label = _setting(machine, threads, f"{runtime}, form {form}", batch)
            yield Scale("int8", label, costs, changes)


def _setting(machine: str, threads: int, form: str, batch: int) -> str:
    threads_text = f"{threads} thread{'s' if threads > 1 else ''}"
    calls = "one image per call" if batch == 1 else f"{batch} images per call"
    return f"{machine}, {threads_text}, {form}, {calls}"


def payload() -> dict[str, Any]:
    """Return everything that the chart draws, as plain values."""
    shown = {name: points(name) for name in grids()}
    arms = dict.fromkeys(arm for rows in shown.values() for arm in rows.arm)
    order = [entry.name for registry in KINDS.values() for entry in registry]
    return {
        "bodies": [_body(name, rows) for name, rows in shown.items()],
        "arms": {arm: _arm(arm) for arm in sorted(arms, key=order.index)},
        "budgets": BUDGETS,
    }


def _arm(name: str) -> dict[str, str]:
    found = results.entry(name)
    return {"label": found.label, "color": found.colour, "kind": kind(name)}


def _body(grid: str, rows: pd.DataFrame) -> dict[str, Any]:
    recipe = json.loads((RESULTS / grid / "recipe.json").read_text())
    pairs = rows[["trained_on", "tested_on"]].drop_duplicates()
    levels = sorted(set(rows.levels) - {MEAN}, key=float)
    networks = set(rows.method)
    return {
        "name": grid,
        "label": ARCHITECTURES[recipe["body"]].label,
        "sets": [
            {"trained_on": a, "tested_on": b, "label": _images(a, b)} for a, b in pairs.values
        ],
        "levels": [{"name": name, "label": level_label(float(name))} for name in levels],
        "scales": [
            {
                "group": scale.group,
                "label": scale.label,
                "costs": {name: cost for name, cost in scale.costs.items() if name in networks},
                "changes": scale.changes,
            }
            for scale in scales(grid)
        ],
        "points": [_point(row) for row in rows.to_dict("records")],
    }


def _images(trained_on: str, tested_on: str) -> str:
    label = DATASETS[tested_on].label
    return label if tested_on == trained_on else f"{label}, trained on {DATASETS[trained_on].label}"


def level_label(sigma: float) -> str:
    """Format sigma as papers do: 0.4 unchanged, 0.0980392 as 25/255."""
    of_255 = round(sigma * 255, 2)
    return f"{of_255:g}/255" if of_255.is_integer() and round(sigma, 2) != sigma else f"{sigma:g}"


def _point(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("trained_on", "tested_on", "clipped", "arm", "method", "pictures", "seeds")
    scores = ("psnr_db", "psnr_db_low", "psnr_db_high", "ssim", "ssim_low", "ssim_high")
    return (
        {name: row[name] for name in kept}
        | {name: None if pd.isna(row[name]) else round(row[name], 4) for name in scores}
        | {"level": row["levels"], "budgets": row["budgets"].split()}
    )
