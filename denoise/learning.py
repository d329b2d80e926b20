"""Convolutions that a processor is slow at in training, computed as others.

- A transposed convolution 3x3 of stride 2 answers by its phases (`denoise.phases`), of whose 16 taps 7 are zeros. It is
  the gradient of a convolution of stride 2, which so is its own gradient, and has none of the zeros.
- A last convolution with few channels is a product of matrices, as in `denoise.phases`.

Both hold weights of the network that they stand in for, and answer with their own.

References
----------
Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016. https://arxiv.org/abs/1603.07285
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from denoise.fusion import before, bypass, layer_of, replace
from denoise.phases import doubles, endings, of_each_phase, of_transposed, overlap, patches

PAIR_OF = {torch.bfloat16: torch.int32, torch.float32: torch.int64}
"""A number as wide as two of a format."""
PIECES = 4
PARTS = 4
"""In which a product that sums up over all pixels is computed."""


def quicken(graph: fx.GraphModule) -> None:
    """Rewrite, in place, the convolutions of those kinds, to go on learning.

    Of transposed convolutions with nothing to rectify only the one before the last convolution: others gain nothing.
    """
    for source, relu, node in endings(graph):
        replace(graph, node, Ending(layer_of(graph, source), layer_of(graph, node), rectified=relu is not None))
        if relu is not None:
            bypass(graph, relu)
        bypass(graph, source)
    for node in list(graph.graph.nodes):
        source = before(node) if node.args else None
        if isinstance(layer_of(graph, node), nn.ReLU) and doubles(layer_of(graph, source)):
            replace(graph, source, Doubling(layer_of(graph, source)))
            bypass(graph, node)


class Doubling(nn.Module):
    """A transposed convolution 3x3 of stride 2, and the ReLU after it: (N, C, H, W) -> (N, C', 2 H, 2 W).

    oneDNN rectifies while it writes; PyTorch, apart from its compiler, reads and writes everything once more. The
    gradient needs no more than the rectified numbers either way: where they are zero, nothing passes.

    Parameters
    ----------
    conv : nn.ConvTranspose2d
        One that `phases.doubles`.
    """

    def __init__(self, conv: nn.ConvTranspose2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        return _Doubling.apply(x, self.conv.weight, self.conv.bias)


class _Doubling(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        y = interleave(_in_phases(x, weight, bias, rectified=True))
        ctx.save_for_backward(x, weight, y)
        return y

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        passed = torch.ops.aten.threshold_backward(gradient, y, 0)
        return _of_doubling(x, weight, passed, ctx.needs_input_grad)


def _in_phases(x: Tensor, weight: Tensor, bias: Tensor | None, *, rectified: bool) -> Tensor:
    """Of a transposed convolution, (N, C, H, W) -> (N, 4 C', H, W)."""
    phases = of_transposed(weight).contiguous(memory_format=torch.channels_last)
    biases = None if bias is None else of_each_phase(bias)
    call, after = torch.ops.mkldnn._convolution_pointwise.default, "relu" if rectified else "none"
    return call(F.pad(x, (0, 1, 0, 1)), phases, biases, (0, 0), (1, 1), (1, 1), 1, after, [], "")


def _of_doubling(
    x: Tensor, weight: Tensor, passed: Tensor, asked: Sequence[bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The gradients of x, weight and bias of a transposed convolution, as far as `asked` for, given its answer's."""
    of_x, of_weight, of_bias, *_ = asked
    return (
        F.conv2d(passed, weight, stride=2, padding=1) if of_x else None,
        _weight_gradient(x, passed, weight) if of_weight else None,
        passed.sum((2, 3)).sum(0) if of_bias else None,  # two threads share N sums, but not one
    )


def _weight_gradient(x: Tensor, passed: Tensor, weight: Tensor) -> Tensor:
    """Of the convolution of stride 2 whose answer to `passed` is of the shape of `x`, its gradient there being `x`."""
    geometry = (2, 2), (1, 1), (1, 1), False, (0, 0), 1
    return torch.ops.aten.convolution_backward(x, passed, weight, None, *geometry, [False, True, False])[1]


def interleave(phases: Tensor) -> Tensor:
    """Phases, one after the other, as the large picture: (N, 4 C, H, W) -> (N, C, 2 H, 2 W), on channels_last.

    `F.pixel_shuffle` wants the phases of a channel together: it moves numbers one by one where this moves C at a time.
    """
    count, channels, height, width = phases.shape
    large = _cells(phases).permute(0, 1, 3, 2, 4, 5).reshape(count, 2 * height, 2 * width, channels // 4)
    return large.permute(0, 3, 1, 2)


def _pieces_interleaved(added: Tensor, adding: Tensor, y: Tensor, *, rectified: bool) -> Tensor:
    """The gradient of a product with `adding`, where `y` is above 0 if it is rectified, interleaved while it is
    written; in pieces of pictures that fit the caches."""
    count, channels, height, width = y.shape
    large = y.new_empty(count, height, 2, width, 2, channels // 4)
    pieces = zip(*(tensor.chunk(PIECES) for tensor in (added, _cells(y), large)), strict=True)
    for some, there, written in pieces:
        places = written.permute(0, 1, 3, 2, 4, 5)
        gradient = (some @ adding).view(there.shape)
        if rectified:
            torch.ops.aten.threshold_backward.grad_input(gradient, there, 0, grad_input=places)
        else:
            places.copy_(gradient)
    return large.view(count, 2 * height, 2 * width, channels // 4).permute(0, 3, 1, 2)


def _cells(phases: Tensor) -> Tensor:
    """(N, 4 C, H, W) -> (N, H, W, 2, 2, C)."""
    return _channels_last(phases).unflatten(3, (2, 2, -1))


class Ending(nn.Module):
    """A transposed convolution 3x3 of stride 2, the ReLU after it if there is one, and a last convolution 3x3:
    (N, C, H, W) -> (N, C', 2 H, 2 W)."""

    def __init__(self, doubling: nn.ConvTranspose2d, last: nn.Conv2d, *, rectified: bool) -> None:
        super().__init__()
        self.doubling, self.last, self.rectified = doubling, last, rectified

    def forward(self, x: Tensor) -> Tensor:
        doubling, last = self.doubling, self.last
        adding, summing = patches(last.weight).flatten(1), overlap(last.weight)
        y = _Ending.apply(x, doubling.weight, doubling.bias, adding, summing, self.rectified)
        return y if last.bias is None else y + last.bias.view(-1, 1, 1)


class _Ending(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, adding: Tensor, summing: Tensor, rectified: bool
    ) -> Tensor:
        y = _in_phases(x, weight, bias, rectified=rectified)
        ctx.save_for_backward(x, weight, adding, summing, y)
        ctx.rectified = rectified
        added = F.linear(_channels_last(y), adding).permute(0, 3, 1, 2)
        return _pairs_laid_out(F.conv2d(added, summing, padding=1))

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, adding, summing, y = ctx.saved_tensors
        turned = summing.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
        added = _channels_last(F.conv2d(_pairs_in_phases(gradient), turned, padding=1))
        passed = _pieces_interleaved(added, adding, y, rectified=ctx.rectified)
        of_adding = None
        if ctx.needs_input_grad[3]:
            of_adding = _product_of_parts(added.flatten(0, 2), _channels_last(y).flatten(0, 2))
        return *_of_doubling(x, weight, passed, ctx.needs_input_grad), of_adding, None, None


def _product_of_parts(a: Tensor, b: Tensor) -> Tensor:
    """(M, K) and (M, L) -> (K, L), for a large M: summed up in parts, which several threads take where one would have
    the whole."""
    parts = math.gcd(len(a), PARTS)
    return torch.bmm(a.unflatten(0, (parts, -1)).mT, b.unflatten(0, (parts, -1))).sum(0)


def _channels_last(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H, W, C), without a copy where `x` is on channels_last."""
    return x.permute(0, 2, 3, 1)


def _pairs_laid_out(phases: Tensor) -> Tensor:
    """`F.pixel_shuffle(phases, 2)`, moving two pixels at a time, which lie side by side either way."""
    count, channels, height, width = phases.shape
    cells = _channels_last(phases).contiguous().view(-1)
    pairs = cells.view(PAIR_OF[phases.dtype]).view(count, height, width, channels // 4, 2)
    rows = pairs.permute(0, 3, 1, 4, 2).contiguous().view(-1)
    return rows.view(phases.dtype).view(count, channels // 4, 2 * height, 2 * width)


def _pairs_in_phases(large: Tensor) -> Tensor:
    """Back: (N, C, 2 H, 2 W) -> (N, 4 C, H, W), on channels_last."""
    count, channels, height, width = large.shape
    rows = large.contiguous().view(-1)
    pairs = rows.view(PAIR_OF[large.dtype]).view(count, channels, height // 2, 2, width // 2)
    cells = pairs.permute(0, 2, 4, 1, 3).contiguous().view(-1)
    return cells.view(large.dtype).view(count, height // 2, width // 2, 4 * channels).permute(0, 3, 1, 2)
