"""Intervals of scores and of differences, over images and training seeds, and their verdicts.

The scores of a method are a layout seeds x images. The variance of its mean has two parts:

- over seeds: the means over the images of each seed scatter;
- over images, or groups of dependent images: the means over the seeds of each group scatter.

Both parts hold the interaction of seeds and images, so their sum is slightly too large. Each part
has a t interval with its own degrees of freedom. The square of the half width is the sum of the
squares of theirs (Howe), which covers at least as often as stated even with three seeds.

The interval of a difference uses the differences of the two methods alone, paired by seed and by
image. The difficulty of an image and the order of the training images of a seed then cancel. Other
methods do not change it, so two identical networks have identical verdicts in every table.

References
----------
Owen, "The pigeonhole bootstrap", Annals of Applied Statistics, 2007 (variance in crossed layouts).
Cochran, "Sampling techniques", 3rd edition, 1977, chapter 9A (clusters of unequal size).
Howe, "Approximate confidence limits on the mean of X + Y where X and Y are two tabled independent
random variables", JASA, 1974.
Schuirmann, "A comparison of the two one-sided tests procedure and the power approach", 1987
(equivalence tests).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95
MARGIN = 0.05
"""PSNR difference in dB that does not matter: two methods within it are equal."""

BETTER, WORSE, EQUAL, UNDECIDED = "better", "worse", "equal", "undecided"
POWER = 0.8
FOUND = 1 + stats.norm.ppf(POWER) / stats.norm.ppf((1 + LEVEL) / 2)
"""Half widths of the smallest true difference that is detected with probability `POWER`.

A difference is detected if its interval excludes 0.
"""


@dataclass(frozen=True)
class Interval:
    """Mean of scores or of differences, and its 95 % interval.

    Attributes
    ----------
    mean, low, high : float
    half_90 : float
        Half width of the 90 % interval, which an equivalence test at 5 % needs.
    seeds : int
        Number of training seeds.
    """

    mean: float
    low: float
    high: float
    half_90: float
    seeds: int

    @property
    def verdict(self) -> str:
        """Verdict on a difference.

        `equal`: within `MARGIN` by the equivalence test at 5 %, whether or not 0 lies inside the
        interval. `better` or `worse`: the interval excludes 0. Else, or with one seed, which tells
        nothing about further trainings: `undecided`.
        """
        if self.seeds < 2 or np.isnan(self.half_90):
            return UNDECIDED
        if abs(self.mean) + self.half_90 <= MARGIN:
            return EQUAL
        if self.low > 0 or self.high < 0:
            return BETTER if self.mean > 0 else WORSE
        return UNDECIDED

    @property
    def resolvable(self) -> float:
        """True difference that this design detects with probability `POWER`."""
        return float(FOUND * (self.high - self.low) / 2)


def interval(scores: np.ndarray, groups: Sequence[str] | np.ndarray | None = None) -> Interval:
    """Compute a mean over seeds and images with its interval.

    With one seed the interval is over images alone; with one group of images it is NaN. One
    infinite score (an estimate equal to its target) makes the mean infinite and the interval NaN,
    so it is never averaged silently.

    Parameters
    ----------
    scores : ndarray
        (S, N): seeds, images.
    groups : sequence of str or array, optional
        (N,): images with the same name or number are dependent (letters of one font). By default
        all images are independent.
    """
    seeds, images = scores.shape
    mean = float(scores.mean())
    labels = np.arange(images) if groups is None else pd.factorize(np.asarray(groups))[0]
    count = int(labels.max(initial=0)) + 1
    if count < 2 or not np.isfinite(scores).all():
        return Interval(mean, np.nan, np.nan, np.nan, seeds)
    of_group = np.bincount(labels, scores.mean(0) - mean) / images
    parts = [(float(np.square(of_group).sum()) * count / (count - 1), count - 1)]
    if seeds > 1:
        parts.append((float(scores.mean(1).var(ddof=1)) / seeds, seeds - 1))
    half, half_90 = (
        float(np.sqrt(sum(variance * _quantile(level, free) ** 2 for variance, free in parts)))
        for level in (LEVEL, 0.9)
    )
    return Interval(mean, mean - half, mean + half, half_90, seeds)


def difference(
    scores: np.ndarray, other: np.ndarray, groups: Sequence[str] | np.ndarray | None = None
) -> Interval:
    """Compute the mean of `scores` minus `other` with its interval.

    Both are (S, N), with the same seeds and images in the same order. `groups` is that of
    `interval`.
    """
    with np.errstate(invalid="ignore"):
        return interval(scores - other, groups)


def half_width(values: np.ndarray) -> float:
    """Return the half width of the 95 % t interval of a mean; NaN for one value.

    `values`, (S,), are one number for each seed: the test images are taken as fixed.
    """
    if len(values) < 2:
        return float("nan")
    return _quantile(LEVEL, len(values) - 1) * float(np.std(values, ddof=1)) / len(values) ** 0.5


@functools.lru_cache(maxsize=1_000)
def _quantile(level: float, freedom: int) -> float:
    """Return the half width of a t interval, in standard errors."""
    return float(stats.t.isf((1 - level) / 2, freedom))
