import math

import numpy as np
import pytest

from bench.stats import intervals


def layout(random, *, seeds, gap, arms=2, seed_sd=0.05, pictures=200):
    """Draw scores (A, S, N) of arms on the same images with the same seeds.

    The second arm is better by `gap`.
    """
    shared = (
        random.normal(20, 3, pictures)
        + random.normal(0, 0.3, (seeds, pictures))
        + random.normal(0, 0.1, (seeds, 1))
    )
    own = random.normal(0, seed_sd, (arms, seeds, 1)) + random.normal(
        0, 0.2, (arms, seeds, pictures)
    )
    return shared + own + np.array([0, gap] + [0] * (arms - 2)).reshape(arms, 1, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("arms", "seeds"), [(2, 3), (2, 5), (6, 2), (6, 3)])
def test_an_interval_of_a_difference_covers_it_19_times_of_20(arms, seeds):
    random = np.random.default_rng(0)
    found = [intervals.compare(layout(random, seeds=seeds, gap=0.1, arms=arms)) for _ in range(200)]
    hits = sum(one.difference_low[1, 0] <= 0.1 <= one.difference_high[1, 0] for one in found)
    assert 0.91 <= hits / 200 <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize(("arms", "seeds"), [(2, 2), (2, 3), (3, 3), (9, 2)])
def test_an_interval_of_a_difference_covers_it_where_nothing_but_the_seed_scatters(arms, seeds):
    """Check that two arms count as one set of residuals, not as two."""
    random = np.random.default_rng(9)
    found = [
        intervals.compare(random.normal(0, 1, (arms, seeds, 1)) + np.zeros(20)) for _ in range(250)
    ]
    assert 0.92 <= covered(found, np.zeros((arms, arms))).mean() <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "seed_sd"), [(1, 0.0), (2, 0.05), (3, 0.05)])
def test_equal_arms_share_one_letter_19_times_of_20(seeds, seed_sd):
    random, size = (
        np.random.default_rng(10),
        {"arms": 9, "seeds": seeds, "seed_sd": seed_sd, "pictures": 60},
    )
    found = [intervals.compare(layout(random, gap=0.0, **size)) for _ in range(150)]
    assert np.mean([set(intervals.letters(one)) == {"a"} for one in found]) >= 0.91
    # without correction for 36 pairs, some intervals exclude 0
    assert np.mean([one.tied.all() for one in found]) < 0.75


def test_letters_separate_arms_that_differ_enough():
    found = intervals.compare(layout(np.random.default_rng(11), seeds=3, gap=0.5, arms=9))
    assert intervals.letters(found) == ["b", "a", *["b"] * 7]


def test_letters_of_two_arms_agree_with_the_interval_of_their_difference():
    random = np.random.default_rng(12)
    for _ in range(30):
        found = intervals.compare(layout(random, seeds=3, gap=0.1))
        assert found.apart[0, 1] != found.tied[0, 1]


def test_the_variance_of_two_groups_is_unbiased():
    scores, groups = np.array([[[1.0, 1.0, 3.0, 3.0]]]), [0, 0, 1, 1]
    found = intervals.compare(scores, groups)
    # t of 1 degree of freedom, sd sqrt(2) / sqrt(2)
    assert found.high[0] - 2 == pytest.approx(12.71 * 1.0, rel=0.05)


def covered(found, gap):
    """Return the fraction of intervals that contain the true difference, for each pair of arms."""
    inside = [(one.difference_low <= gap) & (gap <= one.difference_high) for one in found]
    return np.mean(inside, axis=0)[np.tril_indices(len(gap), -1)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed_sd",
    [np.full(9, 0.05), np.array([0.02] * 4 + [0.08] * 5)],
    ids=["alike", "some scatter four times as much"],
)
def test_arms_may_scatter_differently_from_seed_to_seed(seed_sd):
    random = np.random.default_rng(4)
    found = [
        intervals.compare(
            layout(random, seeds=3, gap=0.0, arms=9, seed_sd=seed_sd[:, None, None], pictures=60)
        )
        for _ in range(250)
    ]
    share = covered(found, np.zeros((9, 9)))
    assert 0.93 <= share.mean() <= 0.98
    assert share.min() >= 0.87


def test_dependent_images_count_as_one_group():
    """Simulate fonts of ten letters; half of the difference between two arms is the font's."""
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(40), 10)
    wrong = right = 0
    for _ in range(150):
        font = random.normal(0, 0.2, (2, 1, 40))[..., groups]
        scores = random.normal(20, 3, 400) + font + random.normal(0, 0.2, (2, 1, 400))
        alone, together = intervals.compare(scores), intervals.compare(scores, groups)
        wrong += alone.difference_low[0, 1] <= 0 <= alone.difference_high[0, 1]
        right += together.difference_low[0, 1] <= 0 <= together.difference_high[0, 1]
    assert wrong / 150 < 0.75
    assert 0.9 <= right / 150 <= 0.99


def test_groups_of_one_image_change_nothing():
    scores = layout(np.random.default_rng(6), seeds=3, gap=0.1)
    alone, grouped = (
        intervals.compare(scores),
        intervals.compare(scores, [f"{n}" for n in range(200)]),
    )
    np.testing.assert_array_equal(alone.difference_low, grouped.difference_low)


def test_one_group_has_no_interval():
    assert math.isnan(intervals.compare(np.ones((1, 3, 5)), ["one"] * 5).low[0])


def test_a_ceiling_takes_nothing_from_the_arms_and_has_no_letter():
    random = np.random.default_rng(7)
    arms = layout(random, seeds=3, gap=0.0, arms=4)
    ceiling = arms[:1] + 3 + random.normal(0, 0.5, (1, 3, 1))
    without, found = (
        intervals.compare(arms),
        intervals.compare(np.concatenate([arms, ceiling]), inside=[True] * 4 + [False]),
    )
    np.testing.assert_allclose(found.difference_low[:4, :4], without.difference_low)
    np.testing.assert_allclose(found.low[:4], without.low)
    assert found.resolvable == without.resolvable
    assert intervals.letters(found) == [*intervals.letters(without), ""]
    assert found.difference_low[4, 0] < 3 < found.difference_high[4, 0]


def test_a_resolvable_difference_is_detected_four_times_of_five():
    random, found = np.random.default_rng(8), 0
    gap = intervals.compare(layout(random, seeds=3, gap=0.0, arms=9)).resolvable
    for _ in range(100):
        found += not intervals.compare(layout(random, seeds=3, gap=gap, arms=9)).tied[1, 0]
    assert 0.65 <= found / 100 <= 0.95


@pytest.mark.slow
@pytest.mark.parametrize(("arms", "seeds"), [(1, 3), (6, 3)])
def test_an_interval_of_a_mean_covers_it_19_times_of_20(arms, seeds):
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        found = intervals.compare(layout(random, seeds=seeds, gap=0.0, arms=arms + 1)[:arms])
        hits += found.low[0] <= 20 <= found.high[0]
    assert 0.91 <= hits / 200 <= 0.99


def test_more_arms_resolve_more_because_they_tell_how_training_scatters():
    few, many = (
        intervals.compare(
            layout(np.random.default_rng(2), seeds=3, gap=0.0, arms=arms, seed_sd=0.1)
        )
        for arms in (2, 9)
    )
    assert many.resolvable < few.resolvable


def test_pairing_resolves_a_difference_below_the_spread_over_images():
    found = intervals.compare(layout(np.random.default_rng(1), seeds=3, gap=0.6))
    assert found.high[0] > found.low[1]  # the arms' own intervals overlap
    assert found.difference_low[1, 0] > 0.2
    assert not found.tied[1, 0]


def test_a_difference_is_the_negative_of_its_reverse():
    found = intervals.compare(layout(np.random.default_rng(2), seeds=3, gap=0.1))
    np.testing.assert_allclose(found.difference, -found.difference.T)
    np.testing.assert_allclose(found.difference_low, -found.difference_high.T)


def test_one_seed_has_an_interval_over_images_alone():
    scores = np.random.default_rng(3).normal(20, 3, (1, 1, 400))
    found = intervals.compare(scores)
    assert found.high[0] - found.mean[0] == pytest.approx(1.96 * scores.std(ddof=1) / 20, rel=0.05)


def test_one_image_has_no_interval():
    assert math.isnan(intervals.compare(np.ones((1, 3, 1))).low[0])


def test_an_infinite_score_is_never_averaged_silently():
    found = intervals.compare(np.array([[[20.0, math.inf]], [[20.0, 21.0]]]))
    assert math.isinf(found.mean[0])
    assert math.isnan(found.low[0])
    assert found.tied[0, 1]
    assert np.isfinite(found.low[1])


def test_arms_that_share_a_letter_are_tied():
    # a and b differ, c lies between and ties with both
    found = intervals.compare(np.ones((3, 1, 2)))
    low = np.array([[0, 0.1, -1], [-0.3, 0, -1], [-1, -1, 0]])
    apart = (low > 0) | (-low.T < 0)
    found = intervals.Comparison(
        np.array([3.0, 1.0, 2.0]),
        *[np.zeros(3)] * 2,
        np.zeros((3, 3)),
        low,
        -low.T,
        apart,
        np.ones(3, bool),
    )
    assert intervals.letters(found) == ["a", "b", "ab"]


def test_pairs_of_unknown_width_do_not_count_for_the_resolvable_difference():
    scores = layout(np.random.default_rng(13), seeds=3, gap=0.0, arms=4)
    without = intervals.compare(scores[:3]).resolvable
    scores[3, 0, 0] = math.inf
    assert intervals.compare(scores).resolvable == pytest.approx(without)
    assert math.isnan(intervals.compare(scores[2:]).resolvable)


def test_equal_arms_are_tied_and_resolve_everything():
    found = intervals.compare(np.ones((2, 3, 50)))
    assert intervals.letters(found) == ["a", "a"]
    assert found.resolvable == 0
