"""The lead of the best decoder: it must matter, and redraws of the noise must confirm it."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from demo.compute import answers, lead
from demo.compute.lead import Lead, judged


def scores(*differences):
    """Return PSNR of two networks under redraws: 20 dB plus a difference, and 20 dB."""
    following = torch.full((len(differences),), 20.0)
    return following + torch.tensor(differences), following


def test_the_same_lead_under_every_redraw_holds():
    assert judged(0.3, *scores(*[0.2] * 8)) == Lead(0.3, 8, True)


def test_a_lead_that_turns_around_does_not_hold():
    assert judged(2.0, *scores(*[1.0, -1.0] * 4)) == Lead(2.0, 8, False)


@pytest.mark.parametrize(("mean", "holds"), [(0.90, True), (0.88, False)])
def test_a_lead_holds_if_the_95_percent_interval_of_its_mean_leaves_out_0(mean, holds):
    # A standard deviation of sqrt(8 / 7) over 8 redraws gives a half width of 2.365 * sqrt(1 / 7) =
    # 0.894.
    assert judged(1.0, *scores(*[mean + 1, mean - 1] * 4)).holds == holds


@pytest.mark.parametrize("count", lead.QUANTILES)
def test_the_quantiles_are_those_of_student(count):
    assert lead.QUANTILES[count] == pytest.approx(scipy.stats.t.ppf(0.975, count - 1), abs=1e-3)


def test_a_psnr_without_an_error_is_no_endless_lead():
    assert lead.between(math.inf, 40.0) == 60
    assert lead.between(math.inf, math.inf) == 0
    endless = torch.full((8,), math.inf)
    assert not judged(1.0, endless, endless).holds


def test_every_size_has_its_quantile():
    assert lead.redraws((28, 28)) == lead.redraws((64, 64)) == 8
    assert lead.redraws((20, 65)) == 3
    assert {lead.redraws((64, 64)), lead.redraws((65, 1))} == set(lead.QUANTILES)


class Network:
    """Stub of a network whose output is the scaled noisy image."""

    def __init__(self, scale):
        self.scale, self.seen = scale, []

    def estimate(self, noisy):
        self.seen.append(noisy)
        return noisy * self.scale


def test_both_networks_get_the_same_redraws_whatever_the_visitor_s_seed():
    better, worse, clean = Network(0.5), Network(1.0), torch.zeros(1, 1, 28, 28)
    # On black, half of the noise is 6.02 dB better under every draw.
    assert answers._lead(6.02, [better, worse], clean, 0.4, "gaussian", True) == Lead(6.02, 8, True)
    ((one,), (other,)) = better.seen, worse.seen
    assert torch.equal(one, other)
    assert len({tuple(draw.flatten().tolist()) for draw in one}) == 8


def test_a_lead_that_is_too_small_to_matter_costs_no_redraw():
    network = Network(1.0)
    assert (
        answers._lead(
            0.09, [network, network], torch.zeros(1, 1, 28, 28), 0.4, "gaussian", True
        ).redraws
        == 0
    )
    assert not network.seen


def test_one_decoder_alone_leads_nobody():
    *_, only = answers.compare(
        np.full((28, 28), 128, np.uint8), "gaussian", True, 0.4, 0, "mnist", ["nearest"]
    )
    assert only.lead is None
    assert lead.sentence(only.lead) == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            Lead(0.5, 8, True),
            "Best: 0.50 dB above the next decoder; 8 redraws of the noise confirm a lead",
        ),
        (Lead(0.5, 3, False), "No clear lead: 3 redraws of the noise do not confirm the 0.50 dB"),
        (
            Lead(0.02, 0, False),
            "No clear lead: the first two decoders are 0.02 dB apart; below 0.1 dB",
        ),
    ],
)
def test_one_line_says_why(given, said):
    assert lead.sentence(given).startswith(said)


def test_the_best_decoder_does_not_change_with_the_seed_of_the_noise():
    image = np.tile(np.arange(28, dtype=np.uint8) * 9, (28, 1))
    runs = [answers.compare(image, "gaussian", True, 0.4, seed, "mnist") for seed in range(6)]
    assert len({row.name for rows in runs for row in rows if row.best}) <= 1


def test_a_comparison_of_two_decoders_hands_the_first_two_to_the_test(monkeypatch):
    asked = []

    def confirmed(shown, pair, *rest):
        asked.append((shown, pair))
        return Lead(shown, 8, True)

    monkeypatch.setattr(answers, "_lead", confirmed)
    rows = answers.compare(np.full((28, 28), 90, np.uint8), "gaussian", True, 0.4, 1, "notmnist")
    ((shown, pair),) = asked
    first, second, _ = sorted(rows[2:], key=lambda row: -row.psnr)
    assert [network.name for network in pair] == [first.name, second.name]
    assert shown == pytest.approx(first.psnr - second.psnr)
    assert [row.name for row in rows if row.best] == [first.name]
