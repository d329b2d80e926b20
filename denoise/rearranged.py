"""A network as it is trained: the same answers and the same gradients, with less read from memory and written to it.

On a processor that multiplies matrices most of a step goes into what is between the products. So a ReLU goes behind the
max-pooling after it, where a quarter of the numbers is left (the largest of rectified numbers is the largest number,
rectified), and overwrites what only it looks at; convolutions that it is bad at are others (`denoise.learning`); and
the layers up to the last pooling are oneDNN's alone (`denoise.opaque`).
"""

from __future__ import annotations

import copy

import torch
from torch import fx, nn

from denoise.anysize import AnySize
from denoise.fusion import before, layer_of, replace, traced
from denoise.learning import quicken
from denoise.lowering import backends
from denoise.opaque import make_opaque

# What these answer is not kept for the gradients.
FREE = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.MaxPool2d)
CPU = torch.device("cpu")


def rearranged(network: AnySize) -> AnySize:
    """A twin of a network that learns what it learns: its weights are the network's own.

    Parameters
    ----------
    network : AnySize
        It stays what it is. Its layers are in the mode, of training or of evaluation, in which they will learn.

    Raises
    ------
    ValueError
        It cannot be traced by `torch.fx`.
    """
    graph = traced(network.net, copied=False)
    has_onednn = "onednn" in backends(CPU)
    pool_first(graph)
    if has_onednn:
        quicken(graph)
    overwrite(graph)
    if has_onednn:
        make_opaque(graph)
    graph.recompile()
    graph.delete_all_unused_submodules()
    twin = copy.copy(network)
    twin._modules = {**network._modules, "net": graph}
    return twin


def pool_first(graph: fx.GraphModule) -> None:
    """Let each ReLU that only a max-pooling looks at change places with it."""
    for node in list(graph.graph.nodes):
        pool, relu = layer_of(graph, node), before(node) if node.args else None
        pools = isinstance(pool, nn.MaxPool2d) and not pool.return_indices
        rectifier = layer_of(graph, relu)
        if not pools or not isinstance(rectifier, nn.ReLU):
            continue
        if rectifier.inplace and before(relu) is None:  # others see what it overwrites
            continue
        replace(graph, relu, nn.ReLU())  # in place it would change what was pooled
        node.args = relu.args
        node.replace_all_uses_with(relu)
        relu.args = (node,)
        node.append(relu)


def overwrite(graph: fx.GraphModule) -> None:
    """Let each ReLU write where the convolution or normalisation before it wrote, if nothing else looks there."""
    for node in list(graph.graph.nodes):
        source = before(node) if node.args else None
        if isinstance(layer_of(graph, node), nn.ReLU) and isinstance(layer_of(graph, source), FREE):
            replace(graph, node, nn.ReLU(inplace=True))
