"""Backends: rewrite a fused network for the fastest kernels of a device, in float32 or bfloat16.

oneDNN (CPU) and cuDNN (GPU) compute a convolution and the ReLU after it in one call. PyTorch's
compiler emits the same calls; this module needs no compiler and accepts images of any size.
OpenVINO has less overhead per layer than PyTorch, and that overhead dominates for small images.
`denoise.inference.plan` chooses the backend.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import fx, nn

from denoise.graph import cuda_graphs, polyphase
from denoise.graph.fusion import bypass, fuse, is_convolution, layer_of, replace, traced
from denoise.inference import openvino_graph
from denoise.inference.layers import CALLS, Conv, Halving
from denoise.models.base import AnySize

BACKENDS = ("plain", "aten", "cudnn", "onednn", "openvino")
"""Backends, in this order.

The network as it was trained; fused, with PyTorch's documented calls; fused, with cuDNN's calls,
recorded for small batches (`denoise.graph.cuda_graphs`); fused, with oneDNN's calls; fused, with
OpenVINO for small images and oneDNN for larger ones.
"""


def backends(device: torch.device) -> tuple[str, ...]:
    """Return the backends available on a device.

    PyTorch does not document its cuDNN and oneDNN calls.
    """
    there = ["plain", "aten"]
    if (
        device.type == "cuda"
        and torch.backends.cudnn.is_available()
        and hasattr(torch, "cudnn_convolution_relu")
    ):
        there.append("cudnn")
    calls = ("_convolution_pointwise", "_convolution_transpose_pointwise")
    has_onednn = device.type == "cpu" and torch.backends.mkldnn.is_available()
    if has_onednn and all(hasattr(torch.ops.mkldnn, name) for name in calls):
        there += ["onednn", *(["openvino"] if openvino_graph.is_installed() else [])]
    return tuple(there)


def lower(
    network: AnySize, backend: str, dtype: torch.dtype, exact: Collection[str] = ()
) -> AnySize:
    """Rewrite a network for a backend.

    Parameters
    ----------
    network : AnySize
        Network in evaluation mode; not modified.
    backend : str
        One of `BACKENDS`.
    dtype : torch.dtype
        Input and output type of the convolutions. Operations outside of the convolutions, such as
        the subtraction of the noise from the image, stay in float32. "plain" is float32 throughout.
    exact : collection of str
        Names in `network.net` of the convolutions that stay in float32. OpenVINO then computes its
        whole graph in float32.

    Returns
    -------
    AnySize
        Network for inference: the logits that it returns may already have passed the sigmoid.

    Raises
    ------
    ValueError
        Unknown backend, or a network that cannot be traced (except for "plain").
    """
    if backend == "plain":
        return network
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}; valid: {', '.join(BACKENDS)}")
    fused = fuse(network)
    # the names in `exact` do not identify the parts of a gathered convolution
    if backend != "aten" and not exact:
        polyphase.gather(fused.net)
    left = (
        {node.name for node in traced(network.net).graph.nodes if node.target in exact}
        if exact
        else set()
    )
    fused.net = _lowered(fused.net, backend, dtype, left)
    if backend not in ("openvino", "cudnn"):
        return fused
    if fused.sigmoid:
        fused.net, fused.sigmoid, fused.within = _with_sigmoid(fused.net), False, True
    if backend == "cudnn":
        fused.net = cuda_graphs.BySize(fused.net)
    else:  # one OpenVINO graph has one format
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


def _lowered(
    graph: fx.GraphModule, backend: str, usual: torch.dtype, left: Collection[str]
) -> fx.GraphModule:
    """Lower each layer; `left` names the nodes whose convolutions stay in float32.

    Nodes keep their names if their layers are replaced.
    """
    for node in list(graph.graph.nodes):
        layer = layer_of(graph, node)
        if is_convolution(layer):
            stays = node.name in left or _sees_the_image(node)
            (user,) = node.users if len(node.users) == 1 else (None,)
            rectified = isinstance(layer_of(graph, user), nn.ReLU)
            replace(
                graph,
                node,
                Conv(layer, CALLS[backend], torch.float32 if stays else usual, rectified),
            )
            if rectified:
                bypass(graph, user)
        elif isinstance(layer, nn.MaxPool2d) and _halves(layer) and backend != "aten":
            replace(graph, node, Halving())
        # computes in its weights' format
        elif layer is not None and any(True for _ in layer.parameters()):
            with graph.graph.inserting_before(node):
                node.args = (graph.graph.call_method("float", node.args),)
    graph.recompile()
    graph.delete_all_unused_submodules()
    return graph


def _sees_the_image(node: fx.Node) -> bool:
    """Return True if a layer reads the image and the output subtracts noise from the same image.

    Such a network treats the rounding of the image as noise, so this layer stays in float32.
    """
    source = node.args[0]
    return source.op == "placeholder" and len(source.users) > 1


def _halves(layer: nn.MaxPool2d) -> bool:
    square = (
        layer.kernel_size in (2, (2, 2))
        and layer.stride in (2, (2, 2))
        and layer.padding in (0, (0, 0))
    )
    return (
        square
        and layer.dilation in (1, (1, 1))
        and not layer.return_indices
        and not layer.ceil_mode
    )
