"""Span of each choice: the range of PSNR that it reaches, the others at their usual value.

The usual values are those of the comparison: its width, depth and length, nearest + conv at equal
channels. Other widths and depths come from further results folders of the same backbone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from bench import labels
from bench.report import figures, lengths
from bench.report.results import Results
from bench.report.tables import Table
from bench.sweep.budgets import REFERENCE
from bench.sweep.summary import own_noise
from denoise.decoders import DECODERS

NAME = "factors.png"
FACTORS = {
    "decoder": "decoder",
    "length": "training length",
    "width": "width of the network",
    "depth": "number of poolings",
    "skips": "skip connections (U-Net)",
    "noise": "noise level",
}
COLUMNS = ["dataset", "factor", "lowest", "highest", "low_db", "high_db"]


def siblings(results: Results) -> list[Results]:
    """Read the results of the same backbone at other widths or depths, in the folders beside."""
    found = []
    for file in sorted(results.folder.parent.glob("*/recipe.json")):
        if file.parent != results.folder and (file.parent / "curves.csv").is_file():
            other = Results.read(file.parent)
            size = other.recipe.width, other.recipe.depth
            if other.recipe.body == results.recipe.body and size != (
                results.recipe.width,
                results.recipe.depth,
            ):
                found.append(other)
    return found


def spans(results: Results, others: list[Results]) -> pd.DataFrame:
    """Return the lowest and highest mean PSNR that each factor reaches, per clipped training set.

    Columns of `COLUMNS`: `lowest` and `highest` are the values of the factor, as text.
    """
    rows = _scores(results)
    found = []
    for dataset, of_set in rows.groupby("dataset", sort=False):
        for factor, scores in _by_factor(results, others, str(dataset), of_set):
            if len(scores) > 1:
                low, high = scores.idxmin(), scores.idxmax()
                found.append([dataset, factor, str(low), str(high), scores[low], scores[high]])
    return pd.DataFrame(found, columns=COLUMNS)


def _scores(results: Results) -> pd.DataFrame:
    rows = results.by_length()
    return rows[rows.clipped.astype(bool)]


def _by_factor(
    results: Results, others: list[Results], dataset: str, rows: pd.DataFrame
) -> Iterator[tuple[str, pd.Series]]:
    """Yield each factor with the mean score of each of its values."""
    usual = rows[rows.budget == "channels"]
    at_end = usual[(usual.images == results.recipe.images) & usual.arm.isin(DECODERS.names())]
    of_arm = at_end.groupby("arm", sort=False).psnr_db.mean()
    yield "decoder", of_arm.rename(index=lambda arm: labels.arm(arm).label)
    reference = usual[usual.arm == REFERENCE]
    by_length = reference.groupby("images").psnr_db.mean()
    yield "length", by_length.rename(index=lambda images: f"{images:,} images")
    for factor, fixed in (("width", "depth"), ("depth", "width")):
        yield factor, _sizes(results, others, dataset, factor, fixed)
    same_size = rows[(rows.budget == "parameters") & (rows.images == results.recipe.images)]
    pair = same_size[same_size.arm.isin((REFERENCE, "unet"))].groupby("arm").psnr_db.mean()
    yield "skips", pair.rename(index={REFERENCE: "without", "unet": "with"})
    levels = results.summary[own_noise(results.summary) & (results.summary.levels != "all")]
    levels = levels[(levels.trained_on == dataset) & levels.clipped.astype(bool)]
    levels = levels[(levels.arm == REFERENCE) & (levels.budget == "channels")]
    yield "noise", levels.set_index("levels").psnr_db.rename(index=lambda sigma: f"sigma {sigma}")


def _sizes(
    results: Results, others: list[Results], dataset: str, factor: str, fixed: str
) -> pd.Series:
    """Return the score of each width or depth, at the longest length that all of them have."""
    parts = {}
    for one in (results, *others):
        if getattr(one.recipe, fixed) == getattr(results.recipe, fixed):
            rows = lengths.of_budgets(one.methods, one.curves())
            rows = rows[(rows.dataset == dataset) & rows.clipped.astype(bool)]
            rows = rows[(rows.arm == REFERENCE) & (rows.budget == "channels")]
            if len(rows):
                value = f"{factor} {getattr(one.recipe, factor)}"
                parts[value] = rows.groupby("images").psnr_db.mean()
    common = set.intersection(*(set(part.index) for part in parts.values())) if parts else set()
    return pd.Series({name: part[max(common)] for name, part in parts.items()} if common else {})


def table(found: pd.DataFrame) -> Table:
    """Tabulate the spread of each factor (rows) on each training set (columns)."""
    spread = found.assign(spread=found.high_db - found.low_db)
    cells = spread.pivot(index="factor", columns="dataset", values="spread")
    cells = cells.reindex(index=[name for name in FACTORS if name in cells.index])
    cells = cells[list(dict.fromkeys(found.dataset))]
    ends = found.drop_duplicates("factor").set_index("factor")
    return Table(
        "What matters more",
        "Highest minus lowest PSNR in dB, mean over the levels, that each choice reaches with the "
        "other choices as in the comparison. Clipped Gaussian noise.",
        pd.DataFrame(
            {
                "Choice": [FACTORS[name] for name in cells.index],
                **{labels.dataset(name): cells[name].map("{:.2f}".format) for name in cells},
                "From": [ends.lowest[name] for name in cells.index],
                "To": [ends.highest[name] for name in cells.index],
            }
        ),
    )


def drawn(found: pd.DataFrame) -> Figure:
    """Draw the range of each factor as a bar, with a panel per training set."""
    sets = list(dict.fromkeys(found.dataset))
    names = [name for name in FACTORS if (found.factor == name).any()]
    figure, panels = figures.plt.subplots(
        1,
        len(sets),
        figsize=(figures.README_INCHES, 0.45 * len(names) + 1.2),
        squeeze=False,
        layout="constrained",
        sharey=True,
    )
    for panel, dataset in zip(panels[0], sets, strict=True):
        rows = found[found.dataset == dataset].set_index("factor")
        for place, name in enumerate(names):
            if name in rows.index:
                row = rows.loc[name]
                colour = "#d55e00" if name == "decoder" else "#777777"
                panel.barh(place, row.high_db - row.low_db, left=row.low_db, color=colour)
                panel.annotate(
                    f"{row.high_db - row.low_db:.2f}",
                    (row.high_db, place),
                    (3, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=8,
                )
        panel.set_title(labels.dataset(dataset), fontsize=10)
        panel.set_xlabel("PSNR (dB)", fontsize=9)
        panel.margins(x=0.15)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_yticks(range(len(names)), [FACTORS[name] for name in names], fontsize=9)
    panels[0, 0].invert_yaxis()
    return figure


def stamp(results: Results, others: list[Results]) -> str:
    """Return the hash of the data and code that the figure is drawn from."""
    files = [path for one in (results, *others) for path in one.curve_files()]
    return figures.stamp(*files, results.folder / "summary.csv", Path(__file__))
