"""Exact rewrites of a trained network: equal outputs up to rounding, fewer operations.

- Batch normalization is folded into the convolution before it, also through a nearest upsampling or
  a pixel shuffle.
- Nearest upsampling moves behind a following ReLU: the ReLU then works on a quarter of the values.
- Nearest upsampling and the 3x3 convolution after it become one transposed convolution 4x4, stride
  2, with equal borders. Each output pixel depends on 2x2 input pixels, so 16 products replace 36. A
  decoder can be trained in one form and deployed in the other. A depthwise convolution likewise.
- A decoder with tied weights becomes the transposed convolution that it equals.

References
----------
Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill, 2016
(resize-convolution as a transposed convolution whose kernel is restricted).
https://distill.pub/2016/deconv-checkerboard/
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any, TypeGuard, overload

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from denoise.decoders import DySample, Tied
from denoise.locks import held
from denoise.models.base import AnySize

Convolution = nn.Conv2d | nn.ConvTranspose2d
Geometry = tuple[tuple[int, ...], tuple[int, ...] | None, tuple[int, ...], tuple[int, ...], int]
"""Padding, output padding (None: not transposed), stride, dilation and groups of a convolution."""

_tracing = threading.Lock()


@overload
def fuse(network: AnySize, *, join: bool = True) -> AnySize: ...
@overload
def fuse(network: nn.Module, *, join: bool = True) -> nn.Module: ...
def fuse(network: nn.Module, *, join: bool = True) -> nn.Module:
    """Return a network with equal outputs and less work.

    Parameters
    ----------
    network : nn.Module
        (N, C, H, W) -> (N, C', H', W'), in evaluation mode; an `AnySize` or any other network that
        `torch.fx` can trace. The network is not modified.
    join : bool
        Join nearest upsampling and the convolution after it into a transposed convolution.

    Returns
    -------
    nn.Module
        Network equal to `network` within the rounding of float32, at every size that `network`
        takes. The result is not for training: folded parameters cannot be trained apart. The result
        owns its weights: later training of `network` does not change them.

    Raises
    ------
    ValueError
        The network is in training mode, in which batch normalization depends on the batch, or it
        cannot be traced.

    Examples
    --------
    >>> import denoise, torch
    >>> network = denoise.load("mnist-nearest").network
    >>> noisy = torch.rand(1, 1, 28, 28)
    >>> bool((denoise.fuse(network)(noisy) - network(noisy)).abs().max() < 1e-5)
    True
    """
    if network.training:
        raise ValueError("the network is in training mode: call its eval() first")
    if isinstance(network, AnySize):
        fused = copy.copy(network)
        fused._modules = {**network._modules, "net": fuse(network.net, join=join)}
        return fused
    graph = traced(network)
    for rewrite in (_untie, _fold_norms, _sink_upsampling, _fold_norms):
        rewrite(graph)
    if join:
        _join_upsampling(graph)
    graph.graph.lint()
    graph.recompile()
    graph.delete_all_unused_submodules()
    return graph.eval()


def traced(network: nn.Module) -> fx.GraphModule:
    """Trace a network into an `fx.GraphModule`; its layers are copied.

    Raise the ValueError of `fuse` if the network cannot be traced.
    """
    tracer = _Tracer()
    try:
        with held(_tracing):
            graph = tracer.trace(copy.deepcopy(network))
    except (fx.proxy.TraceError, TypeError, RuntimeError) as error:
        raise ValueError(f"the network's forward cannot be traced: {error}") from error
    return fx.GraphModule(tracer.root, graph)


class _Tracer(fx.Tracer):
    """Tracer for one thread.

    Tracing patches every module's call; calls from other threads must pass unchanged.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Keep a decoder of this project whole if its forward computes with sizes or weights."""
        return isinstance(m, Tied | DySample) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self,
        module: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(module, forward, args, kwargs)


def layer_of(graph: fx.GraphModule, node: object) -> nn.Module | None:
    """Return the layer that a node calls with one input; None for any other node."""
    if not isinstance(node, fx.Node):
        return None
    called = node.op == "call_module" and len(node.args) == 1 and not node.kwargs
    return graph.get_submodule(node.target) if called else None


def is_convolution(layer: nn.Module | None) -> TypeGuard[Convolution]:
    """Return True for a convolution with zero padding and a plain weight (no reparametrization)."""
    if not isinstance(layer, Convolution) or type(layer) not in (nn.Conv2d, nn.ConvTranspose2d):
        return False
    plain = not layer._forward_pre_hooks
    return plain and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def replace(graph: fx.GraphModule, node: fx.Node, layer: nn.Module) -> None:
    """Let a node call another layer; further nodes that call the old layer keep it."""
    node.target = _added(graph, f"{node.name}_fused", layer)


def put_before(graph: fx.GraphModule, node: fx.Node, layer: nn.Module) -> None:
    """Insert a layer before a node of one input."""
    name = _added(graph, f"{node.name}_given", layer)
    with graph.graph.inserting_before(node):
        node.args = (graph.graph.call_module(name, node.args),)


def _added(graph: fx.GraphModule, name: str, layer: nn.Module) -> str:
    """Add a layer to the graph under a free name; return the name."""
    while hasattr(graph, name):
        name += "_"
    graph.add_submodule(name, layer)
    return name


def bypass(graph: fx.GraphModule, node: fx.Node) -> None:
    """Remove a node of one input: its users take its input instead."""
    node.replace_all_uses_with(node.args[0])
    graph.graph.erase_node(node)


def before(node: fx.Node) -> fx.Node | None:
    """Return the node that computes a node's only input, if no further node uses its output."""
    source = node.args[0]
    return source if isinstance(source, fx.Node) and len(source.users) == 1 else None


def _untie(graph: fx.GraphModule) -> None:
    for node in list(graph.graph.nodes):
        if isinstance(layer := layer_of(graph, node), Tied):
            replace(graph, node, layer.untied())


def _fold_norms(graph: fx.GraphModule) -> None:
    for node in list(graph.graph.nodes):
        norm, source, copies = layer_of(graph, node), before(node) if node.args else None, 1
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or source is None:
            continue
        between = layer_of(graph, source)
        # the channels that a pixel shuffle places in one cell are adjacent
        if isinstance(between, nn.PixelShuffle):
            source, copies = before(source), between.upscale_factor**2
        conv = layer_of(graph, source)
        if is_convolution(conv) and conv.groups == 1:
            replace(graph, source, _with_norm(conv, norm, copies))
            bypass(graph, node)


def _with_norm(conv: Convolution, norm: nn.BatchNorm2d, copies: int) -> Convolution:
    statistics = [norm.running_mean, norm.running_var, norm.weight, norm.bias]
    mean, variance, scale, shift = (
        None if part is None else part.repeat_interleave(copies) for part in statistics
    )
    assert mean is not None  # a norm without statistics is not folded
    assert variance is not None
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight,
        fused.bias,
        mean,
        variance,
        norm.eps,
        scale,
        shift,
        transpose=isinstance(conv, nn.ConvTranspose2d),
    )
    return fused


def _sink_upsampling(graph: fx.GraphModule) -> None:
    """Move nearest upsampling behind layers that treat each value, or each channel, separately."""
    for node in list(graph.graph.nodes):
        while _doubles(layer_of(graph, node)) and len(node.users) == 1:
            (user,) = node.users
            layer = layer_of(graph, user)
            if not isinstance(layer, nn.ReLU | nn.BatchNorm2d):
                break
            if isinstance(layer, nn.ReLU):
                # an in-place ReLU would change values that other nodes may use
                replace(graph, user, nn.ReLU())
            user.args = (node.args[0],)
            user.replace_all_uses_with(node)
            node.args = (user,)
            user.append(node)


def _join_upsampling(graph: fx.GraphModule) -> None:
    for node in list(graph.graph.nodes):
        conv, source = layer_of(graph, node), before(node) if node.args else None
        if _doubles(layer_of(graph, source)) and is_convolution(conv) and _is_joined(conv):
            replace(graph, node, resize_convolution(conv))
            bypass(graph, source)


def _doubles(layer: nn.Module | None) -> bool:
    """Return True for nearest upsampling to twice the height and width."""
    return isinstance(layer, nn.Upsample) and layer.scale_factor == 2 and layer.mode == "nearest"


def _is_joined(conv: Convolution) -> TypeGuard[nn.Conv2d]:
    """Return True for a plain or depthwise 3x3 convolution, which nearest upsampling can join."""
    depthwise = conv.groups == conv.in_channels == conv.out_channels
    return is_plain_3x3(conv, groups=conv.groups if depthwise else 1)


def is_plain_3x3(conv: Convolution, groups: int = 1) -> TypeGuard[nn.Conv2d]:
    """Return True for a 3x3 convolution, not transposed, of stride 1 and padding 1."""
    plain = conv.stride == conv.dilation == conv.padding == (1, 1) and conv.groups == groups
    return plain and conv.kernel_size == (3, 3) and isinstance(conv, nn.Conv2d)


def resize_convolution(conv: nn.Conv2d) -> nn.ConvTranspose2d:
    """Join nearest upsampling x2 and a 3x3 convolution with zero padding into one layer.

    The layer is a transposed convolution 4x4 of stride 2. `conv` is plain or depthwise.

    The value of an input pixel fills two rows of the upsampled image; taps of `conv` on equal
    values are added up. In one dimension a kernel (a, b, c) becomes (c, b + c, a + b, a).
    """
    taps = conv.weight.new_tensor([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
    # without initial weights, which would advance the global random generator
    fused = nn.utils.skip_init(
        nn.ConvTranspose2d, conv.in_channels, conv.out_channels, 4, stride=2, padding=1,
        groups=conv.groups, bias=conv.bias is not None,
        device=conv.weight.device, dtype=conv.weight.dtype,
    )  # fmt: skip
    weight = torch.einsum("pa,qb,oiab->iopq", taps, taps, conv.weight.detach())
    # a depthwise weight is (channels, 1, h, w) in both kinds of layer
    fused.weight = nn.Parameter(weight if conv.groups == 1 else weight.transpose(0, 1))
    fused.bias = conv.bias
    return fused
