"""Results in sentences, made from the differences alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench import labels
from bench.sweep.budgets import CEILINGS
from bench.sweep.summary import own_noise

NAMES = {"nearest": "nearest upsampling + convolution", "transposed_k3": "transposed convolution"}
"""Names of the pair in a sentence to repeat; both have kernels of 3x3."""

PAIR = ("nearest", "transposed_k3")
"""Arms of the project's question: Keras `UpSampling2D` + `Conv2D(3)` or `Conv2DTranspose(3)`."""


def question_rows(
    differences: pd.DataFrame, budget: str, arms: tuple[str, str] = PAIR
) -> pd.DataFrame:
    """Select a pair of arms at a budget, one row per training set, mean over the levels.

    Training sets with one seed are left out.
    """
    rows = differences[
        own_noise(differences)
        & (differences.levels == "all")
        & (differences.budget == budget)
        & (differences.arm == arms[0])
        & (differences.other == arms[1])
    ]
    return rows[rows.seeds > 1]


def headline(differences: pd.DataFrame) -> str:
    """Answer the project's question in one sentence to repeat.

    The largest difference of the pair at any compared budget stands beside the gain of a U-Net
    with as many parameters. The decoder hardly matters if its difference is below half that gain.
    """
    budgets = labels.asked(differences.budget)
    gap = max(question_rows(differences, budget).psnr_db.abs().max() for budget in budgets)
    pair = " and ".join(NAMES[arm] for arm in PAIR)
    found = f"{pair} (both 3x3) end within {gap:.2f} dB of each other"
    rows = differences[own_noise(differences) & (differences.levels == "all")]
    gains = rows[(rows.arm == "unet") & (rows.other == PAIR[0])].psnr_db
    if gains.empty:
        return f"{found[0].upper()}{found[1:]}."
    verdict = "It hardly matters" if gap < gains.min() / 2 else "It matters"
    least, most = f"{gains.min():.1f}", f"{gains.max():.1f}"
    gain = least if least == most else f"{least} to {most}"
    return f"{verdict}: {found}; a U-Net of the same size is {gain} dB better."


def summary(differences: pd.DataFrame) -> str:
    """Summarize the pair of the question over all training sets, at each compared budget."""
    first, second = (labels.in_text(arm) for arm in PAIR)
    parts = []
    for budget in labels.asked(differences.budget):
        rows = question_rows(differences, budget)
        if len(rows) < 2:
            at = differences[own_noise(differences) & (differences.levels == "all")]
            at = at[(at.budget == budget) & (at.seeds > 1)]
            parts += [pair(at, *PAIR)] * len(rows)
            continue
        least, most = (round(gap, 2) + 0.0 for gap in (rows.psnr_db.min(), rows.psnr_db.max()))
        parts.append(
            f"At {labels.BUDGETS[budget]}, {first} less {second} is {least:+.2f} to {most:+.2f} "
            f"dB: {by_verdict(rows)}."
        )
    return " ".join(parts)


def by_verdict(rows: pd.DataFrame) -> str:
    """List the training sets of each verdict: "better on MNIST, clipped; equal on ..."."""
    parts = []
    for verdict, found in rows.groupby("verdict", sort=False):
        sets = [
            f"{labels.dataset(row.trained_on)} {'clipped' if row.clipped else 'unclipped'}"
            for row in found.itertuples()
        ]
        parts.append(f"{verdict} on {listed(sets)}")
    return "; ".join(parts)


def verdicts(
    differences: pd.DataFrame, budget: str, levels: str = "all"
) -> tuple[list[str], list[str]]:
    """Describe the results of each training set at a budget, tested on its own noise.

    Parameters
    ----------
    differences : pandas.DataFrame
        The output of `summary.summarise`.
    budget : str
    levels : str
        One level ("0.4") or "all", the mean over the levels.

    Returns
    -------
    pairs, leaders : list of str
        Sentences on the pair of the question, and sentences on the leading arms.
    """
    own = differences[
        own_noise(differences) & (differences.levels == levels) & (differences.budget == budget)
    ]
    conditions = [rows for _, rows in own.groupby(["trained_on", "clipped"], sort=False)]
    pairs, leaders = (
        [pair(rows, *PAIR) for rows in conditions],
        [leader(rows) for rows in conditions],
    )
    return [text for text in pairs if text], [text for text in leaders if text]


def pair(rows: pd.DataFrame, arm: str, other: str) -> str:
    """Describe one difference of a condition, the better arm first.

    Empty if the pair was not measured.
    """
    found = rows[(rows.arm == arm) & (rows.other == other)]
    if found.empty:
        return ""
    row = found.iloc[0]
    if row.psnr_db < 0:
        row = rows[(rows.arm == other) & (rows.other == arm)].iloc[0]
    first, second = labels.in_text(row.arm), labels.in_text(row.other)
    gap = interval(row)
    if row.seeds == 1:
        return f"{_where(row)}, {first} scores {gap} more than {second}. {_design(row)}"
    if row.verdict == "better":
        return f"{_where(row)}, {first} beats {second} by {gap}. {_design(row)}"
    known = "are equal" if row.verdict == "equal" else "may be equal or not"
    return f"{_where(row)}, {first} and {second} {known}: they differ by {gap}. {_design(row)}"


def leader(rows: pd.DataFrame) -> str:
    """Describe the leading arm of a condition, and its margin over every other arm.

    Ceilings do not compete.
    """
    rows = rows[~rows.arm.isin(CEILINGS) & ~rows.other.isin(CEILINGS)]
    if rows.empty or rows.seeds.max() == 1:  # one training per arm does not separate arms
        return ""
    worst_gap = rows.groupby("arm").psnr_db.min()
    best = worst_gap.idxmax()
    own = rows[rows.arm == best].sort_values("psnr_db")
    text = f"{_where(own.iloc[0])}, {labels.in_text(best)} has the highest mean"
    for verdict, known in (("equal", "equal to"), ("undecided", "undecided against")):
        if len(same := own[own.verdict == verdict]):
            text += f", {known} {listed([labels.in_text(arm) for arm in same.other])}"
    beaten = own[own.verdict == "better"]
    if len(beaten):
        gaps = [f"{labels.in_text(row.other)} ({interval(row)})" for row in beaten.itertuples()]
        text += f"; it beats {listed(gaps)}"
    return text + "."


def _where(row: pd.Series) -> str:
    levels = "mean over the levels" if row.levels == "all" else f"sigma {row.levels}"
    tested = f"{labels.dataset(row.tested_on)} ({labels.noise(row.noise, row.clipped)}, {levels})"
    return f"On {tested} at {labels.BUDGETS[row.budget]}"


def _design(row: pd.Series) -> str:
    size = f"{labels.counted(row.seeds, 'training seed')}, {row.pictures:,} images"
    size += f" of {row.groups:,} fonts" if row.groups < row.pictures else ""
    alone = "; another seed may reverse the order" if row.seeds == 1 else ""
    return f"({size}{alone}; power is 80 % at a difference of {row.resolvable_db:.2f} dB.)"


def interval(row: Any) -> str:
    """Format a difference with its interval: "0.31 dB [0.24, 0.38]"; a zero has no sign."""
    gap, low, high = (
        round(value, 2) + 0.0 for value in (row.psnr_db, row.psnr_db_low, row.psnr_db_high)
    )
    return f"{gap:.2f} dB [{low:.2f}, {high:.2f}]"


def listed(names: list[str]) -> str:
    """Join names: "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
