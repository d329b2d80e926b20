"""Committed scores of two decoders at one noise level: their lead, and its spread by seed."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import pandas as pd

FILE = Path(__file__).parents[2] / "bench" / "results" / "small" / "summary.csv"
BUDGET = "channels"  # the decoders of a training here have equal channels too
COLUMNS = ("trained_on", "trained_clipped", "tested_on", "noise", "clipped", "levels", "budget",
           "arm", "seeds", "seed_sd_db", "psnr_db")  # fmt: skip


class Committed(NamedTuple):
    """Committed scores of a pair on MNIST.

    Attributes
    ----------
    level : float
        The nearest level with results.
    lead : float
        Mean PSNR of the first decoder minus that of the second, in dB.
    seeds : int
        Trainings of each decoder, at least.
    deviation : float
        Standard deviation of a network's PSNR over the seeds, in dB: the larger of both.
    """

    level: float
    lead: float
    seeds: int
    deviation: float


def committed(pair: tuple[str, str], level: float) -> Committed | None:
    """Return the committed scores of a pair at the nearest level; None if one has no scores."""
    rows = _rows()
    rows = rows[rows.arm.isin(pair) & rows.seed_sd_db.notna()]
    if set(rows.arm) != set(pair):
        return None
    nearest = min(rows.level, key=lambda known: abs(known - level))
    first, second = (rows[(rows.arm == name) & (rows.level == nearest)].iloc[0] for name in pair)
    return Committed(
        float(nearest),
        float(first.psnr_db - second.psnr_db),
        int(min(first.seeds, second.seeds)),
        float(max(first.seed_sd_db, second.seed_sd_db)),
    )


@functools.cache
def _rows() -> pd.DataFrame:
    rows = pd.read_csv(FILE, usecols=list(COLUMNS), dtype={"levels": str})
    of_mnist = (rows.trained_on == "mnist") & (rows.tested_on == "mnist")
    clipped = (rows.trained_clipped.astype(str) == "True") & (rows.clipped.astype(str) == "True")
    rows = rows[of_mnist & clipped & (rows.noise == "gaussian") & (rows.budget == BUDGET)]
    rows = rows.assign(level=pd.to_numeric(rows.levels, errors="coerce"))
    return rows[rows.level.notna()]
