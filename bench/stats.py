"""Intervals over pictures and training seeds, and who ties with whom.

Scores form a crossed layout: arms x seeds x pictures, all complete. Both are resampled: the pictures, the same ones for
all arms and seeds, so that what makes a picture hard cancels in a difference; and the seeds, as the residuals of the
two-way layout arms x seeds, from which what a seed does to all arms (it decides order and noise) is taken out. Three
seeds an arm are too few to know how each arm scatters, so residuals are drawn from those of all arms together: the one
assumption is that training scatters alike in all arms. They are rescaled, since residuals are smaller than errors. The
interval is a t interval around the mean with the bootstrap's standard deviation, and with as many degrees of freedom as
the seeds leave where the seeds make the difference (Satterthwaite): percentiles would cover less than they claim.

References
----------
Owen, "The pigeonhole bootstrap", Annals of Applied Statistics, 2007 (resampling crossed layouts).
Davison and Hinkley, "Bootstrap methods and their application", 1997 (residuals, and their rescaling).
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
    usable = np.isfinite(scores).all((1, 2))
    half, half_difference = np.full(arms, np.nan), np.full((arms, arms), np.nan)
    np.fill_diagonal(half_difference, 0.0)
    if scores.shape[2] > 1 and usable.any():
        half[usable], half_difference[np.ix_(usable, usable)] = _half_widths(scores[usable])
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


def _half_widths(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the 95 % intervals of the means, (A,), and of the differences, (A, A), of finite scores."""
    arms, seeds, pictures = scores.shape
    effects, residuals = _two_way(scores.mean(2))
    by_picture = scores.mean(1)  # (A, N)
    sampled = _drawn(pictures) @ by_picture.T  # (B, A)
    errors = np.stack([residuals[_picked(residuals.size, seeds, arm)].mean(1) for arm in range(arms)], axis=1)
    shared = effects[_picked(effects.size, seeds, arms)].mean(1, keepdims=True)
    freedom = {"residual": (arms - 1) * (seeds - 1) or seeds - 1, "effect": seeds - 1}
    half = [
        _half(
            (sampled + errors + shared)[:, i],
            [
                (by_picture[i].var(ddof=1) / pictures, pictures - 1),
                (residuals.var() / seeds, freedom["residual"]),
                (effects.var() / seeds, freedom["effect"]),
            ],
        )
        for i in range(arms)
    ]
    gaps = np.zeros((arms, arms))
    for i in range(arms):
        for j in range(i):
            resampled = (sampled[:, i] + errors[:, i]) - (sampled[:, j] + errors[:, j])
            of_pictures = (by_picture[i] - by_picture[j]).var(ddof=1) / pictures
            parts = [(of_pictures, pictures - 1), (2 * residuals.var() / seeds, freedom["residual"])]
            gaps[i, j] = gaps[j, i] = _half(resampled, parts)
    return np.array(half), gaps


def _two_way(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(A, S) means of arms and seeds -> what each seed does to all arms, and the rest, each scaled to be unbiased.

    The variance of either array, without a correction, is the variance of what it stands for.
    """
    arms, seeds = means.shape
    if seeds == 1:
        return np.zeros(1), np.zeros(1)
    within = means - means.mean(1, keepdims=True)  # (A, S)
    if arms == 1:
        return np.zeros(1), within.ravel() * np.sqrt(seeds / (seeds - 1))
    effect = within.mean(0)  # (S,)
    residual = (within - effect) * np.sqrt(arms * seeds / ((arms - 1) * (seeds - 1)))
    variance = effect.var(ddof=1)
    own = max(0.0, variance - residual.var() / arms)  # the mean over arms scatters by itself
    scale = np.sqrt(own / effect.var()) if variance > 0 else 0.0
    return effect * scale, residual.ravel()


def _half(resampled: np.ndarray, parts: list[tuple[float, int]]) -> float:
    """Half a 95 % t interval; `parts` are the variances that make up the whole, with their degrees of freedom."""
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(variance**2 / degrees for variance, degrees in parts if variance > 0)
    return float(stats.t.ppf((1 + LEVEL) / 2, freedom) * resampled.std(ddof=1))


@functools.lru_cache(maxsize=8)
def _drawn(pictures: int) -> np.ndarray:
    """(B, N): the weight of each picture in each resample. Always the same, so that reports are too."""
    return np.random.default_rng(pictures).multinomial(pictures, [1 / pictures] * pictures, RESAMPLES) / pictures


@functools.lru_cache(maxsize=64)
def _picked(count: int, seeds: int, stream: int) -> np.ndarray:
    """(B, S): which of `count` residuals stand for the seeds of each resample; another choice for each arm."""
    return np.random.default_rng([count, seeds, stream]).integers(count, size=(RESAMPLES, seeds))
