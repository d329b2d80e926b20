import dataclasses

import pytest

from bench.sweep import budgets
from bench.sweep.grid import Selection
from bench.sweep.recipe import Recipe
from denoise.decoders import DECODERS
from denoise.models import weights

MIRRORED = {8: (16, 8), 32: (64, 32)}


@pytest.mark.slow
@pytest.mark.parametrize("width", MIRRORED)
@pytest.mark.parametrize("budget", ["parameters", "macs", "deployed"])
@pytest.mark.parametrize("arm", [*DECODERS.names(), *budgets.CEILINGS])
def test_every_arm_lies_within_2_percent_of_every_budget(arm, budget, width):
    if (arm, budget, width) == ("transposed_k8_k3", "parameters", 8):
        with pytest.raises(budgets.Impossible):  # a channel of 73 weights is too coarse a step
            budgets.channels(arm, budget, width, 2)
        return
    widths = budgets.channels(arm, budget, width, 2)
    if arm in budgets.CEILINGS and budget != "parameters":
        assert widths is None  # a ceiling exists only at equal parameters
        return
    cost = budgets.cost(arm, budget, width, widths)
    wanted = budgets.cost(budgets.REFERENCE, budget, width, MIRRORED[width])
    assert cost == pytest.approx(wanted, rel=0.02)
    built = weights.build(budgets.architecture(arm, width, widths))
    assert sum(parameter.numel() for parameter in built.parameters()) == budgets.cost(
        arm, "parameters", width, widths
    )


@pytest.mark.parametrize("arm", DECODERS.names())
def test_equal_channels_mirror_the_encoder(arm):
    assert budgets.channels(arm, "channels", 8, 2) == (16, 8)


def test_an_unknown_budget_is_refused_with_the_valid_ones():
    with pytest.raises(
        ValueError, match="unknown budget 'time'; valid: channels, parameters, macs"
    ):
        budgets.channels("nearest", "time", 8, 2)


def test_a_network_too_small_for_2_percent_is_refused():
    with pytest.raises(ValueError, match="at --width 1: use a larger width"):
        budgets.channels("pixel_shuffle", "parameters", 1, 1)


def test_an_arm_that_misses_a_budget_has_no_network_there_and_is_refused_only_if_it_misses_all():
    chosen = Selection(("mnist",), (True,), arms=("transposed_k8_k3",), seeds=1)
    assert [network.widths for network in chosen.networks(Recipe())] == [(16, 8), (10, 8)]
    nowhere = dataclasses.replace(chosen, budgets=("parameters",))
    with pytest.raises(ValueError, match="no channels put transposed_k8_k3 within 2 % of equal"):
        nowhere.networks(Recipe())


@pytest.mark.slow
def test_a_network_on_two_budgets_is_trained_once():
    names = [network.name for network in Selection(("mnist",), (True,), seeds=1).networks(Recipe())]
    assert len(names) == len(set(names))
    assert names.count("mnist-clipped-nearest-16x8-s0") == 1  # on all three budgets


def test_every_arm_has_its_first_seed_before_any_has_its_second():
    seeds = [network.seed for network in Selection(("mnist",), (True,), seeds=2).networks(Recipe())]
    assert seeds == sorted(seeds)
