"""Short answer for the README: the result, the choice, and what matters more."""

from __future__ import annotations

import pandas as pd

from bench import labels
from bench.report import pages, render, tables
from bench.report.results import Results, figure_name
from bench.report.sentences import NAMES, PAIR, headline, interval, listed, question_rows
from bench.stats import intervals
from bench.sweep.budgets import CEILINGS
from bench.sweep.summary import own_noise

PART = "answer in short"
ASSETS = {
    "channels": "parameters",
    "parameters": "parameters",
    "macs": "MACs",
    "deployed": "deployed MACs",
}
"""Limited resource at each budget. At equal channels the pair has equal parameters."""

VERDICTS = (intervals.BETTER, intervals.EQUAL, intervals.UNDECIDED, intervals.WORSE)


def text(results: Results) -> str:
    """Write the README's part: sentences, one table of the decoders, one figure."""
    dataset, clipped = results.shown
    decoders = results.summary[~results.summary.arm.isin(CEILINGS)]
    overview = tables.overview(decoders, results.differences, results.costs(), dataset, clipped)
    figure = pages.FIGURES / figure_name("psnr", dataset, clipped)
    where = f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"
    parts = [
        f"**{headline(results.differences)}**",
        answer(results.differences),
        " ".join(filter(None, (choice(results.differences), larger(results, dataset, clipped)))),
        f"**{where}**: {overview.note.partition(' Without training')[0]}",
        render.pipes(overview.cells),
        pages.image(pages.README, figure, f"PSNR by noise level: {where}"),
        results.caption("psnr"),
    ]
    return "\n\n".join(parts)


def answer(differences: pd.DataFrame) -> str:
    """State the largest difference of the pair at each compared budget, in one sentence."""
    parts, gaps = [], []
    for budget in labels.asked(differences.budget):
        orders = [question_rows(differences, budget, arms) for arms in (PAIR, PAIR[::-1])]
        if orders[0].empty:
            continue
        rows = max(orders, key=lambda rows: rows.psnr_db.max())  # the arm with the largest lead
        row = rows.iloc[rows.psnr_db.argmax()]
        gaps.append(row.psnr_db)
        counts = rows.verdict.value_counts()
        found = [f"{word} on {counts[word]}" for word in VERDICTS if word in counts]
        parts.append(
            f"at {labels.BUDGETS[budget]} {NAMES[row.arm]} leads by up to {interval(row)} "
            f"({labels.dataset(row.trained_on)} {'clipped' if row.clipped else 'unclipped'}; of "
            f"{labels.counted(len(rows), 'training set')}: {', '.join(found)})"
        )
    first, second = (NAMES[arm] for arm in PAIR)
    names = f"{first[0].upper()}{first[1:]} and {second} (both 3x3)"
    return f"{names} differ by at most {max(gaps):.2f} dB: {listed(parts)}."


def choice(differences: pd.DataFrame) -> str:
    """Recommend the arm that is better somewhere and worse nowhere, at each compared budget."""
    parts = []
    for budget in labels.asked(differences.budget):
        rows = question_rows(differences, budget)
        won = [
            arm
            for arm, verdict in zip(PAIR, ("better", "worse"), strict=True)
            if (rows.verdict == verdict).any()
        ]
        # either if none wins, or if each wins somewhere
        name = NAMES[won[0]] if len(won) == 1 else "either"
        parts.append(f"{name} if {ASSETS[budget]} are limited")
    return f"Choose {listed(parts)}."


def larger(results: Results, dataset: str, clipped: bool) -> str:
    """State the gains of the ceilings over the reference at equal parameters, on one training set.

    Empty if no ceiling was trained.
    """
    rows = results.differences[own_noise(results.differences)]
    rows = rows[(rows.levels == "all") & (rows.trained_on == dataset) & (rows.clipped == clipped)]
    rows = rows[(rows.other == PAIR[0]) & rows.arm.isin(CEILINGS)].sort_values("psnr_db")
    if rows.empty:
        return ""
    gains = [
        f"a {labels.arm(row.arm).label} scores {interval(row)} more" for row in rows.itertuples()
    ]
    return (
        f"The network around the decoder matters more: with as many parameters, {listed(gains)} "
        f"than the autoencoder with {NAMES[PAIR[0]]}."
    )
