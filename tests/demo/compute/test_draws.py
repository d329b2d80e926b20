"""Draws of the noise: many scores of one image under each network, computed as one batch."""

import math

import numpy as np
import pytest
import torch

from demo.compute import answers, draws, results, samples
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt

ARMS = ["nearest", "transposed_k3", "unet", "tv"]


@pytest.fixture(scope="module")
def digit():
    return samples.rendered()[0].image


@pytest.fixture(scope="module")
def drawn(digit):
    return draws.distribution(digit, "gaussian", True, 0.4, "mnist", ARMS)


def test_every_network_has_a_score_of_every_draw_and_classical_methods_have_none(drawn):
    assert [row["label"] for row in drawn["rows"]] == [results.entry(arm).label for arm in ARMS[:3]]
    assert [row["decoder"] for row in drawn["rows"]] == [True, True, False]
    assert all(len(row["psnr"]) == draws.DRAWS for row in drawn["rows"])


def test_a_score_is_that_of_its_draw_alone(drawn, digit):
    clean = torch.from_numpy(digit / np.float32(255))[None, None]
    noisy = corrupt(clean, 0.4, PictureDraws([draws.FIRST_SEED + 7]), clip=True)
    alone = psnr(results.denoise("mnist", "nearest")(noisy, 0.4).clamp(0, 1), clean)
    assert drawn["rows"][0]["psnr"][7] == pytest.approx(alone.item(), abs=2e-3)


def test_draws_differ_and_so_does_the_best_decoder(drawn):
    first, second, _ = (np.array(row["psnr"]) for row in drawn["rows"])
    assert first.std() > 0.1
    assert 0.05 < (first > second).mean() < 0.95


@pytest.mark.parametrize(("height", "width"), [(1, 1), (28, 28), (64, 64)])
def test_a_small_image_has_all_draws(height, width):
    assert draws.count(height, width) == draws.DRAWS == 200


@pytest.mark.parametrize(("side", "number"), [(128, 50), (256, 12), (1024, draws.FEWEST)])
def test_a_larger_image_has_fewer(side, number):
    assert draws.count(side, side) == number


def test_an_image_without_error_has_no_endless_score():
    black = np.zeros((28, 28), np.uint8)
    rows = draws.distribution(black, "gaussian", True, 0, "mnist", ["nearest"])["rows"]
    assert all(math.isfinite(score) and score <= answers.CAP for score in rows[0]["psnr"])


def test_without_a_network_there_is_no_row(digit):
    assert draws.distribution(digit, "gaussian", True, 0.4, "mnist", ["tv"])["rows"] == []


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"sigma": math.nan}, "units of the"), ({"family": "cats"}, "unknown family of weights")],
)
def test_bad_settings_are_named(digit, changed, error):
    asked = {"noise": "gaussian", "clip": True, "sigma": 0.4, "family": "mnist"} | changed
    with pytest.raises(ValueError, match=error):
        draws.distribution(digit, **asked)
