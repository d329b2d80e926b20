"""Intervals over pictures and training seeds, and who ties with whom.

Scores form a crossed layout: every seed's network cleans the same pictures, and the arms share pictures and seeds. So
pictures and seeds are both resampled, the same ones for all arms, and a difference between two arms is taken within
each resample ("pigeonhole bootstrap"). Its standard deviation is the standard error. With three seeds the
percentiles of a bootstrap would cover far less than they claim: deviations between seeds are rescaled by
sqrt(S / (S - 1)), and the interval is a t interval whose degrees of freedom (Satterthwaite) sink to S - 1 where the
seeds make the difference.

References
----------
Owen, "The pigeonhole bootstrap", Annals of Applied Statistics, 2007.
Rao and Wu, "Resampling inference with complex survey data", JASA, 1988 (the rescaling).
Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics, 1946.
Piepho, "An algorithm for a letter-based representation of all-pairwise comparisons", JCGS, 2004.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy import stats

RESAMPLES = 2_000
LEVEL = 0.95


@dataclass(frozen=True)
class Comparison:
    """Arms scored on the same pictures by networks of the same seeds.

    Attributes
    ----------
    mean, low, high : ndarray
        (A,): the mean score of each arm, and its 95 % interval.
    difference, difference_low, difference_high : ndarray
        (A, A): row minus column.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    difference: np.ndarray
    difference_low: np.ndarray
    difference_high: np.ndarray

    @property
    def tied(self) -> np.ndarray:
        """(A, A) bool: whether the interval of the difference contains 0. NaN intervals decide nothing: tied."""
        return ~((self.difference_low > 0) | (self.difference_high < 0))

    @property
    def resolvable(self) -> float:
        """The smallest difference that this design resolves: the median half width of the differences' intervals."""
        upper = np.triu_indices(len(self.mean), 1)
        return float(np.median((self.difference_high - self.difference_low)[upper] / 2)) if len(upper[0]) else np.nan


def compare(scores: np.ndarray) -> Comparison:
    """Means, intervals and differences of (A, S, N) scores: arms, seeds, pictures.

    The interval of one seed speaks of the pictures alone; that of one picture is NaN. One infinite score (an estimate
    that equals its target) makes the mean infinite and the interval NaN, so it is never averaged silently.
    """
    arms = len(scores)
    mean = scores.mean((1, 2))
    with np.errstate(invalid="ignore"):
        difference = mean[:, None] - mean[None, :]
    resampled = _resampled_means(scores)  # (B, A)
    half, half_difference = np.empty(arms), np.zeros((arms, arms))
    for i in range(arms):
        half[i] = _half_width(scores[i], resampled[:, i])
        for j in range(i):
            with np.errstate(invalid="ignore"):
                gap, gaps = scores[i] - scores[j], resampled[:, i] - resampled[:, j]
            half_difference[i, j] = half_difference[j, i] = _half_width(gap, gaps)
    return Comparison(
        mean, mean - half, mean + half, difference, difference - half_difference, difference + half_difference
    )


def letters(comparison: Comparison) -> list[str]:
    """Arms that share a letter are tied; "a" holds the best. The compact letter display of Piepho, 2004."""
    groups = [set(range(len(comparison.mean)))]
    tied = comparison.tied
    for i, j in zip(*np.nonzero(~tied), strict=True):
        if i < j:
            split = [group - {one} for group in groups if {i, j} <= group for one in (i, j)]
            groups = [group for group in groups if not {i, j} <= group] + split
            groups = [
                g for n, g in enumerate(groups) if not any(g < h or (g == h and m < n) for m, h in enumerate(groups))
            ]
    groups.sort(key=lambda group: -max(comparison.mean[arm] for arm in group))
    names = [chr(ord("a") + number) for number in range(len(groups))]
    return ["".join(name for name, group in zip(names, groups, strict=True) if arm in group)
            for arm in range(len(comparison.mean))]  # fmt: skip


def _resampled_means(scores: np.ndarray) -> np.ndarray:
    """(A, S, N) -> (B, A): the means under resampled pictures and seeds."""
    _, seeds, pictures = scores.shape
    with np.errstate(invalid="ignore"):
        means = np.einsum("asn,bn->bas", scores, _drawn(pictures), optimize=True)
        if seeds > 1:
            centre = means.mean(2, keepdims=True)
            means = centre + (means - centre) * np.sqrt(seeds / (seeds - 1))
        return np.einsum("bas,bs->ba", means, _drawn(seeds, stream=1))


@functools.lru_cache(maxsize=8)
def _drawn(count: int, stream: int = 0) -> np.ndarray:
    """(B, count): the weight of each of `count` things in each resample. Always the same, so that reports are too."""
    random = np.random.default_rng([count, stream])
    return random.multinomial(count, [1 / count] * count, RESAMPLES) / count


def _half_width(scores: np.ndarray, resampled: np.ndarray) -> float:
    """Half the 95 % interval of the mean of (S, N) scores whose resampled means are (B,)."""
    seeds, pictures = scores.shape
    if pictures < 2 or not np.isfinite(scores).all():
        return float("nan")
    by_picture = scores.mean(0).var(ddof=1) / pictures
    by_seed = scores.mean(1).var(ddof=1) / seeds if seeds > 1 else 0.0
    if by_picture + by_seed == 0:
        return 0.0
    freedom = (by_picture + by_seed) ** 2 / (
        by_picture**2 / (pictures - 1) + (by_seed**2 / (seeds - 1) if seeds > 1 else 0.0)
    )
    return float(stats.t.ppf((1 + LEVEL) / 2, freedom) * resampled.std(ddof=1))
