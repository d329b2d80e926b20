"""Polyphase rewriting: merging small products into larger ones changes no output."""

import pytest
import torch
from networks import alive, pictures
from torch import nn

from denoise.graph import polyphase
from denoise.graph.fusion import fuse, traced
from denoise.models.base import ARCHITECTURES

SIZES = [(1, 1), (2, 3), (7, 7), (14, 9)]


def doubling(given, out, bias=True):
    return nn.ConvTranspose2d(given, out, 3, stride=2, padding=1, output_padding=1, bias=bias)


@torch.no_grad()
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bias", [True, False])
def test_a_transposed_convolution_is_a_convolution_whose_channels_are_the_phases_in_turn(
    size, bias
):
    conv, x = doubling(3, 5, bias), torch.randn(2, 3, *size)
    made = polyphase.fixed(conv, polyphase.of_transposed, bias_of=polyphase.of_each_phase)
    by_phase = made(nn.functional.pad(x, (0, 1, 0, 1)))
    by_channel = by_phase.unflatten(1, (4, 5)).transpose(1, 2).flatten(1, 2)
    torch.testing.assert_close(
        nn.functional.pixel_shuffle(by_channel, 2), conv(x), atol=1e-5, rtol=0
    )


@torch.no_grad()
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_is_what_each_cell_adds_to_the_pixels_around_it(size, bias):
    conv, x = nn.Conv2d(4, 3, 3, padding=1, bias=bias), torch.randn(2, 4, 2 * size[0], 2 * size[1])
    added = polyphase.fixed(conv, polyphase.patches, bias_of=None)
    summed = polyphase.fixed(conv, polyphase.overlap, padding=1)
    by_channel = nn.functional.pixel_unshuffle(x, 2).unflatten(1, (4, 4))
    by_phase = by_channel.transpose(1, 2).flatten(1, 2)
    gathered = nn.Sequential(added, summed, nn.PixelShuffle(2))(by_phase)
    torch.testing.assert_close(gathered, conv(x), atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("between", [[nn.ReLU()], []])
@pytest.mark.parametrize("channels", [1, 3])
def test_both_in_turn_are_gathered_and_the_large_picture_is_never_there(between, channels):
    network = nn.Sequential(doubling(6, 4), *between, nn.Conv2d(4, channels, 3, padding=1)).eval()
    graph = traced(network)
    polyphase.gather(graph)
    graph.recompile()
    kinds = [
        type(graph.get_submodule(node.target))
        for node in graph.graph.nodes
        if node.op == "call_module"
    ]
    last = [nn.Conv2d, nn.Conv2d, nn.PixelShuffle]
    assert kinds == [nn.ZeroPad2d, nn.Conv2d, *(type(layer) for layer in between), *last]
    x = torch.randn(2, 6, 5, 8)
    torch.testing.assert_close(graph(x), network(x), atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_network_of_the_keras_example_ends_so():
    network = alive(ARCHITECTURES["K1"].build(1))
    graph = fuse(network.net)
    polyphase.gather(graph)
    graph.recompile()
    assert any(isinstance(layer, nn.PixelShuffle) for layer in graph.modules())
    x = pictures(28, 28)
    torch.testing.assert_close(graph(x), network.net(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "layers",
    [
        # many channels: they fill a tile as they are
        [doubling(2, 2), nn.ReLU(), nn.Conv2d(2, 8, 3, padding=1)],
        [doubling(2, 2), nn.ReLU(), nn.Conv2d(2, 1, 3)],  # no border
        [doubling(2, 2), nn.Sigmoid(), nn.Conv2d(2, 1, 3, padding=1)],
        [
            nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2, 1, 3, padding=1),
        ],
        [
            nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2, 1, 3, padding=1),
        ],
        [nn.Conv2d(2, 1, 3, padding=1)],
    ],
)
def test_what_is_not_of_that_form_stays_as_it_is(layers):
    graph = traced(nn.Sequential(*layers).eval())
    before = graph.graph.python_code("self").src
    polyphase.gather(graph)
    assert graph.graph.python_code("self").src == before
