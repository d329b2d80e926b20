"""Tables of transfer: networks on noise, images and clamping unseen in training."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from bench import labels
from bench.report.sentences import PAIR
from bench.report.tables import Table, design_note, level_heading, level_order, with_interval
from denoise.noise import NOISES


def carried(summary: pd.DataFrame, noise: str | None) -> Iterator[Table]:
    """Yield tables of transfer to an unseen noise, or (None) to other images and clamping.

    The tables show mean PSNR with its interval, at the first compared budget. For other images they
    show the middle level and the mean over all levels.
    """
    elsewhere = (summary.trained_on != summary.tested_on) | (
        summary.trained_clipped != summary.clipped
    )
    chosen = (summary.noise == noise) if noise else elsewhere & _shown(summary)
    rows = summary[chosen & ((summary.budget == _first(summary)) | summary.budget.isna())]
    for (dataset, clipped), found in rows.groupby(["trained_on", "trained_clipped"], sort=False):
        if found.budget.isna().all():
            continue  # untrained methods only
        trained = f"trained on {labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"
        keys = found.apply(_tested, axis=1) if noise is None else found.levels.map(level_heading)
        cells = found.assign(column=keys, half=found.psnr_db_high - found.psnr_db)
        wide, half = (
            cells.pivot(index="arm", columns="column", values=name) for name in ("psnr_db", "half")
        )
        means = wide[[key for key in wide if key.endswith("Mean")]].mean(axis=1)
        cells["order"] = cells.levels.map(level_order)
        columns = cells.sort_values(["tested_on", "clipped", "order"]).column.unique()
        shown = pd.DataFrame({key: with_interval(wide[key], half[key]) for key in columns})
        floors = set(found[found.budget.isna()].arm)
        methods = [
            labels.arm(arm).label + (" (no training)" if arm in floors else "")
            for arm in shown.index
        ]
        shown.insert(0, "Method", methods)
        shown = shown.loc[means.sort_values(ascending=False).index]
        title = (
            f"{NOISES[noise].label} noise at test time" if noise else "Other images, other clamping"
        )
        if noise:
            columns = f"level ({NOISES[noise].facts['unit']}); rows are sorted by the mean."
        else:
            columns = f"test set, {_levels(summary)}; rows are sorted by the mean of these means."
        note = f"{design_note(found[found.budget.notna()])} Columns: {columns}"
        yield Table(f"{title}: {trained}", note, shown)


def _shown(summary: pd.DataFrame) -> pd.Series:
    """Select the middle level and the mean, which tables of several test sets show."""
    gaussian = summary.noise == "gaussian"
    return gaussian & summary.levels.isin((labels.middle(summary[gaussian].levels), "all"))


def _levels(summary: pd.DataFrame) -> str:
    levels = summary[summary.noise == "gaussian"].levels
    return (
        f"at sigma {labels.level(float(labels.middle(levels) or 0))} and as the mean over "
        f"{labels.span(levels)}"
    )


def crossed(summary: pd.DataFrame) -> Iterator[Table]:
    """Yield tables of train set x test set: the two arms of the question, and the best arm."""
    budget = _first(summary)
    rows = summary[
        _shown(summary) & (summary.budget == budget) & (summary.trained_clipped == summary.clipped)
    ]
    for clipped, found in rows.groupby("clipped", sort=False):
        if found.trained_on.nunique() < 2:
            continue
        lines = [
            line
            for _, of_set in found.groupby("trained_on", sort=False)
            for line in _crossed(of_set)
        ]
        elsewhere = found[found.trained_on != found.tested_on]
        note = (
            f"PSNR in dB {_levels(summary)}, at {labels.BUDGETS[budget]}. Rows: the two arms of "
            "the question, and the arm with the highest mean on its training set. Columns: test "
            f"sets, with {elsewhere.pictures.max():,} images of a set unseen in training."
        )
        yield Table(
            f"Train set x test set, {labels.noise('gaussian', clipped)}",
            note,
            pd.DataFrame(lines).fillna(""),
        )


def _first(summary: pd.DataFrame) -> str:
    return labels.asked(summary.budget.dropna())[0]


def _crossed(rows: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Yield the lines of one training set.

    Columns by test set, the middle level before the mean.
    """
    rows = (
        rows[rows.psnr_db.notna()]
        .assign(order=rows.levels.map(level_order))
        .sort_values(["tested_on", "order"])
    )
    own = rows[(rows.tested_on == rows.trained_on) & (rows.levels == "all")]
    best = own.sort_values("psnr_db", ascending=False).arm.tolist()[:1]
    for arm in dict.fromkeys((*PAIR, *best)):
        highest = " (highest)" if arm in best else ""
        line = {
            "Trained on: decoder": (
                f"{labels.dataset(rows.trained_on.iloc[0])}: {labels.arm(arm).label}{highest}"
            )
        }
        for row in rows[rows.arm == arm].itertuples():
            line[f"{labels.dataset(row.tested_on)}, {level_heading(row.levels)}"] = (
                f"{row.psnr_db:.2f}"
            )
        yield line


def _tested(row: pd.Series) -> str:
    return (
        f"{labels.dataset(row.tested_on)}, {'clipped' if row.clipped else 'unclipped'}, "
        f"{level_heading(row.levels)}"
    )
