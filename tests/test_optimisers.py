"""Optimisers: what a step is, and whose weights it changes."""

import dataclasses
import subprocess
import sys

import pytest
import torch

from denoise import train, weights
from denoise.optimisers import OPTIMISERS, Muon, adam

UNET = train.Settings(
    dataset="glyphs", architecture="unet", output="residual", loss="mse", bias=False, width=4, depth=1
)


def given(network):
    """The network on channels_last, with gradients."""
    network = network.to(memory_format=torch.channels_last)
    network.logits(torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))).square().mean().backward()
    return network


def moved(network, optimiser):
    """By how much one step moves each weight."""
    before = [weight.detach().clone() for weight in network.parameters()]
    optimiser.step()
    return [(weight - old).detach() for weight, old in zip(network.parameters(), before, strict=True)]


def test_muon_moves_a_hidden_convolution_as_far_in_every_direction():
    network = given(train.untrained(UNET))
    for step in moved(network, Muon(network, lr=1e-3))[1:-1]:
        matrix = step.permute(0, 2, 3, 1).flatten(1)
        sizes = torch.linalg.svdvals(matrix) / (1e-3 * 0.2 * max(matrix.shape) ** 0.5)
        followed = sizes[sizes > 1e-3]  # in the others there was no gradient: channels that a ReLU keeps at 0
        assert len(followed) > 1
        assert followed.min() > 0.5
        assert followed.max() < 1.4


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="PyTorch before 2.9 has no Muon")
def test_the_steps_of_muon_are_those_of_pytorch():
    network, same = given(train.untrained(UNET)), given(train.untrained(UNET))
    flat = [(weight.detach(), weight.grad) for weight in list(same.parameters())[1:-1]]
    matrices = [torch.nn.Parameter(weight.permute(0, 2, 3, 1).flatten(1).clone()) for weight, _ in flat]
    for matrix, (_, gradient) in zip(matrices, flat, strict=True):
        matrix.grad = gradient.permute(0, 2, 3, 1).flatten(1)
    own = Muon(network, lr=1e-2)
    right = torch.optim.Muon(matrices, lr=1e-2, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        own.step()
        right.step()
    for weight, matrix, (before, _) in zip(list(network.parameters())[1:-1], matrices, flat, strict=True):
        moved_by = matrix - before.permute(0, 2, 3, 1).flatten(1)
        off = weight.permute(0, 2, 3, 1).flatten(1) - matrix
        assert off.norm() < 0.02 * moved_by.norm()  # bfloat16 has 8 digits


def test_muon_moves_the_first_and_the_last_convolution_as_adam_does():
    network, same = given(train.untrained(UNET)), given(train.untrained(UNET))
    by_muon, by_adam = moved(network, Muon(network, lr=1e-3)), moved(same, adam(same, lr=1e-3))
    for end in (0, -1):
        torch.testing.assert_close(by_muon[end], by_adam[end])
    assert not torch.allclose(by_muon[1], by_adam[1])


def test_the_steps_of_adam_are_those_of_pytorch():
    network, same = given(train.untrained(UNET)), given(train.untrained(UNET))
    own, right = adam(network, lr=1e-3), torch.optim.Adam(same.parameters(), lr=1e-3, fused=True)
    for _ in range(3):
        for step, expected in zip(moved(network, own), moved(same, right), strict=True):
            assert torch.equal(step, expected)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_pytorchs_compiler_which_takes_seconds_to_import_is_left_alone(optimiser, tmp_path):
    training = (
        "from denoise import train; "
        f"train.train(train.Settings(dataset='glyphs', architecture='K1', loss='bce', optimiser={optimiser!r}, "
        f"batch=2, images=8), Path({str(tmp_path)!r}), every=2, validation=2)"
    )
    code = f"import sys; from pathlib import Path; {training}; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_muon_follows_the_rate_that_the_schedule_sets():
    network = given(train.untrained(UNET))
    optimiser = Muon(network, lr=1e-3)
    for group in optimiser.param_groups:
        group["lr"] = 0.0
    assert all(step.abs().max() == 0 for step in moved(network, optimiser))


def test_muon_leaves_alone_what_has_no_gradient():
    network = given(train.untrained(UNET))
    weights_of = list(network.parameters())
    weights_of[1].grad = None
    assert moved(network, Muon(network, lr=1e-3))[1].abs().max() == 0


def test_a_state_that_is_loaded_goes_where_its_weights_are():
    state = Muon(given(train.untrained(UNET)), lr=1e-3).state_dict()
    assert state["param_groups"][1]["fused"]  # what tells PyTorch to move the count of steps too


def test_muon_says_which_networks_it_is_not_for():
    settings = dataclasses.replace(UNET, architecture="dncnn", bias=True, depth=2)
    network = weights.build(settings.network()).to(memory_format=torch.channels_last)
    with pytest.raises(ValueError, match="muon is for networks of at least 3 convolutions, not of 2; valid here: adam"):
        Muon(network, lr=1e-3)


def test_an_unknown_optimiser_is_named_with_the_valid_ones():
    with pytest.raises(ValueError, match="unknown optimiser 'sgd'; valid: adam, muon"):
        dataclasses.replace(UNET, optimiser="sgd")
