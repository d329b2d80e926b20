"""Figure of the scores by training length: one column of panels per training set."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import labels
from bench.report import figures, lengths
from bench.stats.intervals import MARGIN
from bench.sweep.budgets import REFERENCE
from denoise.decoders import DECODERS

APART = 0.03  # shift between two arms of a length, as a factor of the length


def name(clipped: bool) -> str:
    """Return the file name of the figure."""
    return f"lengths-{'clipped' if clipped else 'unclipped'}.png"


def stamp(*curves: Path) -> str:
    """Return the hash of the data and code that the figure is drawn from."""
    return figures.stamp(*curves, Path(__file__), Path(lengths.__file__))


def by_length(rows: pd.DataFrame, budget: str) -> Figure:
    """Draw PSNR by training length, and the difference from nearest + conv below.

    Bars are 95 % intervals over training seeds. The band is the margin of equality.

    Parameters
    ----------
    rows : pandas.DataFrame
        The output of `lengths.of_budgets`, clipped or unclipped noise alone.
    budget : str
        Budget that is drawn.
    """
    rows = rows[rows.budget == budget]
    gaps = lengths.differences(rows)
    sets = list(dict.fromkeys(rows.dataset))
    figure, panels = figures.plt.subplots(
        2,
        len(sets),
        figsize=(figures.README_INCHES, 5.4),
        squeeze=False,
        layout="constrained",
        sharex=True,
        sharey="row",
    )
    arms = [arm for arm in DECODERS.names() if (rows.arm == arm).any()]
    for (above, below), dataset in zip(panels.T, sets, strict=True):
        of_set = rows[rows.dataset == dataset]
        for place, arm in enumerate(arms):
            entry, style = labels.arm(arm), {"ms": 3, "lw": 1.2, "color": labels.arm(arm).colour}
            means = of_set[of_set.arm == arm].groupby("images").psnr_db.mean()
            above.plot(means.index, means, "o-", label=entry.label, **style)
            if arm == REFERENCE:
                continue
            found = gaps[(gaps.dataset == dataset) & (gaps.arm == arm)].sort_values("images")
            shifted = found.images * (1 + APART * (place - len(arms) / 2))
            below.errorbar(
                shifted, found.psnr_db, found.high - found.psnr_db, fmt="o-", capsize=2, **style
            )
        below.axhline(0, color=labels.arm(REFERENCE).colour, lw=1.2)
        below.axhspan(-MARGIN, MARGIN, color="#999999", alpha=0.2, lw=0)
        above.set_title(labels.dataset(dataset), fontsize=10)
        _scale(below, sorted(of_set.images.unique()))
    panels[0, 0].set_ylabel("PSNR (dB)")
    panels[1, 0].set_ylabel("minus that of nearest + conv 3x3 (dB)", fontsize=8.5)
    panels[0, -1].legend(fontsize=7.5, labelspacing=0.3, frameon=False)
    clipped = "clipped" if rows.clipped.all() else "unclipped"
    figure.suptitle(f"{clipped} Gaussian noise, {labels.BUDGETS[budget]}", fontsize=11)
    figures.explain(
        figure,
        f"Bars: 95 % interval over training seeds. Gray: within {MARGIN:g} dB, which counts as "
        "equal.",
    )
    return figure


def _scale(panel: Axes, sizes: list[int]) -> None:
    panel.set_xscale("log", base=2)
    panel.set_xticks(sizes, [f"{size / 1_000:g}" for size in sizes])
    panel.minorticks_off()
    panel.set_xlabel("training images (thousands)")
