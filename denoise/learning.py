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
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from denoise.fusion import before, bypass, layer_of, replace
from denoise.phases import doubles, endings, of_each_phase, of_transposed, overlap, patches

PAIR_OF = {torch.bfloat16: torch.int32, torch.float32: torch.int64}
"""A number as wide as two of a format."""
PARTS = 4
"""In which a product that sums up over all pixels is computed."""


def quicken(graph: fx.GraphModule) -> None:
    """Rewrite, in place, the convolutions of those kinds, to go on learning.

    Of transposed convolutions with nothing to rectify only the one before the last convolution: others gain nothing.
    """
    for source, relu, node in endings(graph):
        replace(graph, source, Doubling(layer_of(graph, source), rectified=relu is not None, large=False))
        if relu is not None:
            bypass(graph, relu)
        replace(graph, node, Ending(layer_of(graph, node)))
    for node in list(graph.graph.nodes):
        source = before(node) if node.args else None
        if isinstance(layer_of(graph, node), nn.ReLU) and doubles(layer_of(graph, source)):
            replace(graph, source, Doubling(layer_of(graph, source), rectified=True, large=True))
            bypass(graph, node)


def alike(x: Tensor, *others: Tensor | None) -> list[Tensor | None]:
    """All in the number format that autocast has here, or in that of `x`. To have autocast do so costs more time."""
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    return [None if one is None else one.to(dtype) for one in (x, *others)]


class Doubling(nn.Module):
    """A transposed convolution 3x3 of stride 2, and the ReLU after it: (N, C, H, W) -> (N, C', 2 H, 2 W).

    oneDNN rectifies while it writes; PyTorch, apart from its compiler, reads and writes everything once more. The
    gradient needs no more than the rectified numbers either way: where they are zero, nothing passes.

    Parameters
    ----------
    conv : nn.ConvTranspose2d
        One that `phases.doubles`.
    rectified : bool
        With a ReLU.
    large : bool
        Without, the answer is left in phases: (N, 4 C', H, W).
    """

    def __init__(self, conv: nn.ConvTranspose2d, *, rectified: bool, large: bool) -> None:
        super().__init__()
        self.conv, self.rectified, self.large = conv, rectified, large

    def forward(self, x: Tensor) -> Tensor:
        return _Doubling.apply(*alike(x, self.conv.weight, self.conv.bias), self.rectified, self.large)


class _Doubling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, rectified: bool, large: bool) -> Tensor:
        phases = of_transposed(weight).contiguous(memory_format=torch.channels_last)
        biases = None if bias is None else of_each_phase(bias)
        call, after = torch.ops.mkldnn._convolution_pointwise.default, "relu" if rectified else "none"
        y = call(F.pad(x, (0, 1, 0, 1)), phases, biases, (0, 0), (1, 1), (1, 1), 1, after, [], "")
        y = interleave(y) if large else y
        ctx.save_for_backward(x, weight, y if rectified else None)
        ctx.large = large
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        if ctx.large:
            passed = gradient if y is None else torch.ops.aten.threshold_backward(gradient, y, 0)
        else:
            passed = interleave(gradient) if y is None else _interleaved_where(gradient, y)
        of_x, of_weight, of_bias, *_ = ctx.needs_input_grad
        return (
            F.conv2d(passed, weight, stride=2, padding=1) if of_x else None,
            _weight_gradient(x, passed, weight) if of_weight else None,
            passed.sum((2, 3)).sum(0) if of_bias else None,  # two threads share N sums, but not one
            None,
            None,
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


def _interleaved_where(gradient: Tensor, y: Tensor) -> Tensor:
    """The gradient where `y` is above 0, else 0, interleaved while it is written."""
    count, channels, height, width = y.shape
    large = y.new_empty(count, height, 2, width, 2, channels // 4)
    places = large.permute(0, 1, 3, 2, 4, 5)
    torch.ops.aten.threshold_backward.grad_input(_cells(gradient), _cells(y), 0, grad_input=places)
    return large.view(count, 2 * height, 2 * width, channels // 4).permute(0, 3, 1, 2)


def _cells(phases: Tensor) -> Tensor:
    """(N, 4 C, H, W) -> (N, H, W, 2, 2, C)."""
    return _channels_last(phases).unflatten(3, (2, 2, -1))


class Ending(nn.Module):
    """A last convolution 3x3, from the phases of what it sees: (N, 4 C, H, W) -> (N, C', 2 H, 2 W)."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv
        y = _Ending.apply(*alike(x, patches(conv.weight).flatten(1), overlap(conv.weight)))
        # Within the convolution, whose weight is fixed, the gradient of the bias would take longer than all the rest.
        return y if conv.bias is None else y + conv.bias.view(-1, 1, 1)


class _Ending(torch.autograd.Function):
    """What each cell adds to the pixels around it, as a product of matrices, whose gradient takes less time than that
    of a convolution 1x1; and the sum of it, a convolution whose weight has no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, adding: Tensor, summing: Tensor) -> Tensor:
        ctx.save_for_backward(x, adding, summing)
        added = F.linear(_channels_last(x), adding).permute(0, 3, 1, 2)
        return _pairs_laid_out(F.conv2d(added, summing, padding=1))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, adding, summing = ctx.saved_tensors
        # The gradient of a convolution is one with the turned weight; as such it takes half of the time.
        turned = summing.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
        added = _channels_last(F.conv2d(_pairs_in_phases(gradient), turned, padding=1))
        of_x, of_adding, _ = ctx.needs_input_grad
        return (
            (added @ adding).permute(0, 3, 1, 2) if of_x else None,
            _product_of_parts(added.flatten(0, 2), _channels_last(x).flatten(0, 2)) if of_adding else None,
            None,
        )


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
