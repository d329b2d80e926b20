"""Figures from the results.

Each carries the hash of its data and code, so that a test detects a stale one.

Colors come from the registries: a decoder has the same color everywhere.
"""

from __future__ import annotations

import hashlib
import itertools
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from bench import labels
from bench.sweep.budgets import REFERENCE
from bench.sweep.summary import own_noise
from denoise.datasets import DATASETS
from denoise.decoders import DECODERS
from denoise.files.atomic import whole_file
from denoise.models import weights
from denoise.registry import Entry

plt.switch_backend("Agg")

DRAWN_BY = (Path(__file__), Path(labels.__file__))
STAMP = "Data"  # PNG text chunk that holds the hash
SIGMA = "sigma (units of the [0, 1] range)"
# width of a figure that a README shows at about its own size, so that its text stays legible
README_INCHES = 9
MARKERS = {"channels": "o", "parameters": "s", "macs": "^", "deployed": "D"}


def psnr_against_sigma(
    summary: pd.DataFrame, differences: pd.DataFrame, dataset: str, clipped: bool
) -> Figure:
    """Plot mean PSNR of each arm by noise level, and its difference from nearest + conv.

    Bars are 95 % intervals. The budget is the last compared one.

    The arms lie within a few tenths of a dB while the levels span ten, so the difference has its
    own panel.
    """
    rows, gaps = (_own(frame, dataset, clipped) for frame in (summary, differences))
    budget = labels.asked(rows.budget.dropna())[-1]
    rows = rows[(rows.budget == budget) & (rows.levels != "all")]
    gaps = gaps[(gaps.budget == budget) & (gaps.levels != "all") & (gaps.other == REFERENCE)]
    figure, (whole, gap) = _axes(1, 2, (README_INCHES, 4.6))
    arms = [arm for arm in DECODERS.names() if (rows.arm == arm).any()]
    apart = 0.01 * np.ptp(rows.levels.astype(float))
    for place, arm in enumerate(arms):
        _line(whole, rows[rows.arm == arm], labels.arm(arm))
        # The arms are drawn side by side, so that they do not overlap. The shift is only in this
        # panel: beside falling curves it would look as if one arm stood above another.
        _line(gap, gaps[gaps.arm == arm], labels.arm(arm), (place - len(arms) / 2) * apart)
    levels = sorted(rows.levels.astype(float).unique())
    for panel in (whole, gap):
        panel.set_xticks(levels, [labels.level(sigma) for sigma in levels])
    whole.set(xlabel=SIGMA, ylabel="PSNR (dB)")
    gap.set(xlabel=SIGMA, ylabel="PSNR minus that of nearest + conv 3x3 (dB)")
    gap.axhline(0, color=labels.arm(REFERENCE).colour, lw=1.2)
    whole.legend(fontsize=8, labelspacing=0.3, frameon=False)
    figure.suptitle(_title(dataset, clipped, labels.BUDGETS[budget]), fontsize=11)
    explain(
        figure,
        (
            "Bars: 95 % interval over images and training seeds; right, of the difference "
            "on the same images."
        ),
    )
    return figure


def _line(panel: Axes, found: pd.DataFrame, entry: Entry, aside: float = 0.0) -> None:
    found = found.sort_values("levels")
    sigma = found.levels.astype(float) + aside
    errors = (found.psnr_db - found.psnr_db_low).to_numpy()
    panel.errorbar(
        sigma,
        found.psnr_db,
        errors,
        fmt="o-",
        ms=3,
        color=entry.colour,
        label=entry.label,
        capsize=2,
        lw=1.2,
    )


def explain(figure: Figure, text: str) -> None:
    """Add a line below the panels on how to read them."""
    figure.supxlabel(text, fontsize=8.5, color="#444444")


def quality_against_cost(
    summary: pd.DataFrame,
    differences: pd.DataFrame,
    costs: pd.DataFrame,
    dataset: str,
    clipped: bool,
) -> Figure:
    """Plot mean PSNR over the levels against each cost, with the Pareto front.

    Every decoder is drawn at every budget, without the ceilings, which lie decibels above. Bars are
    the 95 % interval of the difference from nearest + conv at the same budget: the common effect of
    images does not widen them. A network on several budgets is one point.

    Parameters
    ----------
    summary, differences : pandas.DataFrame
    costs : pandas.DataFrame
        One row per arm and budget (its index), one column per cost, named as its axis; NaN if not
        measured.
    dataset : str
    clipped : bool
    """
    rows, gaps = (_own(frame, dataset, clipped) for frame in (summary, differences))
    rows = rows[(rows.levels == "all") & rows.arm.isin(DECODERS.names()) & rows.psnr_db.notna()]
    rows = rows.join(costs, on=["arm", "budget"]).drop_duplicates(["arm", *costs])
    gaps = gaps[(gaps.levels == "all") & (gaps.other == REFERENCE)].set_index(["arm", "budget"])
    half = (gaps.psnr_db - gaps.psnr_db_low).to_dict()
    figure, panels = _axes(1, costs.shape[1], (README_INCHES, 5.6), sharey=True)
    for panel, cost in zip(panels, costs, strict=True):
        _points(panel, rows[rows[cost].notna()], cost, half)
        panel.set(xlabel=cost.replace(" (", "\n("))
    panels[0].set(ylabel="PSNR (dB), mean over the levels")
    figure.suptitle(_title(dataset, clipped, "quality against cost"), fontsize=11)
    _key(
        figure,
        [arm for arm in DECODERS.names() if (rows.arm == arm).any()],
        list(dict.fromkeys(rows.budget)),
        "Bars: 95 % interval of the difference from nearest + conv 3x3 at the same budget.\n"
        "Dashed: Pareto front (no cheaper network scores more).",
    )
    return figure


def _points(panel: Axes, rows: pd.DataFrame, cost: str, half: dict[tuple[str, str], float]) -> None:
    """Draw the networks that have this cost, with their intervals, and their Pareto front."""
    for row in rows.to_dict("records"):
        # The reference is drawn smaller and on top, so that no point hides another.
        size, layer = (5, 4) if row["arm"] == REFERENCE else (7, 2)
        panel.errorbar(
            row[cost],
            row["psnr_db"],
            half.get((row["arm"], row["budget"]), 0.0),
            lw=0,
            elinewidth=0.7,
            ms=size,
            color=labels.arm(row["arm"]).colour,
            marker=MARKERS[row["budget"]],
            mec="white",
            mew=0.5,
            zorder=layer,
        )
    front = pareto(list(zip(rows[cost], rows.psnr_db, strict=True)))
    panel.plot(
        *zip(*front, strict=True), color="#888888", lw=1, ls="--", zorder=0, drawstyle="steps-post"
    )


def pareto(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points (cost, quality) that no cheaper point reaches, by rising cost."""
    front: list[tuple[float, float]] = []
    for cost, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or quality > front[-1][1]:
            front.append((cost, quality))
    return front


def spectra(points: pd.DataFrame, networks: pd.DataFrame) -> Figure:
    """Plot the mean power spectrum of each arm's residual over its trained networks.

    Upper row: power. Lower row: difference from nearest + conv. A pattern of period 2 would appear
    at the corners (both directions) or at the middles of the sides (one direction); a pattern of
    period 4, halfway from there to the middle.

    Parameters
    ----------
    points : pandas.DataFrame
        Spectra: method, when, row, column, power.
    networks : pandas.DataFrame
        Networks to show: method, arm, and the dataset and clamping common to all.
    """
    trained = points[(points.when == "trained")].merge(
        networks[["method", "arm"]].drop_duplicates(), on="method"
    )
    power = {
        arm: 10 * np.log10(rows.groupby(["row", "column"]).power.mean().unstack().to_numpy())
        for arm, rows in trained.groupby("arm")
    }
    arms = [arm for arm in DECODERS.names() if arm in power]
    figure, panels = _axes(2, len(arms), (1.5 * len(arms) + 1, 3.6))
    for above, below, arm in zip(*panels, arms, strict=True):
        whole = above.imshow(power[arm], cmap="viridis", vmin=0, vmax=18)
        less = below.imshow(power[arm] - power[REFERENCE], cmap="RdBu_r", vmin=-2, vmax=2)
        above.set_title(labels.arm(arm).label.replace(" + ", "\n+ "), fontsize=7)
        for panel in (above, below):
            panel.set(xticks=[], yticks=[])
    figure.colorbar(whole, ax=list(panels[0]), label="power (dB)")
    figure.colorbar(less, ax=list(panels[1]), label="minus nearest (dB)")
    row = networks.iloc[0]
    seeds = labels.counted(networks.seed.nunique(), "training seed")
    figure.suptitle(
        _title(row.dataset, row.clipped, f"spectra of the residual at equal channels, {seeds}"),
        fontsize=9,
    )
    return figure


def strips(
    pictures: Mapping[str, Sequence[np.ndarray] | np.ndarray],
    scores: Mapping[str, Sequence[float] | np.ndarray],
) -> Figure:
    """Plot example images: a row each; a column for clean, noisy and every arm with its PSNR."""
    rows = next(iter(pictures.values()))
    heights = [image.shape[0] / image.shape[1] for image in rows]
    size = README_INCHES, README_INCHES / len(pictures) * sum(heights) + 0.22 * len(rows) + 0.5
    figure, panels = plt.subplots(
        len(rows), len(pictures), figsize=size, layout="constrained", height_ratios=heights
    )
    for column, (name, images) in enumerate(pictures.items()):
        for row, image in enumerate(images):
            panel = np.atleast_2d(panels)[row, column]
            panel.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            panel.set(xticks=[], yticks=[])
            if row == 0:
                panel.set_title(textwrap.fill(name, 12), fontsize=7.5)
            if name in scores:
                panel.set_xlabel(f"{scores[name][row]:.2f} dB", fontsize=7.5)
    return figure


def curves(cards: dict[str, dict[str, Any]]) -> Figure:
    """Plot the validation PSNR of each network against the number of images seen.

    A continued training starts a new line, because its scores are on validation images of another
    set.
    """
    figure, panels = _axes(1, len(cards), (README_INCHES, 2.9))
    for panel, (name, card) in zip(panels, cards.items(), strict=True):
        trainings = weights.history(card)
        held_out = [_held_out(training["settings"]) for _, training in trainings]
        styles = itertools.cycle(("o-", "s--", "^:", "d-."))
        for (images, training), label, style in zip(trainings, held_out, styles, strict=False):
            scores, before = training["validation_psnr"].values(), training["images_seen"] - images
            points = [(before + point["images"], point["psnr"]) for point in training["curve"]]
            points.append((training["images_seen"], sum(scores) / len(scores)))
            colour = labels.arm("unet").colour
            panel.plot(*zip(*points, strict=True), style, ms=2.5, lw=1.2, color=colour, label=label)
        if len(set(held_out)) > 1:
            panel.legend(fontsize=7.5, frameon=False)
        panel.set(title=name, xlabel="images seen (thousands)")
        panel.xaxis.set_major_formatter(lambda value, place: f"{value / 1e3:g}")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("validation PSNR (dB)")
    return figure


def _held_out(settings: dict[str, Any]) -> str:
    kept = "\n(frozen statistics)" if settings.get("norm") == "frozen" else ""
    return f"held out of {DATASETS[settings['dataset']].label}{kept}"


def write(figure: Figure, target: Path, stamp: str) -> None:
    """Write a PNG that carries the hash of its data."""
    with whole_file(target) as partial:
        figure.savefig(partial, dpi=110, metadata={STAMP: stamp})
    plt.close(figure)


def stamp(*files: Path) -> str:
    """Hash the files and the code behind a figure, and the labels and colors of the arms."""
    digest = hashlib.sha256()
    for file in (*files, *DRAWN_BY):
        digest.update(file.read_bytes())
    digest.update(repr([(entry.label, entry.colour) for entry in DECODERS]).encode())
    return digest.hexdigest()[:16]


def stamped(picture: Path) -> str | None:
    """Return the hash that a PNG carries."""
    with Image.open(picture) as image:
        return image.info.get(STAMP)


def _own(frame: pd.DataFrame, dataset: str, clipped: bool) -> pd.DataFrame:
    return frame[own_noise(frame) & (frame.trained_on == dataset) & (frame.clipped == clipped)]


def _title(dataset: str, clipped: bool, what: str) -> str:
    return f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}: {what}"


def _key(figure: Figure, arms: list[str], budgets: list[str], text: str) -> None:
    """Add a legend below the panels: the color of each arm, and the marker of each budget."""
    handles = [
        Line2D([], [], ls="", marker="o", color=labels.arm(arm).colour, label=labels.arm(arm).label)
        for arm in arms
    ]
    handles += [
        Line2D([], [], ls="", marker=marker, color="#777777", label=labels.BUDGETS[budget])
        for budget, marker in MARKERS.items()
        if budget in budgets and len(budgets) > 1
    ]
    figure.legend(
        handles=handles,
        title=text,
        fontsize=8.5,
        title_fontsize=8.5,
        frameon=False,
        loc="outside lower center",
        ncols=3,
    )


def _axes(rows: int, columns: int, size: tuple[float, float], *, sharey: bool = False):
    return plt.subplots(rows, columns, figsize=size, layout="constrained", sharey=sharey)
