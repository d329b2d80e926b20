"""The layers up to the last pooling in tensors of oneDNN's own, to go on learning.

While PyTorch trains, its max-pooling on channels_last keeps where each maximum was in eight bytes and writes the
gradient one number at a time; oneDNN's keeps one byte and writes as many numbers as a register holds. PyTorch calls it
for tensors of oneDNN's own alone (layout "mkldnn", which nobody else can look into), and copies everything into these
and out of them. So a chain of layers that begins at the picture, which is small, and ends with the last pooling, after
which little is left, stays in them.

References
----------
oneDNN, "Pooling", https://uxlfoundation.github.io/oneDNN/dev_guide_pooling.html.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from denoise.fusion import is_convolution, layer_of, put_after, put_before, replace


def make_opaque(graph: fx.GraphModule) -> None:
    """Rewrite, in place, the chain of layers from the input to the last pooling, as far as oneDNN has them all.

    A normalisation is taken in training mode alone: oneDNN has no gradient of the other. In which mode they learn has
    to be settled before.
    """
    chain = _chain(graph)
    for node, source in zip(chain, [None, *chain], strict=False):
        layer = layer_of(graph, node)
        if isinstance(layer, nn.Conv2d):
            replace(graph, node, OpaqueConv(layer))
        elif isinstance(layer, nn.ReLU):  # a pooling's answer belongs to its gradient
            replace(graph, node, nn.ReLU(inplace=not isinstance(layer_of(graph, source), nn.MaxPool2d)))
    if chain:
        put_before(graph, chain[0], Enter())
        put_after(graph, chain[-1], Leave())


def _chain(graph: fx.GraphModule) -> list[fx.Node]:
    """From the first layer to the last pooling and the ReLU behind it; empty where there is none."""
    node, found = graph.graph.find_nodes(op="placeholder")[0], []
    while len(node.users) == 1:
        (node,) = node.users
        if not _is_there(layer_of(graph, node)):
            break
        found.append(node)
    layers = [layer_of(graph, node) for node in found]
    pools = [place for place, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    if not pools:
        return []
    end = pools[-1] + 1
    return found[: end + any(isinstance(layer, nn.ReLU) for layer in layers[end : end + 1])]


def _is_there(layer: nn.Module | None) -> bool:
    """Whether oneDNN has the layer, with its gradient."""
    if isinstance(layer, nn.MaxPool2d):
        return not layer.return_indices and not layer.ceil_mode and layer.dilation in (1, (1, 1))
    if isinstance(layer, nn.BatchNorm2d):
        return layer.training and layer.affine and layer.track_running_stats
    return isinstance(layer, nn.ReLU) or (isinstance(layer, nn.Conv2d) and is_convolution(layer))


class Enter(nn.Module):
    """(N, C, H, W) into oneDNN's tensors, in the number format that autocast has here."""

    def forward(self, x: Tensor) -> Tensor:
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        return x.to(dtype).to_mkldnn()


class Leave(nn.Module):
    """Back: the same (N, C, H, W), on channels_last."""

    def forward(self, x: Tensor) -> Tensor:
        return x.to_dense().contiguous(memory_format=torch.channels_last)


class OpaqueConv(nn.Module):
    """A convolution in the number format of what it is given. PyTorch's own takes float32 alone in such tensors."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv
        bias = None if conv.bias is None else conv.bias.to(x.dtype)
        geometry = conv.padding, conv.stride, conv.dilation, conv.groups
        return torch.ops.aten.mkldnn_convolution(x, conv.weight.to(x.dtype), bias, *geometry)
