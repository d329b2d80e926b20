"""Scores by training length: differences of the arms, gain of a doubling, images to a score."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench import labels
from bench.report.sentences import PAIR, listed
from bench.report.tables import Table
from bench.stats import intervals
from bench.sweep.budgets import REFERENCE

WHERE = ["dataset", "clipped", "budget"]
CONVERGED = 0.03
"""Gain in dB of a doubling of the training length, below which an arm has converged."""


def of_budgets(methods: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Join the curves with their networks: one row per network, length and budget."""
    facts = methods[["method", "dataset", "clipped", "arm", "budgets", "seed"]]
    rows = curves.merge(facts[facts.budgets.notna()], on="method")
    rows = rows.assign(budget=rows.budgets.str.split()).explode("budget")
    return rows.drop(columns="budgets").reset_index(drop=True)


def none() -> pd.DataFrame:
    """Return the empty output of `of_budgets`."""
    known = ["method", "images", "validation_psnr_db", "psnr_db", "ssim", "arm", "seed"]
    return pd.DataFrame(columns=[*known, *WHERE])


def differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare every arm with nearest + conv at every length, paired by seed.

    Parameters
    ----------
    rows : pandas.DataFrame
        The output of `of_budgets`.

    Returns
    -------
    pandas.DataFrame
        Columns of `WHERE`, arm, images, seeds, psnr_db (mean difference), low and high: the 95 %
        interval over training seeds for these test images; NaN with one seed.
    """
    table = rows.pivot_table(
        index=[*WHERE, "images", "seed"], columns="arm", values="psnr_db", sort=False
    )
    if REFERENCE not in table:
        return pd.DataFrame(columns=[*WHERE, "arm", "images", "seeds", "psnr_db", "low", "high"])
    found = []
    for arm in table.columns.drop(REFERENCE):
        gaps = (table[arm] - table[REFERENCE]).dropna()
        for place, of_seed in gaps.groupby(level=[*WHERE, "images"], sort=False):
            half = intervals.half_width(of_seed.to_numpy())
            mean = float(of_seed.mean())
            found.append(
                dict(zip([*WHERE, "images"], place, strict=True))
                | {"arm": arm, "seeds": len(of_seed), "psnr_db": mean}
                | {"low": mean - half, "high": mean + half}
            )
    return pd.DataFrame(found)


def doublings(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean gain of the last doubling of the length, by training set, budget and arm.

    Columns of `WHERE`, arm, images (the longer length) and gain_db.
    """
    means = rows.groupby([*WHERE, "arm", "images"], sort=False).psnr_db.mean().reset_index()
    last = means.groupby([*WHERE, "arm"]).images.transform("max")
    pairs = means[means.images == last].merge(
        means.assign(images=2 * means.images),
        on=[*WHERE, "arm", "images"],
        suffixes=("", "_half"),
    )
    return pairs.assign(gain_db=pairs.psnr_db - pairs.psnr_db_half)


def images_needed(rows: pd.DataFrame, arm: str, score: float) -> float:
    """Interpolate the length at which the mean of an arm reaches a score.

    `rows` are those of one training set and budget. Linear in the logarithm of the length; NaN
    outside the lengths that were trained.
    """
    means = rows[rows.arm == arm].groupby("images").psnr_db.mean().sort_index()
    rising = means.cummax()
    if len(rising) < 2 or not rising.iloc[0] <= score <= rising.iloc[-1]:
        return float("nan")
    return float(np.exp(np.interp(score, rising, np.log(rising.index.to_numpy(float)))))


def table(rows: pd.DataFrame) -> Table:
    """Tabulate the difference of the pair by length (columns), per training set and budget."""
    gaps = differences(rows)
    gaps = gaps[(gaps.arm == PAIR[1]) & gaps.budget.isin(labels.asked(gaps.budget))]
    cells = pd.DataFrame(
        {
            "Trained and tested on": [
                f"{labels.dataset(row.dataset)}, {'clipped' if row.clipped else 'unclipped'}"
                for row in gaps.itertuples()
            ],
            "Budget": gaps.budget.map(labels.BUDGETS),
            "images": gaps.images,
            "gap": [_cell(row) for row in gaps.itertuples()],
        }
    ).pivot(index=["Trained and tested on", "Budget"], columns="images", values="gap")
    cells.columns = [f"{images:,} images" for images in cells.columns]
    first, second = map(labels.in_text, PAIR)
    return Table(
        "Difference by training length",
        f"PSNR of {first} minus PSNR of {second} in dB, mean over the levels and test images, with "
        "its 95 % interval over training seeds. Each length is a whole training with its own decay "
        "of the learning rate.",
        cells.fillna("").reset_index(),
    )


def _cell(row) -> str:
    gap = f"{-row.psnr_db + 0.0:+.2f}"
    return gap if row.seeds == 1 else f"{gap} [{-row.high:.2f}, {-row.low:.2f}]"


def sentences(rows: pd.DataFrame) -> list[str]:
    """Describe the gain of the last doubling, and the images that each arm of the pair needs."""
    found = []
    for (dataset, clipped, budget), part in rows.groupby(WHERE, sort=False):
        if budget not in labels.asked(rows.budget):
            continue
        gains = doublings(part)
        if gains.empty or not set(PAIR) <= set(part.arm):
            continue
        longest = int(gains.images.max())
        low, high = gains.gain_db.min(), gains.gain_db.max()
        where = f"{labels.dataset(dataset)} {'clipped' if clipped else 'unclipped'}"
        text = (
            f"On {where} at {labels.BUDGETS[budget]}, the last doubling, to {longest:,} images, "
            f"gains {low:.2f} to {high:.2f} dB"
        )
        means = part[part.images == longest].groupby("arm").psnr_db.mean()
        ahead, behind = sorted(PAIR, key=lambda arm: -means[arm])
        needed = images_needed(part, ahead, float(means[behind]))
        if np.isfinite(needed):
            text += (
                f"; {labels.in_text(ahead)} reaches the last score of {labels.in_text(behind)} "
                f"after {needed / longest:.0%} of the images"
            )
        found.append(text + ".")
    return found


def converged(rows: pd.DataFrame) -> str:
    """State which training sets have converged at their longest length."""
    gains = doublings(rows)
    worst = gains.groupby(["dataset", "clipped"], sort=False).gain_db.max()
    there = [
        f"{labels.dataset(dataset)} {'clipped' if clipped else 'unclipped'} ({gain:.2f} dB)"
        for (dataset, clipped), gain in worst.items()
    ]
    left = worst[worst > CONVERGED]
    return (
        (
            f"Largest gain of the last doubling, over the arms: {listed(there)}. "
            + ("Every arm has converged" if left.empty else "Longer training would still gain")
            + f" by the rule of {CONVERGED} dB."
        )
        if there
        else ""
    )
