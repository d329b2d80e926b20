"""Convolutions computed as others for training answer, and have the gradients, of those that they stand for."""

import copy

import pytest
import torch
from gradients import answers_and_gradients, kinds, needs_onednn
from torch import nn

from denoise.fusion import traced
from denoise.learning import Doubling, Ending, quicken

SIZES = [(1, 1), (2, 3), (7, 7), (14, 9)]

pytestmark = needs_onednn


def doubling(given, out, bias=True):
    return nn.ConvTranspose2d(given, out, 3, stride=2, padding=1, output_padding=1, bias=bias)


def quick(network):
    graph = traced(network, copied=False)
    quicken(graph)
    graph.recompile()
    return graph


FORMS = {
    "laid out": (lambda bias: nn.Sequential(doubling(3, 5, bias), nn.ReLU()), [Doubling]),
    "in phases": (
        lambda bias: nn.Sequential(doubling(3, 5, bias), nn.ReLU(), nn.Conv2d(5, 2, 3, padding=1, bias=bias)),
        [Doubling, Ending],
    ),
    "nothing rectified": (
        lambda bias: nn.Sequential(doubling(3, 5, bias), nn.Conv2d(5, 1, 3, padding=1, bias=bias)),
        [Doubling, Ending],
    ),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_answers_and_gradients_are_those_of_the_layers(form, bias, size):
    build, expected = FORMS[form]
    network, x = build(bias), torch.randn(2, 3, *size)
    assert kinds(quick(copy.deepcopy(network))) == expected
    for quickly, right in zip(
        answers_and_gradients(network, quick(network), x), answers_and_gradients(network, network, x), strict=True
    ):
        torch.testing.assert_close(quickly, right, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_in_bfloat16_they_are_as_far_from_exact_as_those_of_the_layers(bfloat16, form):
    torch.manual_seed(0)
    draws = []  # together: a bias is so few numbers that the rounding of one may happen to be next to none
    for _ in range(8):
        network, x = FORMS[form][0](True), torch.randn(4, 3, 14, 14)
        exact = answers_and_gradients(network, network, x)
        own = answers_and_gradients(network, network, x, bfloat16=True)
        quickly = answers_and_gradients(network, quick(network), x, bfloat16=True)
        draws.append(list(zip(exact, own, quickly, strict=True)))
    for several in zip(*draws, strict=True):
        right, rounded, found = (torch.stack(each) for each in zip(*several, strict=True))
        assert (found - right).norm() < 1.5 * (rounded - right).norm() + 1e-3 * right.norm()


@pytest.mark.parametrize("form", FORMS)
def test_a_gradient_that_nobody_asks_for_is_not_computed(form):
    network = FORMS[form][0](True).requires_grad_(False)
    x = torch.randn(1, 3, 4, 4, requires_grad=True)
    quick(network)(x).sum().backward()
    assert x.grad is not None
    assert all(weight.grad is None for weight in network.parameters())


@pytest.mark.parametrize(
    "layers",
    [
        [doubling(2, 2)],  # nothing to rectify, and no last convolution: it gains nothing
        [doubling(2, 2), nn.Sigmoid()],
        [nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1), nn.ReLU()],
        [nn.ConvTranspose2d(2, 2, 2, stride=2), nn.ReLU()],
        [nn.Conv2d(2, 1, 3, padding=1)],
    ],
)
def test_what_is_not_of_those_forms_stays_as_it_is(layers):
    assert kinds(quick(nn.Sequential(*layers))) == [type(layer) for layer in layers]
