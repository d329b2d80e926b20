"""Intervals and verdicts: they cover as often as they say, by simulation."""

import math

import numpy as np
import pytest

from bench.stats import intervals

RUNS = 1_000
SCATTERS = ["equal", "unequal", "heavy tails"]


def draw(random, scatter, *, arms, seeds, images=60, sd=0.05):
    """Draw scores (A, S, N) of arms that are equally good, on the same images and seeds."""
    shared = random.normal(20, 3, images) + random.normal(0, 0.1, (seeds, 1))
    own = random.normal(0, sd, (arms, seeds, 1))
    if scatter == "unequal":
        own *= np.array([0.25, 2] + [1] * (arms - 2))[:, None, None]
    if scatter == "heavy tails":
        own = random.standard_t(3, (arms, seeds, 1)) * sd / math.sqrt(3)
    image = random.normal(0, 0.1, (arms, 1, images))
    return shared + own + image + random.normal(0, 0.1, (arms, seeds, images))


@pytest.mark.slow
@pytest.mark.parametrize("scatter", SCATTERS)
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_interval_of_the_worst_pair_covers_the_difference_at_least_93_times_of_100(
    scatter, seeds
):
    random, arms = np.random.default_rng(seeds), 4
    hits = np.zeros((arms, arms))
    for _ in range(RUNS):
        scores = draw(random, scatter, arms=arms, seeds=seeds)
        for i in range(arms):
            for j in range(i):
                found = intervals.difference(scores[i], scores[j])
                hits[i, j] += found.low <= 0 <= found.high
    covered = hits[np.tril_indices(arms, -1)] / RUNS
    assert covered.min() >= 0.93
    assert covered.mean() <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 10])
def test_the_interval_of_a_mean_covers_it_19_times_of_20(seeds):
    random, hits = np.random.default_rng(1), 0
    for _ in range(RUNS):
        found = intervals.interval(draw(random, "equal", arms=1, seeds=seeds)[0])
        hits += found.low <= 20 <= found.high
    assert 0.93 <= hits / RUNS <= 0.985


@pytest.mark.slow
def test_a_difference_at_the_margin_is_called_equal_at_most_once_in_20():
    random, equal = np.random.default_rng(2), 0
    for _ in range(RUNS):
        scores = draw(random, "equal", arms=2, seeds=10, sd=0.03)
        found = intervals.difference(scores[0] + intervals.MARGIN, scores[1])
        equal += found.verdict == intervals.EQUAL
    assert 0.005 < equal / RUNS <= 0.06


@pytest.mark.slow
def test_a_resolvable_difference_is_detected_four_times_of_five():
    random, found = np.random.default_rng(3), 0
    sizes = [
        intervals.difference(*draw(random, "equal", arms=2, seeds=10)).resolvable
        for _ in range(200)
    ]
    gap = np.median(sizes)
    for _ in range(500):
        scores = draw(random, "equal", arms=2, seeds=10)
        found += intervals.difference(scores[0] + gap, scores[1]).low > 0
    assert 0.7 <= found / 500 <= 0.9


def constant(gaps, images=10):
    """Return two methods whose difference has these values, one per seed, on every image."""
    gaps = np.array(gaps, float)[:, None]
    return 20 + gaps + np.zeros(images), 20 + np.zeros((len(gaps), images))


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [
        ([0.30, 0.31, 0.29], "better"),
        ([-0.30, -0.31, -0.29], "worse"),
        ([0.03, 0.031, 0.029], "equal"),  # other than 0, but too small to matter
        ([0.0, 0.0, 0.0], "equal"),
        ([0.30, -0.25, 0.10], "undecided"),
        ([0.06, 0.04, 0.05], "better"),
        ([0.30], "undecided"),  # one seed tells nothing about further trainings
    ],
)
def test_a_verdict_is_better_worse_equal_or_undecided(gaps, verdict):
    assert intervals.difference(*constant(gaps)).verdict == verdict


def test_a_difference_is_the_negative_of_its_reverse():
    one, other = draw(np.random.default_rng(4), "equal", arms=2, seeds=3)
    found, reverse = intervals.difference(one, other), intervals.difference(other, one)
    assert (found.mean, found.low, found.high) == pytest.approx(
        (-reverse.mean, -reverse.high, -reverse.low)
    )


def test_pairing_resolves_a_difference_below_the_spread_over_images():
    one, other = draw(np.random.default_rng(5), "equal", arms=2, seeds=3)
    assert intervals.interval(one + 0.6).low < intervals.interval(other).high
    assert intervals.difference(one + 0.6, other).low > 0.3


def test_dependent_images_count_as_one_group():
    """Simulate fonts of ten letters; half of the difference between two arms is the font's."""
    random = np.random.default_rng(6)
    groups = np.repeat(np.arange(40), 10)
    wrong = right = 0
    for _ in range(150):
        font = random.normal(0, 0.2, (2, 1, 40))[..., groups]
        one, other = random.normal(20, 3, 400) + font + random.normal(0, 0.2, (2, 1, 400))
        alone, together = (
            intervals.difference(one, other),
            intervals.difference(one, other, [str(group) for group in groups]),
        )
        wrong += alone.low <= 0 <= alone.high
        right += together.low <= 0 <= together.high
    assert wrong / 150 < 0.75
    assert 0.9 <= right / 150 <= 0.99


def test_groups_of_one_image_change_nothing():
    one, other = draw(np.random.default_rng(7), "equal", arms=2, seeds=3)
    names = [f"{n}" for n in range(one.shape[1])]
    assert intervals.difference(one, other) == intervals.difference(one, other, names)


def test_the_variance_of_two_groups_is_unbiased():
    found = intervals.interval(np.array([[1.0, 1.0, 3.0, 3.0]]), ["a", "a", "b", "b"])
    assert found.high - 2 == pytest.approx(12.706, rel=0.001)  # t of 1 degree of freedom, sd 1


def test_one_seed_has_an_interval_over_images_alone():
    scores = np.random.default_rng(8).normal(20, 3, (1, 400))
    found = intervals.interval(scores)
    assert found.high - found.mean == pytest.approx(1.966 * scores.std(ddof=1) / 20, rel=0.001)


@pytest.mark.parametrize("groups", [None, ["one"]])
def test_one_image_has_no_interval_and_no_verdict(groups):
    found = intervals.interval(np.ones((3, 1)), groups)
    assert math.isnan(found.low)
    assert found.verdict == "undecided"


def test_an_infinite_score_is_never_averaged_silently():
    found = intervals.difference(np.array([[20.0, math.inf]]), np.array([[20.0, 21.0]]))
    assert math.isinf(found.mean)
    assert math.isnan(found.low)
    assert found.verdict == "undecided"
