"""Optimizers: the size of a step, and the weights that it changes."""

import copy
import dataclasses

import pytest
import torch

from denoise.models import weights
from denoise.train import loop
from denoise.train.optimizers import Muon, adam

UNET = loop.Settings(
    dataset="glyphs",
    architecture="unet",
    output="residual",
    loss="mse",
    bias=False,
    width=4,
    depth=1,
)


def given(network):
    """Return the network in channels_last format, with gradients."""
    network = network.to(memory_format=torch.channels_last)
    network.logits(
        torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    ).square().mean().backward()
    return network


def moved(network, optimizer):
    """Return the change of each weight in one step."""
    before = [weight.detach().clone() for weight in network.parameters()]
    optimizer.step()
    return [
        (weight - old).detach() for weight, old in zip(network.parameters(), before, strict=True)
    ]


@pytest.mark.parametrize("decoder", ["nearest", "transposed_k3"])
def test_muon_moves_a_hidden_convolution_as_far_in_every_direction(decoder):
    network = given(loop.untrained(dataclasses.replace(UNET, decoder=decoder)))
    for step in moved(network, Muon(network, lr=1e-3))[1:-1]:
        # one row per channel of the side that has more
        first, second = step.shape[:2]
        matrix = step.flatten(1) if first >= second else step.transpose(0, 1).flatten(1)
        assert len(matrix) == max(first, second)
        sizes = torch.linalg.svdvals(matrix) / (1e-3 * 0.2 * max(matrix.shape) ** 0.5)
        # the other directions had no gradient: channels that a ReLU keeps at 0
        followed = sizes[sizes > 1e-3]
        assert len(followed) > 1
        assert followed.median() > 0.6
        assert followed.min() > 0.1  # a weak direction converges last
        assert followed.max() < 1.4


def test_muon_moves_the_first_and_the_last_convolution_as_adam_does():
    network, same = given(loop.untrained(UNET)), given(loop.untrained(UNET))
    by_muon, by_adam = moved(network, Muon(network, lr=1e-3)), moved(same, adam(same, lr=1e-3))
    for end in (0, -1):
        torch.testing.assert_close(by_muon[end], by_adam[end])
    assert not torch.allclose(by_muon[1], by_adam[1])


def test_muon_follows_the_rate_that_the_schedule_sets():
    network = given(loop.untrained(UNET))
    optimizer = Muon(network, lr=1e-3)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    assert all(step.abs().max() == 0 for step in moved(network, optimizer))


def test_muon_leaves_alone_what_has_no_gradient():
    network = given(loop.untrained(UNET))
    weights_of = list(network.parameters())
    weights_of[1].grad = None
    assert moved(network, Muon(network, lr=1e-3))[1].abs().max() == 0


def test_a_training_by_muon_goes_on_from_its_state_as_if_it_had_not_stopped():
    network, same = given(loop.untrained(UNET)), given(loop.untrained(UNET))
    optimizer = Muon(network, lr=1e-3)
    optimizer.step()
    resumed = Muon(same, lr=1e-3)
    same.load_state_dict(network.state_dict())
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for step, expected in zip(moved(same, resumed), moved(network, optimizer), strict=True):
        assert torch.equal(step, expected)


def test_muon_says_which_networks_it_is_not_for():
    settings = dataclasses.replace(UNET, architecture="dncnn", bias=True, depth=2)
    network = weights.build(settings.network()).to(memory_format=torch.channels_last)
    with pytest.raises(
        ValueError,
        match="muon needs at least 3 convolutions, this network has 2; valid: adam",
    ):
        Muon(network, lr=1e-3)


def test_an_unknown_optimiser_is_named_with_the_valid_ones():
    with pytest.raises(ValueError, match="unknown optimizer 'sgd'; valid: adam, muon"):
        dataclasses.replace(UNET, optimizer="sgd")
