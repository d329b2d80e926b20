"""Figure of a run of `python -m bench speed`: one bar per system, at its best batch size."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import provenance
from bench.report import figures, speed_tables
from bench.schema import SPEED
from bench.speed.systems import SYSTEMS
from bench.tables_io.frames import read_csv

PEER, STEP, OURS = "#999999", "#88ccee", "#332288"
OWN = (
    "engine",
    "engine_float32",
    "train_bfloat16",
    "train_recorded",
)  # systems that the package uses


def write(run: Path) -> Path:
    """Draw the figure of a run beside its CSV; return its file."""
    target = run.with_suffix(".png")
    figures.write(bars(read_csv(run, SPEED)), target, stamp(run))
    return target


def stamp(run: Path) -> str:
    """Return the hash of the data and code that a run's figure is drawn from."""
    return figures.stamp(run, Path(__file__))


def bars(frame: pd.DataFrame) -> Figure:
    """Draw images per second, with one column of panels per network and one row per task.

    Bars are medians over the rounds, whiskers the lowest and highest round.
    """
    networks, tasks = (
        list(frame.network.unique()),
        [task for task in speed_tables.TASKS if (frame.task == task).any()],
    )
    heights = [frame[frame.task == task].system.nunique() for task in tasks]
    size = figures.README_INCHES, 0.27 * sum(heights) + 0.8 * len(tasks) + 0.5
    figure, panels = figures.plt.subplots(
        len(tasks),
        len(networks),
        figsize=size,
        squeeze=False,
        layout="constrained",
        height_ratios=heights,
        sharey="row",
    )
    for row, task in zip(panels, tasks, strict=True):
        for panel, network in zip(row, networks, strict=True):
            _bars(panel, frame[(frame.task == task) & (frame.network == network)])
            panel.set_title(f"{network}, {speed_tables.TASKS[task]}", fontsize=9.5)
    for panel in panels[-1]:
        panel.set_xlabel("images per second, at the best batch size", fontsize=8.5)
    figure.suptitle(f"28x28 images; {provenance.title(frame.iloc[0])}", fontsize=10)
    figure.supxlabel(
        "Gray: other systems. Light: PyTorch, step by step. Dark: this package. "
        "Whiskers: lowest and highest round.",
        fontsize=8.5,
        color="#444444",
    )
    return figure


def _bars(panel: Axes, rows: pd.DataFrame) -> None:
    names = [name for name in SYSTEMS if (rows.system == name).any()]
    for place, name in enumerate(names):
        rates = speed_tables.best(rows, (name,))
        assert rates is not None  # `names` are those that were measured
        middle = rates.median()
        reach = [[middle - rates.min()], [rates.max() - middle]]
        colour = OURS if name in OWN else PEER if SYSTEMS[name].peer else STEP
        panel.barh(
            place, middle, color=colour, xerr=reach, error_kw={"lw": 0.8, "capsize": 2}, height=0.75
        )
        panel.annotate(
            f"{middle:,.0f}",
            (rates.max(), place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )
    panel.set_yticks(
        range(len(names)),
        [SYSTEMS[name].label.replace("`", "").replace("**", "") for name in names],
    )
    panel.tick_params(labelsize=8)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.margins(x=0.18)
    panel.locator_params(axis="x", nbins=5)
    panel.xaxis.set_major_formatter(lambda value, place: f"{value:,.0f}")
    panel.spines[["top", "right"]].set_visible(False)
