"""Exact rewrites with more products but larger matrices, for CPUs with matrix tiles.

The last convolution of a network has one or three output channels, but a matrix tile holds sixteen:
most of the tile stays empty. A transposed convolution of stride 2 uses different taps for each of
the four pixels of a 2x2 cell, its phases. Both are therefore computed on the small image, whose
channels hold the four phases of the large image. Each cell contributes to the 4x4 pixels around it
by one matrix product, sixteen outputs wide. The contributions of neighboring cells are then summed,
and `nn.PixelShuffle` rearranges the output alone.

References
----------
Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016.
https://arxiv.org/abs/1609.07009
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, fx, nn

from denoise.graph.fusion import (
    Convolution,
    Geometry,
    before,
    is_convolution,
    is_plain_3x3,
    layer_of,
    put_before,
    replace,
)

FEW = 4  # output channels: a convolution with more channels fills a tile already
DOUBLING: Geometry = ((1, 1), (1, 1), (2, 2), (1, 1), 1)
"""Geometry of a transposed convolution 3x3 that exactly doubles the size.

Padding, output padding, stride, dilation and groups.
"""


def gather(graph: fx.GraphModule) -> None:
    """Rewrite, in place, each pair of layers that `endings` yields."""
    for source, _, node in endings(graph):
        doubling, last = layer_of(graph, source), layer_of(graph, node)
        assert isinstance(doubling, nn.ConvTranspose2d)  # `endings` yields no other layers
        assert isinstance(last, nn.Conv2d)
        replace(graph, source, fixed(doubling, of_transposed, bias_of=of_each_phase))
        put_before(graph, source, nn.ZeroPad2d((0, 1, 0, 1)))
        replace(graph, node, nn.PixelShuffle(2))
        put_before(graph, node, fixed(last, patches, bias_of=None))
        put_before(graph, node, fixed(last, overlap, padding=1))


def endings(graph: fx.GraphModule) -> Iterator[tuple[fx.Node, fx.Node | None, fx.Node]]:
    """Yield each transposed convolution 3x3 of stride 2 before a convolution 3x3 with few channels.

    Each item holds the nodes of the transposed convolution, of the ReLU between both (or None), and
    of the convolution.
    """
    for node in list(graph.graph.nodes):
        last = layer_of(graph, node)
        if not (is_convolution(last) and is_plain_3x3(last) and last.out_channels <= FEW):
            continue
        source, relu = before(node), None
        if isinstance(layer_of(graph, source), nn.ReLU):
            source, relu = before(source), source
        if doubles(layer_of(graph, source)):
            yield source, relu, node


def of_transposed(weight: Tensor) -> Tensor:
    """Return the weight of a convolution that computes the phases of a transposed convolution.

    The transposed convolution, weight (C, C', 3, 3), has stride 2 and exactly doubles the size. The
    returned weight is (4 C', C, 2, 2): (N, C, H + 1, W + 1) -> (N, 4 C', H, W), with all channels
    of a phase before the next phase.

    In one dimension pixel 2 m is tap 1 of pixel m. Pixel 2 m + 1 is taps 2 and 0 of pixels m and m
    + 1.
    """
    given, out = weight.shape[:2]
    taps = weight.permute(2, 3, 1, 0).reshape(9, out, given)
    taps = torch.cat([taps, taps.new_zeros(1, out, given)])[_taps_of_phases().to(weight.device)]
    return taps.permute(0, 1, 4, 2, 3, 5).reshape(4 * out, 2, 2, given).permute(0, 3, 1, 2)


@functools.cache
# the first caller may be in inference mode, a later one may want gradients
@torch.inference_mode(False)
def _taps_of_phases() -> Tensor:
    """Return the tap of each phase, (2, 2), for each pixel, (2, 2): 0 to 8, or 9 for none."""
    line = ((1, None), (2, 0))  # in one dimension: taps of the two phases for pixels m and m + 1

    def tap(p: int | None, q: int | None) -> int:
        return 9 if p is None or q is None else 3 * p + q

    return torch.tensor([[[[tap(p, q) for q in b] for p in a] for b in line] for a in line])


def patches(weight: Tensor) -> Tensor:
    """Return the weight of the 1x1 convolution from phases to contributions.

    It maps the phases of a cell to contributions to 4x4 pixels.

    The cell is the middle of these pixels. `weight` (C', C, 3, 3) is a convolution with zero
    padding. The result is (16 C', 4 C, 1, 1): (N, 4 C, H, W) -> (N, 16 C', H, W). `overlap` sums
    the contributions.

    In one dimension phase s is pixel s + 1 of the 4, and pixel s + 2 - t sees it as tap t.
    """
    out, given = weight.shape[:2]
    taps = _in_two_dimensions(
        (2, 4, 3), tuple((s, s + 2 - t, t) for s in range(2) for t in range(3))
    )
    moved = (weight.reshape(-1, 9) @ taps.to(weight)).view(out, given, 2, 2, 4, 4)
    return moved.permute(0, 4, 5, 2, 3, 1).reshape(16 * out, 4 * given, 1, 1)


def overlap(weight: Tensor) -> Tensor:
    """Return the weight, of ones and zeros, of the convolution that sums the outputs of `patches`.

    `weight` is the one given to `patches`. The result is (4 C', 16 C', 3, 3): (N, 16 C', H, W) ->
    (N, 4 C', H, W), the phases of the output.

    In one dimension phase a of cell n is pixel a + 1 of the 4 around n. Phase a is also pixel a - 1
    of the 4 around n + 1. Phase a is pixel a + 3 of the 4 around n - 1 as well, if these pixels
    exist.
    """
    return _overlap(len(weight)).to(weight)


@functools.cache
@torch.inference_mode(False)
def _overlap(out: int) -> Tensor:
    places = tuple(
        (a, p, (a + 1 - p) // 2 + 1) for a in range(2) for p in range(4) if (a + 1 - p) % 2 == 0
    )
    # two axes each: cells, phases, pixels
    sums = _in_two_dimensions((2, 4, 3), places).view(3, 3, 2, 2, 4, 4)
    return torch.einsum("mnabpq,oi->oabipqmn", sums, torch.eye(out)).reshape(
        4 * out, 16 * out, 3, 3
    )


@functools.cache
@torch.inference_mode(False)
def _in_two_dimensions(
    shape: tuple[int, int, int], places: tuple[tuple[int, int, int], ...]
) -> Tensor:
    """Return the outer product of a 0/1 tensor with itself, as a matrix.

    `places` are the indices (a, b, c) of the ones. Each row is a pair (c, c'), each column an index
    (a, a', b, b').
    """
    ones = torch.zeros(shape)
    ones[tuple(zip(*places, strict=True))] = 1
    return torch.einsum("aup,bvq->pqabuv", ones, ones).reshape(shape[2] ** 2, -1)


def of_each_channel(bias: Tensor) -> Tensor:
    """Repeat a bias for phases that are grouped by channel."""
    return bias.repeat_interleave(4)


def of_each_phase(bias: Tensor) -> Tensor:
    """Repeat a bias for channels that are grouped by phase."""
    return bias.expand(4, -1).flatten()


Made = Callable[[Tensor], Tensor]
"""Function from a layer's weight or bias to that of the replacing convolution."""


def fixed(
    conv: Convolution, weight_of: Made, padding: int = 0, bias_of: Made | None = of_each_channel
) -> nn.Conv2d:
    """Build a convolution with the weight `weight_of(conv.weight)`.

    Its bias is `bias_of(conv.bias)`; None: no bias.
    """
    weight = weight_of(conv.weight.detach())
    out, given, *size = weight.shape
    bias = None if bias_of is None or conv.bias is None else bias_of(conv.bias.detach())
    made = nn.utils.skip_init(
        nn.Conv2d,
        given,
        out,
        size,
        padding=padding,
        bias=bias is not None,
        device=weight.device,
        dtype=weight.dtype,
    )
    made.weight = nn.Parameter(weight)
    if bias is not None:
        made.bias = nn.Parameter(bias)
    return made


def doubles(layer: nn.Module | None) -> bool:
    """Return True for a transposed convolution 3x3 of stride 2 that exactly doubles the size."""
    if not (is_convolution(layer) and isinstance(layer, nn.ConvTranspose2d)):
        return False
    geometry = (layer.padding, layer.output_padding, layer.stride, layer.dilation, layer.groups)
    return layer.kernel_size == (3, 3) and geometry == DOUBLING
