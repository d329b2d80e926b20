"""Intervals of scores over images and training seeds, and letters of ties between arms.

Scores form a complete crossed layout: arms x seeds x images. Images and seeds are both resampled:

- Images, or groups of dependent images, are drawn together for all arms and seeds. The difficulty
  of an image then cancels in a difference.
- Seeds are resampled as residuals of the two-way layout arms x seeds. The residuals exclude the
  effect that a seed has on all arms (`bench.stats.variance`).

The interval is a t interval around the mean, with the bootstrap's standard deviation. Its degrees
of freedom follow from the numbers of images and seeds (Satterthwaite). Percentile intervals would
cover less than their level.

Each interval holds for its own pair. The letters hold for all pairs of an analysis at once: if no
two arms differ, 19 of 20 analyses have one letter. Their level is the value that the largest
studentized difference exceeds in 1 of 20 resamples (max-t). Two arms may therefore share a letter
although the interval of their difference excludes 0.

References
----------
Hothorn, Bretz, Westfall, "Simultaneous inference in general parametric models", Biometrical
Journal, 2008 (max-t).
Owen, "The pigeonhole bootstrap", Annals of Applied Statistics, 2007 (resampling crossed layouts).
Piepho, "An algorithm for a letter-based representation of all-pairwise comparisons", JCGS, 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from bench.stats.variance import OverPictures, OverSeeds, freedom_of, over_pictures, over_seeds

LEVEL = 0.95
POWER = 0.8
FOUND = 1 + stats.norm.ppf(POWER) / stats.norm.ppf((1 + LEVEL) / 2)
"""Half widths of the smallest true difference that is detected with probability `POWER`.

A difference is detected if its interval excludes 0.
"""


@dataclass(frozen=True)
class Comparison:
    """Comparison of arms scored on the same images by networks of the same seeds.

    Attributes
    ----------
    mean, low, high : ndarray
        (A,): the mean score of each arm, and its 95 % interval.
    difference, difference_low, difference_high : ndarray
        (A, A): row minus column.
    apart : ndarray
        (A, A) bool: competing arms that differ in the test of all pairs at once.
    inside : ndarray
        (A,) bool: competing arms. Ceilings do not compete: they have no letters and are left out of
        `resolvable`.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    difference: np.ndarray
    difference_low: np.ndarray
    difference_high: np.ndarray
    apart: np.ndarray
    inside: np.ndarray

    @property
    def tied(self) -> np.ndarray:
        """(A, A) bool: True if the interval of the difference contains 0, or is NaN."""
        return ~((self.difference_low > 0) | (self.difference_high < 0))

    @property
    def resolvable(self) -> float:
        """True difference that this design detects with probability `POWER`.

        It is `FOUND` half widths, median over the pairs of competing arms with a finite width; NaN
        if there is no such pair.
        """
        half = (self.difference_high - self.difference_low)[np.ix_(self.inside, self.inside)] / 2
        pairs = half[np.triu_indices(len(half), 1)]
        return float(FOUND * np.nanmedian(pairs)) if np.isfinite(pairs).any() else np.nan


def compare(
    scores: np.ndarray, groups: Sequence[str] | None = None, inside: Sequence[bool] | None = None
) -> Comparison:
    """Compute means, intervals and differences of the scores of several arms.

    With one seed, intervals are over images alone; with one group of images they are NaN. One
    infinite score (an estimate equal to its target) makes the mean infinite and the interval NaN,
    so it is never averaged silently.

    Parameters
    ----------
    scores : ndarray
        (A, S, N): arms, seeds, images.
    groups : sequence of str, optional
        (N,): images with the same name are dependent (letters of one font). By default all images
        are independent.
    inside : sequence of bool, optional
        (A,): competing arms, which share information about the variance over seeds. By default all
        arms compete.

    Returns
    -------
    Comparison
    """
    arms, _, pictures = scores.shape
    labels = np.arange(pictures) if groups is None else pd.factorize(np.asarray(groups))[0]
    among = np.ones(arms, bool) if inside is None else np.asarray(inside, bool)
    mean = scores.mean((1, 2))
    with np.errstate(invalid="ignore"):
        difference = mean[:, None] - mean[None, :]
    usable = np.isfinite(scores).all((1, 2))
    half, gaps, joint = (
        np.full(arms, np.nan),
        np.full((arms, arms), np.nan),
        np.full((arms, arms), np.nan),
    )
    np.fill_diagonal(gaps, 0.0)
    if labels.max(initial=0) > 0 and usable.any():
        block = np.ix_(usable, usable)
        half[usable], gaps[block], joint[block] = _half_widths(
            scores[usable], labels, among[usable]
        )
    apart = (np.abs(difference) > joint) & among[:, None] & among
    low, high = difference - gaps, difference + gaps
    return Comparison(mean, mean - half, mean + half, difference, low, high, apart, among)


def letters(comparison: Comparison) -> list[str]:
    """Return the letters of each arm: arms that share a letter are tied.

    The best arm has the letter "a". This is the compact letter display of Piepho, 2004, for all
    pairs at once. Arms that do not compete have no letter.
    """
    competing = np.flatnonzero(comparison.inside)
    groups = [set(competing)]
    for i, j in zip(*np.nonzero(comparison.apart), strict=True):
        if i < j:
            split = [group - {one} for group in groups if {i, j} <= group for one in (i, j)]
            groups = [group for group in groups if not {i, j} <= group] + split
            groups = [
                g
                for n, g in enumerate(groups)
                if not any(g < h or (g == h and m < n) for m, h in enumerate(groups))
            ]
    groups.sort(key=lambda group: -max((comparison.mean[arm] for arm in group), default=0.0))
    names = [chr(ord("a") + number) for number in range(len(groups))]
    return [
        "".join(name for name, group in zip(names, groups, strict=True) if arm in group)
        for arm in range(len(comparison.mean))
    ]


def _half_widths(
    scores: np.ndarray, groups: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return half widths of 95 % intervals: of means, of differences, of all differences at once.

    The shapes are (A,), (A, A) and (A, A). The scores must be finite. The last array holds for all
    pairs of the arms `inside` at once.
    """
    arms, seeds, _ = scores.shape
    pictures, trained = over_pictures(scores.mean(1), groups), over_seeds(scores.mean(2), inside)
    half = [_half_of_mean(arm, seeds, pictures, trained) for arm in range(arms)]
    first, second = np.triu_indices(arms, 1)
    resampled = pictures.resampled + trained.errors
    gaps = resampled[:, first] - resampled[:, second]  # (B, pairs)
    freedom = [
        _freedom_of_difference(i, j, seeds, pictures, trained)
        for i, j in zip(first.tolist(), second.tolist(), strict=True)
    ]
    share = _share_of_one(gaps[:, inside[first] & inside[second]])
    single, joint = np.zeros((arms, arms)), np.zeros((arms, arms))
    for table, missed in ((single, 1 - LEVEL), (joint, share)):
        table[first, second] = stats.t.isf(missed / 2, freedom) * gaps.std(0, ddof=1)
    return np.array(half), single + single.T, joint + joint.T


def _share_of_one(gaps: np.ndarray) -> float:
    """Return the error rate of one interval at which all pairs together hold at `LEVEL`.

    `gaps` is (B, pairs). The bootstrap gives the correlation between pairs; the t distribution of
    each pair gives the weight of its tails.
    """
    size = gaps.std(0, ddof=1)
    gaps, size = gaps[:, size > 0], size[size > 0]
    if len(size) < 2:
        return 1 - LEVEL
    largest = np.abs((gaps - gaps.mean(0)) / size).max(1)
    return float(min(1 - LEVEL, 2 * stats.norm.sf(np.quantile(largest, LEVEL))))


def _half_of_mean(arm: int, seeds: int, pictures: OverPictures, trained: OverSeeds) -> float:
    weights = np.zeros(len(trained.variance))
    weights[arm] = 1
    parts = [
        (pictures.variance(weights), pictures.freedom),
        (trained.variance[arm] / seeds, trained.freedom[arm]),
        (trained.shared_variance / seeds, max(1, seeds - 1)),
    ]
    resampled = pictures.resampled[:, arm] + trained.errors[:, arm] + trained.shared
    return float(stats.t.isf((1 - LEVEL) / 2, freedom_of(parts)) * resampled.std(ddof=1))


def _freedom_of_difference(
    i: int, j: int, seeds: int, pictures: OverPictures, trained: OverSeeds
) -> float:
    weights = np.zeros(len(trained.variance))
    weights[i], weights[j] = 1, -1
    variance, freedom = trained.of_difference(i, j)
    return freedom_of([(pictures.variance(weights), pictures.freedom), (variance / seeds, freedom)])
