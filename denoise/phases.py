"""Exact rewritings that trade more products for larger ones, for machines that multiply matrices tile by tile.

The last convolution of a network has one answer a pixel, or three, where a tile of the machine holds sixteen: most of
it stays empty. And a transposed convolution of stride 2 takes other taps for each of the four pixels of a 2x2 cell, its
phases. Both are quick as convolutions of the small picture whose channels hold the four phases of the large one; only
the answer is laid out again (`nn.PixelShuffle`).

References
----------
Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016. https://arxiv.org/abs/1609.07009
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from denoise.fusion import Convolution, before, is_convolution, is_plain_3x3, layer_of, put_before, replace

FEW = 4  # channels of the answer: four times as many fill a tile of 16


def gather(graph: fx.GraphModule, *, trained: bool = False) -> None:
    """Rewrite, in place, each transposed convolution 3x3 of stride 2 before a convolution 3x3 with few channels.

    With `trained` the weights stay those of the network, from which each call makes its own: they can go on learning.
    """
    make = Live if trained else fixed
    for node in list(graph.graph.nodes):
        last = layer_of(graph, node)
        if not (is_convolution(last) and is_plain_3x3(last) and last.out_channels <= FEW):
            continue
        relu = before(node)
        rectified = isinstance(layer_of(graph, relu), nn.ReLU)
        source = before(relu) if rectified else relu
        doubling = layer_of(graph, source)
        if not (is_convolution(doubling) and _doubles(doubling)):
            continue
        replace(graph, source, make(doubling, of_transposed, padding=0))
        put_before(graph, source, nn.ZeroPad2d((0, 1, 0, 1)))
        replace(graph, node, nn.PixelShuffle(2))
        put_before(graph, node, make(last, on_phases, padding=1))


def of_transposed(weight: Tensor) -> Tensor:
    """Of a transposed convolution 3x3 of stride 2 that keeps twice the size, (C, C', 3, 3), the weight of a convolution
    that answers with its phases, (4 C', C, 2, 2): (N, C, H + 1, W + 1) -> (N, 4 C', H, W).

    In one dimension pixel 2 m is tap 1 of pixel m, and pixel 2 m + 1 taps 2 and 0 of pixels m and m + 1.
    """
    taps = weight.new_zeros(2, 2, 3)  # phase, pixel, tap
    taps[0, 0, 1] = taps[1, 0, 2] = taps[1, 1, 0] = 1
    return torch.einsum("aup,bvq,iopq->oabiuv", taps, taps, weight).flatten(0, 2)


def on_phases(weight: Tensor) -> Tensor:
    """Of a convolution 3x3 with a border of zeros, (C', C, 3, 3), the weight of one from phases to phases,
    (4 C', 4 C, 3, 3): (N, 4 C, H, W) -> (N, 4 C', H, W).

    In one dimension phase a of cell m sees pixels 2 m + a - 1 to 2 m + a + 1: phases of the cells m - 1 to m + 1.
    """
    taps = weight.new_zeros(2, 2, 3, 3)  # phase of the answer, phase seen, cell, tap
    for phase in range(2):
        for tap in range(3):
            cell, seen = divmod(phase + tap - 1, 2)
            taps[phase, seen, cell + 1, tap] = 1
    return torch.einsum("acup,bdvq,oipq->oabicduv", taps, taps, weight).flatten(0, 2).flatten(1, 3)


def fixed(conv: Convolution, weight_of: Callable[[Tensor], Tensor], padding: int) -> nn.Conv2d:
    """A convolution with the weight that `weight_of` makes of that of `conv`."""
    weight = weight_of(conv.weight.detach())
    out, given, *size = weight.shape
    made = nn.utils.skip_init(
        nn.Conv2d, given, out, size, padding=padding, bias=conv.bias is not None, device=weight.device,
        dtype=weight.dtype,
    )  # fmt: skip
    made.weight = nn.Parameter(weight)
    if conv.bias is not None:
        made.bias = nn.Parameter(_of_phases(conv.bias.detach()))
    return made


class Live(nn.Module):
    """`fixed`, but that it makes its weight anew at each call: what `conv` learns, it has learned."""

    def __init__(self, conv: Convolution, weight_of: Callable[[Tensor], Tensor], padding: int) -> None:
        super().__init__()
        self.conv, self.weight_of, self.padding = conv, weight_of, padding

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.conv.bias is None else _of_phases(self.conv.bias)
        return F.conv2d(x, self.weight_of(self.conv.weight), bias, padding=self.padding)


def _of_phases(bias: Tensor) -> Tensor:
    return bias.repeat_interleave(4)


def _doubles(conv: nn.Module) -> bool:
    doubles = isinstance(conv, nn.ConvTranspose2d) and conv.stride == (2, 2) and conv.output_padding == (1, 1)
    return doubles and conv.kernel_size == (3, 3) and conv.padding == conv.dilation == (1, 1) and conv.groups == 1
