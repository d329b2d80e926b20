"""A first convolution 3x3 of one channel, the pooling behind it and the ReLU behind that, as one product of matrices.

Each cell of 2x2 pixels looks at 4x4; its four pixels are four columns of one matrix, of which the largest is kept.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from denoise.fusion import bypass, is_convolution, is_plain_3x3, layer_of, replace

PAIR_OF = {torch.bfloat16: torch.int32, torch.float32: torch.int64}
CELL_OF = {torch.bfloat16: torch.int64, torch.float32: torch.complex128}
LEAST = -1e-30  # differences above it are none
PARTS = 4


def begin(graph: fx.GraphModule) -> None:
    """Rewrite, in place, the layers of that kind."""
    chain, node = [], graph.graph.find_nodes(op="placeholder")[0]
    while len(node.users) == 1 and len(chain) < 3:
        (node,) = node.users
        chain.append(node)
    layers = [layer_of(graph, node) for node in chain]
    if [type(layer) for layer in layers] != [nn.Conv2d, nn.MaxPool2d, nn.ReLU]:
        return
    if is_convolution(layers[0]) and is_plain_3x3(layers[0]) and layers[0].in_channels == 1:
        replace(graph, chain[2], Beginning(layers[0]))
        bypass(graph, chain[0])
        bypass(graph, chain[1])


class Beginning(nn.Module):
    """(N, 1, 2 H, 2 W) -> (N, C, H, W)."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        weight = self.conv.weight
        columns = (_places() @ weight.flatten(1).t()).view(4, 16, -1).transpose(0, 1).flatten(1)
        return _Beginning.apply(x, columns, self.conv.bias)


@functools.cache
def _places() -> Tensor:
    """Where each tap is among the 16 pixels, for each of the four: (64, 9)."""
    places = torch.zeros(2, 2, 2, 2, 2, 2, 9)
    for a, b, i, j in torch.cartesian_prod(*map(torch.arange, (2, 2, 3, 3))).tolist():
        places[b, a, (a + i) // 2, (b + j) // 2, (a + i) % 2, (b + j) % 2, 3 * i + j] = 1
    return places.view(64, 9)


class _Beginning(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(ctx: Any, x: Tensor, columns: Tensor, bias: Tensor) -> Tensor:
        (n, _, height, width), channels = x.shape, len(bias)
        h, w = height // 2, width // 2
        pairs = F.pad(x, (1, 1, 1, 1)).contiguous().view(-1).view(PAIR_OF[x.dtype]).view(n, h + 1, 2, w + 1)
        cells = pairs.permute(0, 1, 3, 2).contiguous().view(-1).view(CELL_OF[x.dtype]).view(n, h + 1, w + 1)
        seen = cells.unfold(1, 2, 1).unfold(2, 2, 1).contiguous().view(-1).view(x.dtype).view(-1, 16)
        each = seen @ columns
        two = torch.maximum(*each.chunk(2, 1))
        largest = torch.maximum(*two.chunk(2, 1)).add_(bias).relu_()
        ctx.save_for_backward(seen, each, two, largest)
        return largest.view(n, h, w, channels).permute(0, 3, 1, 2)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor]:
        seen, each, two, largest = ctx.saved_tensors
        gradient = gradient.permute(0, 2, 3, 1).reshape(largest.shape)
        gradient = torch.ops.aten.threshold_backward(gradient, largest, 0)
        of_each = _of_largest(each, _of_largest(two, gradient))
        parts = [x.unflatten(0, (PARTS, -1)) for x in (seen, of_each)]
        return None, torch.bmm(parts[0].mT, parts[1]).sum(0), gradient.sum(0)


def _of_largest(columns: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of the larger of two halves, the first where they are equal."""
    (one, other), of_columns = columns.chunk(2, 1), torch.empty_like(columns)
    of_one, of_other = of_columns.chunk(2, 1)
    torch.ops.aten.threshold_backward.grad_input(gradient, one - other, LEAST, grad_input=of_one)
    torch.sub(gradient, of_one, out=of_other)
    return of_columns
