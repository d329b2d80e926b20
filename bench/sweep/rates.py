"""Learning rate of every arm and training set, from trainings at several rates.

The best rate has the highest mean validation score. Every arm has the same number of trials. A
trial that diverged has no score, and its rate is never the best.
"""

from __future__ import annotations

import functools

import pandas as pd

from bench import paths
from bench.schema import LEARNING_RATES
from bench.tables_io.frames import read_csv

FILE = paths.RESULTS / "learning-rates.csv"
KEY = ["body", "dataset", "arm"]


def table() -> pd.DataFrame:
    """Read the trials: one row per backbone, training set, arm, rate and seed.

    There are no rows without the file, which a wheel does not hold.
    """
    return (
        read_csv(FILE, LEARNING_RATES) if FILE.exists() else pd.DataFrame(columns=[*LEARNING_RATES])
    )


def best(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the best rate of each arm and training set.

    `edge` is True if the best rate is the lowest or the highest that was tried.
    """
    scores = trials.groupby([*KEY, "lr"], sort=False).validation_psnr_db
    means = scores.mean(skipna=False).reset_index()
    rows = means.loc[means.groupby(KEY, sort=False).validation_psnr_db.idxmax()]
    tried = (
        means.groupby(KEY)
        .lr.agg(["min", "max"])
        .reindex(rows[KEY].itertuples(index=False, name=None))
    )
    edge = (rows.lr.to_numpy() == tried["min"].to_numpy()) | (
        rows.lr.to_numpy() == tried["max"].to_numpy()
    )
    return rows.assign(edge=edge).reset_index(drop=True)


def of(body: str, dataset: str, arm: str, common: float) -> float:
    """Return the tuned learning rate of an arm, or `common` if there are no trials of it."""
    return _tuned().get((body, dataset, arm), common)


@functools.cache
def _tuned() -> dict[tuple[str, str, str], float]:
    rows = best(table()) if FILE.exists() else pd.DataFrame(columns=[*KEY, "lr"])
    return {(row.body, row.dataset, row.arm): float(row.lr) for row in rows.itertuples()}
