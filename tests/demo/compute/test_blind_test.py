"""The blind test: rounds that a seed repeats, and a score with its interval."""

import math

import numpy as np
import pytest

from demo.compute import blind_test, samples
from demo.compute.blind_test import DECODER, LEVELS, ROUNDS, SHOWN
from denoise import datasets
from denoise.decoders import DECODERS

FAMILY, SIGMA = "mnist", LEVELS[-1]


@pytest.fixture(autouse=True)
def fresh():
    yield
    blind_test.rounds.cache_clear()


@pytest.fixture(scope="module")
def played():
    return blind_test.rounds(FAMILY, SIGMA, 7)


def same(one, other):
    """Return True if two games show the same pixels in the same order."""
    return all(
        np.array_equal(a.noisy, b.noisy)
        and [x.decoder for x in a.outputs] == [x.decoder for x in b.outputs]
        and all(np.array_equal(x.image, y.image) for x, y in zip(a.outputs, b.outputs, strict=True))
        for a, b in zip(one, other, strict=True)
    )


def test_ten_rounds_show_each_decoder_once_on_ten_images(played):
    assert len(played) == ROUNDS
    assert len({one.clean.tobytes() for one in played}) == ROUNDS
    for one in played:
        assert sorted(output.decoder for output in one.outputs) == sorted(SHOWN)
        assert one.outputs[one.solution - 1].decoder == DECODER


def test_a_seed_repeats_its_rounds_and_another_seed_or_setting_has_others(played):
    blind_test.rounds.cache_clear()
    assert same(played, blind_test.rounds(FAMILY, SIGMA, 7))
    assert not same(played, blind_test.rounds(FAMILY, SIGMA, 8))
    others = [blind_test.rounds(FAMILY, sigma, 7) for sigma in LEVELS[:-1]]
    orders = [[one.solution for one in game] for game in (played, *others)]
    assert orders[0] != orders[1] != orders[2]


def test_every_place_holds_the_solution_about_as_often():
    places = [one.solution for seed in range(20) for one in blind_test.rounds(FAMILY, SIGMA, seed)]
    counts = np.bincount(places, minlength=4)[1:]
    assert counts.sum() == 200
    # four standard deviations of a binomial count around its mean of 66.7
    assert (abs(counts - 200 / 3) < 4 * math.sqrt(200 * 2 / 9)).all()


def test_the_psnr_is_that_of_the_image_that_is_shown(played):
    for one in played:
        for output in one.outputs:
            error = np.square(output.image / 255 - one.clean / 255).mean()
            assert output.psnr == pytest.approx(-10 * math.log10(error), abs=0.1)


@pytest.mark.parametrize("family", ["mnist", "notmnist"])
def test_without_data_the_images_are_rendered(family, monkeypatch):
    samples._test_images.cache_clear()
    monkeypatch.setattr(datasets, "present", lambda name: False)
    try:
        images = samples.drawn(family, ROUNDS, np.random.default_rng(0))
    finally:
        samples._test_images.cache_clear()
    assert images.shape == (ROUNDS, 28, 28)
    assert images.dtype == np.uint8
    assert all(image.max() > 200 for image in images)


@pytest.mark.parametrize(
    ("family", "sigma", "seed"),
    [("cats", 0.6, 0), ("mnist", 0.5, 0), ("mnist", 0.6, -1), ("mnist", 0.6, 1.5)],
)
def test_invalid_settings_are_refused(family, sigma, seed):
    with pytest.raises(ValueError, match="no rounds|the seed"):
        blind_test.rounds(family, sigma, seed)


def test_found_counts_the_right_guesses(played):
    guesses = [one.solution for one in played]
    assert blind_test.found(played, guesses) == ROUNDS
    assert blind_test.found(played, [guesses[0] % 3 + 1, *guesses[1:3]]) == 2


def test_the_interval_is_clopper_pearson_s_and_p_is_the_tail_of_guessing():
    none, all_found = blind_test.score(0), blind_test.score(ROUNDS)
    # closed forms at the ends: (alpha / 2) ** (1 / n)
    assert none.interval == pytest.approx((0, 1 - 0.025**0.1))
    assert all_found.interval == pytest.approx((0.025**0.1, 1))
    assert none.p == pytest.approx(1)
    assert all_found.p == pytest.approx(3.0**-10)
    eight = sum(math.comb(10, k) * 2 ** (10 - k) for k in (8, 9, 10)) / 3**10
    assert blind_test.score(8).p == pytest.approx(eight)


@pytest.mark.parametrize(
    ("found", "said"),
    [(0, "below guessing"), (1, "do not show"), (6, "do not show"), (7, "you can tell")],
)
def test_the_verdict_follows_the_interval(found, said):
    score = blind_test.score(found)
    assert said in blind_test.verdict(score)
    assert (score.interval[0] > 1 / 3) == (found >= 7)


def test_the_means_are_named_and_the_difference_is_in_gray_levels(played):
    assert list(blind_test.means(played)) == [DECODERS[name].label for name in SHOWN]
    flat = np.zeros((28, 28), np.uint8)
    outputs = tuple(
        blind_test.Output(name, name, flat + value, 20.0)
        for name, value in zip(SHOWN, (0, 0, 3), strict=True)
    )
    # pairs differ by 0, 3 and 3
    assert blind_test.difference((blind_test.Round(flat, flat, outputs),)) == pytest.approx(6**0.5)
