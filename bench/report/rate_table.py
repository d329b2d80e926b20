"""Table of the learning rates: the difference of the pair at one common rate and at each own."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from bench import labels
from bench.report.sentences import PAIR
from bench.report.tables import Table
from bench.sweep import rates
from bench.sweep.recipe import Recipe


def tables(trials: pd.DataFrame, recipe: Recipe) -> Iterator[Table]:
    """Yield the table of the recipe's backbone, with a row per training set, if it has trials.

    `trials` is the output of `rates.table`; the common rate is `recipe.lr`.
    """
    trials = trials[trials.body == recipe.body]
    if trials.empty:
        return
    means = trials.groupby(["dataset", "arm", "lr"], sort=False).validation_psnr_db.mean()
    best = rates.best(trials).set_index(["dataset", "arm"])
    rows = []
    for dataset in dict.fromkeys(trials.dataset):
        arms = [arm for arm in dict.fromkeys(trials.arm) if (dataset, arm) in best.index]
        if not set(PAIR) <= set(arms):
            continue
        at = {arm: means.get((dataset, arm, recipe.lr), float("nan")) for arm in PAIR}
        own = {arm: best.validation_psnr_db[dataset, arm] for arm in PAIR}
        rows.append(
            {
                "Training set": labels.dataset(dataset),
                f"At {recipe.lr:g}": f"{at[PAIR[0]] - at[PAIR[1]]:+.2f}",
                "Each at its own": f"{own[PAIR[0]] - own[PAIR[1]]:+.2f}",
            }
            | {labels.arm(arm).label: f"{best.lr[dataset, arm]:g}" for arm in arms}
        )
    first, second = map(labels.in_text, PAIR)
    tried = sorted(trials.lr.unique())
    yield Table(
        "Learning rates",
        f"PSNR of {first} minus PSNR of {second} in dB, at one common learning rate and at each "
        f"arm's best of {', '.join(f'{rate:g}' for rate in tried)}; then the best rate of each "
        f"arm. Mean over the levels and {trials.seed.nunique()} seeds, {trials.images.max():,} "
        "training images, validation images. Every arm has the same trials.",
        pd.DataFrame(rows).fillna(""),
    )
