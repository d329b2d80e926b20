"""Intervals over pictures."""

from __future__ import annotations

import numpy as np


def mean_ci95(values: np.ndarray) -> tuple[float, float]:
    """The mean of per-picture scores and the half width of its 95 % interval.

    The interval is 1.96 standard errors: over hundreds of pictures a bootstrap gives the same. It speaks of the
    pictures alone, not of other training seeds. One infinite score (a picture that equals its target) makes the mean
    infinite and the interval NaN, so it is never averaged silently; a single picture has no interval (NaN).
    """
    with np.errstate(invalid="ignore"):
        half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return float(values.mean()), float(half)
