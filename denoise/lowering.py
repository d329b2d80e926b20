"""A fused network with the calls that a machine is quick at, in the number format that it is quick in.

oneDNN computes a convolution and the ReLU after it at once; PyTorch's compiler calls it so, and so does this, without a
compiler and for pictures of any size; on a GPU cuDNN does. OpenVINO, where it is installed, takes less time to go from
layer to layer, and small pictures are little else. `denoise.plan` chooses.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import fx, nn

from denoise import openvino_graph, phases, replay
from denoise.anysize import AnySize
from denoise.fusion import (
    bypass,
    fuse,
    is_convolution,
    layer_of,
    replace,
    traced,
)
from denoise.layers import CALLS, Conv, Halving

BACKENDS = ("plain", "aten", "cudnn", "onednn", "openvino")
"""The network as it was trained; fused, with PyTorch's documented calls; fused, with cuDNN's, and recorded for small
batches (`denoise.replay`); fused, with oneDNN's; the same, but small pictures by OpenVINO."""


def backends(device: torch.device) -> tuple[str, ...]:
    """Those that there are on a device: calls of cuDNN and oneDNN are not part of PyTorch's documented interface."""
    there = ["plain", "aten"]
    if device.type == "cuda" and torch.backends.cudnn.is_available() and hasattr(torch, "cudnn_convolution_relu"):
        there.append("cudnn")
    calls = ("_convolution_pointwise", "_convolution_transpose_pointwise")
    has_onednn = device.type == "cpu" and torch.backends.mkldnn.is_available()
    if has_onednn and all(hasattr(torch.ops.mkldnn, name) for name in calls):
        there += ["onednn", *(["openvino"] if openvino_graph.is_installed() else [])]
    return tuple(there)


def lower(network: AnySize, backend: str, dtype: torch.dtype, exact: Collection[str] = ()) -> AnySize:
    """The network as `backend` runs it.

    Parameters
    ----------
    network : AnySize
        In evaluation mode. It is left as it is.
    backend : str
        One of `BACKENDS`.
    dtype : torch.dtype
        Of what its convolutions take and answer. What it does to the picture outside of them, as taking the noise from
        it, stays in float32. "plain" is float32 throughout.
    exact : collection of str
        Convolutions that stay in float32, by the names that they have in `network.net`; of what OpenVINO computes, all.

    Returns
    -------
    AnySize
        To be called, for estimates: what it has for logits may be past the sigmoid.

    Raises
    ------
    ValueError
        Another backend, or the network cannot be traced (but for "plain").
    """
    if backend == "plain":
        return network
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}; valid: {', '.join(BACKENDS)}")
    fused = fuse(network)
    if backend != "aten" and not exact:  # which of what it makes of two convolutions is which?
        phases.gather(fused.net)
    left = {node.name for node in traced(network.net).graph.nodes if node.target in exact} if exact else set()
    fused.net = _lowered(fused.net, backend, dtype, left)
    if backend not in ("openvino", "cudnn"):
        return fused
    if fused.sigmoid:
        fused.net, fused.sigmoid, fused.within = _with_sigmoid(fused.net), False, True
    if backend == "cudnn":
        fused.net = replay.BySize(fused.net)
    else:  # it has one format for all
        fused.net = openvino_graph.with_graph(fused.net, torch.float32 if exact else dtype)
    return fused


def _with_sigmoid(graph: fx.GraphModule) -> fx.GraphModule:
    (output,) = graph.graph.find_nodes(op="output")
    graph.add_submodule("sigmoid", nn.Sigmoid())
    with graph.graph.inserting_before(output):
        logits = graph.graph.call_method("float", output.args)
        output.args = (graph.graph.call_module("sigmoid", (logits,)),)
    graph.recompile()
    return graph


def _lowered(graph: fx.GraphModule, backend: str, usual: torch.dtype, left: Collection[str]) -> fx.GraphModule:
    """`left` are names of nodes, which they keep whatever becomes of their layers."""
    for node in list(graph.graph.nodes):
        layer = layer_of(graph, node)
        if is_convolution(layer):
            stays = node.name in left or _sees_the_image(node)
            (user,) = node.users if len(node.users) == 1 else (None,)
            rectified = isinstance(layer_of(graph, user), nn.ReLU)
            replace(graph, node, Conv(layer, CALLS[backend], torch.float32 if stays else usual, rectified))
            if rectified:
                bypass(graph, user)
        elif isinstance(layer, nn.MaxPool2d) and _halves(layer) and backend != "aten":
            replace(graph, node, Halving())
        elif layer is not None and any(True for _ in layer.parameters()):  # it computes in the format of these
            with graph.graph.inserting_before(node):
                node.args = (graph.graph.call_method("float", node.args),)
    graph.recompile()
    graph.delete_all_unused_submodules()
    return graph


def _sees_the_image(node: fx.Node) -> bool:
    """Return True if a layer takes the image, and the output takes the image too, as that from which noise is taken.

    Such a network takes the rounding of the image for noise, so the layer stays in float32.
    """
    source = node.args[0]
    return source.op == "placeholder" and len(source.users) > 1


def _halves(layer: nn.MaxPool2d) -> bool:
    square = layer.kernel_size in (2, (2, 2)) and layer.stride in (2, (2, 2)) and layer.padding in (0, (0, 0))
    return square and layer.dilation in (1, (1, 1)) and not layer.return_indices and not layer.ceil_mode
