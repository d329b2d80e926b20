"""Exact rewritings that trade more products for larger ones, for machines that multiply matrices tile by tile.

The last convolution of a network has one answer a pixel, or three, where a tile of the machine holds sixteen: most of
it stays empty. And a transposed convolution of stride 2 takes other taps for each of the four pixels of a 2x2 cell, its
phases. So both are computed on the small picture whose channels hold the four phases of the large one: what each cell
adds to the 4x4 pixels around it is one product with a matrix, sixteen answers wide, and what neighbours add to the same
pixel is summed afterwards; only the answer is laid out again (`nn.PixelShuffle`).

References
----------
Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016. https://arxiv.org/abs/1609.07009
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, fx, nn

from denoise.fusion import Convolution, before, is_convolution, is_plain_3x3, layer_of, put_before, replace

FEW = 4  # channels of the answer: what has more fills a tile as it is
DOUBLING = [(1, 1), (1, 1), (2, 2), (1, 1), 1]
"""Padding, output padding, stride, dilation and groups of a transposed convolution 3x3 that keeps twice the size."""


def gather(graph: fx.GraphModule) -> None:
    """Rewrite, in place, each transposed convolution 3x3 of stride 2 before a convolution 3x3 with few channels."""
    for source, _, node in endings(graph):
        doubling, last = layer_of(graph, source), layer_of(graph, node)
        replace(graph, source, fixed(doubling, of_transposed, bias_of=of_each_phase))
        put_before(graph, source, nn.ZeroPad2d((0, 1, 0, 1)))
        replace(graph, node, nn.PixelShuffle(2))
        put_before(graph, node, fixed(last, patches, bias_of=None))
        put_before(graph, node, fixed(last, overlap, padding=1))


def endings(graph: fx.GraphModule) -> Iterator[tuple[fx.Node, fx.Node | None, fx.Node]]:
    """Where a transposed convolution 3x3 of stride 2 comes before a convolution 3x3 with few channels: the nodes of
    both, and between them that of the ReLU, if there is one."""
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
    """Of a transposed convolution 3x3 of stride 2 that keeps twice the size, (C, C', 3, 3), the weight of a convolution
    that answers with its phases, (4 C', C, 2, 2): (N, C, H + 1, W + 1) -> (N, 4 C', H, W), all channels of a phase,
    then those of the next.

    In one dimension pixel 2 m is tap 1 of pixel m, and pixel 2 m + 1 taps 2 and 0 of pixels m and m + 1.
    """
    given, out = weight.shape[:2]
    taps = weight.permute(2, 3, 1, 0).reshape(9, out, given)
    taps = torch.cat([taps, taps.new_zeros(1, out, given)])[_taps_of_phases().to(weight.device)]
    return taps.permute(0, 1, 4, 2, 3, 5).reshape(4 * out, 2, 2, given).permute(0, 3, 1, 2)


@functools.cache
@torch.inference_mode(False)  # whoever asks first: others may want gradients
def _taps_of_phases() -> Tensor:
    """Which of the 9 taps, or 9 for none, each phase, (2, 2), has for each pixel, (2, 2)."""
    line = ((1, None), (2, 0))  # in one dimension: what the two phases have for pixels m and m + 1

    def tap(p: int | None, q: int | None) -> int:
        return 9 if p is None or q is None else 3 * p + q

    return torch.tensor([[[[tap(p, q) for q in b] for p in a] for b in line] for a in line])


def patches(weight: Tensor) -> Tensor:
    """Of a convolution 3x3 with a border of zeros, (C', C, 3, 3), the weight of one 1x1 from the phases of a cell to
    what they add to the 4x4 pixels of which the cell is the middle, (16 C', 4 C, 1, 1): (N, 4 C, H, W) ->
    (N, 16 C', H, W). `overlap` sums it.

    In one dimension phase s is pixel s + 1 of the 4, and seen by pixel s + 2 - t as its tap t.
    """
    out, given = weight.shape[:2]
    taps = _in_two_dimensions((2, 4, 3), tuple((s, s + 2 - t, t) for s in range(2) for t in range(3)))
    moved = (weight.reshape(-1, 9) @ taps.to(weight)).view(out, given, 2, 2, 4, 4)
    return moved.permute(0, 4, 5, 2, 3, 1).reshape(16 * out, 4 * given, 1, 1)


def overlap(weight: Tensor) -> Tensor:
    """Of the same convolution, the weight of ones and zeros of one from what `patches` answers to the phases of its
    answer, (4 C', 16 C', 3, 3): (N, 16 C', H, W) -> (N, 4 C', H, W).

    In one dimension phase a of cell n is pixel a + 1 of the 4 around n, a - 1 of those around n + 1, and a + 3 of those
    around n - 1, as far as there are such.
    """
    return _overlap(len(weight)).to(weight)


@functools.cache
@torch.inference_mode(False)
def _overlap(out: int) -> Tensor:
    places = tuple((a, p, (a + 1 - p) // 2 + 1) for a in range(2) for p in range(4) if (a + 1 - p) % 2 == 0)
    sums = _in_two_dimensions((2, 4, 3), places).view(3, 3, 2, 2, 4, 4)  # cell twice, phases, pixels
    return torch.einsum("mnabpq,oi->oabipqmn", sums, torch.eye(out)).reshape(4 * out, 16 * out, 3, 3)


@functools.cache
@torch.inference_mode(False)
def _in_two_dimensions(shape: tuple[int, int, int], places: tuple[tuple[int, int, int], ...]) -> Tensor:
    """Of ones at `places` (a, b, c) of one dimension, a matrix from the pairs of c of two to their a, a, b, b."""
    ones = torch.zeros(shape)
    ones[tuple(zip(*places, strict=True))] = 1
    return torch.einsum("aup,bvq->pqabuv", ones, ones).reshape(shape[2] ** 2, -1)


def of_each_channel(bias: Tensor) -> Tensor:
    """The bias of phases where those of a channel are together."""
    return bias.repeat_interleave(4)


def of_each_phase(bias: Tensor) -> Tensor:
    """The bias of phases that come one after the other."""
    return bias.expand(4, -1).flatten()


Made = Callable[[Tensor], Tensor]
"""From the weight or bias of a layer to that of the convolution that stands for it."""


def fixed(conv: Convolution, weight_of: Made, padding: int = 0, bias_of: Made | None = of_each_channel) -> nn.Conv2d:
    """A convolution with the weight that `weight_of` makes of that of `conv`, and so its bias; None: without bias."""
    weight = weight_of(conv.weight.detach())
    out, given, *size = weight.shape
    bias = None if bias_of is None or conv.bias is None else bias_of(conv.bias.detach())
    made = nn.utils.skip_init(
        nn.Conv2d, given, out, size, padding=padding, bias=bias is not None, device=weight.device, dtype=weight.dtype
    )
    made.weight = nn.Parameter(weight)
    if bias is not None:
        made.bias = nn.Parameter(bias)
    return made


def doubles(layer: nn.Module | None) -> bool:
    """Whether a layer is a transposed convolution 3x3 of stride 2 that keeps twice the size."""
    if not (is_convolution(layer) and isinstance(layer, nn.ConvTranspose2d)):
        return False
    geometry = [layer.padding, layer.output_padding, layer.stride, layer.dilation, layer.groups]
    return layer.kernel_size == (3, 3) and geometry == DOUBLING
