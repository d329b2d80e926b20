"""A chain of layers in oneDNN's own tensors answers, and has the gradients, of the layers as they are."""

import copy

import pytest
import torch
from gradients import answers_and_gradients, kinds, needs_onednn
from torch import nn

from denoise.fusion import traced
from denoise.opaque import Enter, Leave, OpaqueConv, make_opaque

pytestmark = needs_onednn


def opaque(network):
    graph = traced(network, copied=False)
    make_opaque(graph)
    graph.recompile()
    return graph


def conv(given, out, **options):
    return nn.Conv2d(given, out, 3, padding=1, **options)


def encoder(*, norm=False, bias=True):
    """Two convolutions a size, two sizes, and what follows the last pooling."""
    layers = []
    for given, out in ((3, 4), (4, 6)):
        layers += [conv(given, out, bias=bias), *[nn.BatchNorm2d(out)] * norm, nn.ReLU(inplace=True)]
        layers += [conv(out, out, bias=bias), nn.MaxPool2d(2), nn.ReLU()]
    return nn.Sequential(*layers, conv(6, 2))


@pytest.mark.parametrize("size", [(4, 4), (28, 28), (9, 14)])  # an odd side loses its last row, as PyTorch has it
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"norm": True}], ids=str)
def test_answers_gradients_and_statistics_are_those_of_the_layers(options, size):
    network, x = encoder(**options).train(), torch.randn(4, 3, *size)
    twin = copy.deepcopy(network)
    found = answers_and_gradients(twin, opaque(twin), x)
    for quickly, right in zip(found, answers_and_gradients(network, network, x), strict=True):
        torch.testing.assert_close(quickly, right, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(twin.state_dict(), network.state_dict())


def test_in_bfloat16_the_numbers_are_the_very_same(bfloat16):
    network, x = encoder(), torch.randn(4, 3, 28, 28)
    found = answers_and_gradients(network, opaque(network), x, bfloat16=True)
    for quickly, right in zip(found, answers_and_gradients(network, network, x, bfloat16=True), strict=True):
        assert torch.equal(quickly, right)


def test_the_chain_ends_with_the_relu_behind_the_last_pooling():
    found = kinds(opaque(encoder()))
    assert found[0] is Enter
    assert found[1:11] == [OpaqueConv, nn.ReLU, OpaqueConv, nn.MaxPool2d, nn.ReLU] * 2
    assert found[11:] == [Leave, nn.Conv2d]


def test_it_ends_with_the_pooling_where_another_layer_comes_behind_it():
    assert kinds(opaque(nn.Sequential(conv(1, 2), nn.MaxPool2d(2), nn.Sigmoid()))) == [
        Enter, OpaqueConv, nn.MaxPool2d, Leave, nn.Sigmoid
    ]  # fmt: skip
    assert kinds(opaque(nn.Sequential(conv(1, 2), nn.MaxPool2d(2)))) == [Enter, OpaqueConv, nn.MaxPool2d, Leave]


@pytest.mark.parametrize(
    "layers",
    [
        [conv(1, 2), nn.ReLU()],  # no pooling: nothing to gain
        [conv(1, 2), nn.Sigmoid(), nn.MaxPool2d(2)],
        [conv(1, 2, padding_mode="reflect"), nn.MaxPool2d(2)],
        [conv(1, 2), nn.BatchNorm2d(2).eval(), nn.MaxPool2d(2)],  # oneDNN has no gradient of statistics that are kept
        [conv(1, 2), nn.MaxPool2d(2, dilation=2)],
        [conv(1, 2), nn.MaxPool2d(2, ceil_mode=True)],
    ],
    ids=["no pooling", "sigmoid", "border", "statistics kept", "dilation", "ceil mode"],
)
def test_what_onednn_does_not_have_stays_as_it_is(layers):
    assert kinds(opaque(nn.Sequential(*layers))) == [type(layer) for layer in layers]


def test_what_a_skip_connection_looks_at_stays_with_pytorch():
    class Skipping(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool, self.up = conv(1, 2), nn.MaxPool2d(2), nn.Upsample(scale_factor=2)

        def forward(self, x):
            seen = self.conv(x)
            return torch.cat([seen, self.up(self.pool(seen))], dim=1)

    assert kinds(opaque(Skipping())) == [nn.Conv2d, nn.MaxPool2d, nn.Upsample]
