"""A fused network with the calls that a machine is quick at, in the number format that it is quick in.

oneDNN computes a convolution and the ReLU after it at once; PyTorch's compiler calls it so, and so does this, without a
compiler and for pictures of any size. Whether that is quicker here is for `denoise.calibration` to find out.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from denoise.anysize import AnySize
from denoise.fusion import BilinearConvolution, Convolution, bypass, fuse, is_convolution, layer_of, replace

BACKENDS = ("plain", "aten", "onednn")
"""The network as it was trained; fused, with PyTorch's documented calls; fused, with oneDNN's."""


def backends(device: torch.device) -> tuple[str, ...]:
    """Those that there are on a device: the calls of oneDNN are not part of PyTorch's documented interface."""
    there = ("_convolution_pointwise", "_convolution_transpose_pointwise")
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        return BACKENDS if all(hasattr(torch.ops.mkldnn, name) for name in there) else BACKENDS[:2]
    return BACKENDS[:2]


def lower(network: AnySize, backend: str, dtype: torch.dtype) -> AnySize:
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
    fused.net = _lowered(fused.net, backend, dtype)
    return fused


def _lowered(graph: fx.GraphModule, backend: str, dtype: torch.dtype) -> fx.GraphModule:
    for node in list(graph.graph.nodes):
        layer = layer_of(graph, node)
        if isinstance(layer, BilinearConvolution) or is_convolution(layer):
            (user,) = node.users if len(node.users) == 1 else (None,)
            rectified = isinstance(layer_of(graph, user), nn.ReLU)
            given = (CALLS[backend], dtype, rectified)
            if isinstance(layer, BilinearConvolution):
                replace(graph, node, BilinearConvolution(_Conv(layer.inner, *given), _Conv(layer.conv, *given)))
            else:
                first = dtype != torch.float32 and _sees_the_picture(node, layer)
                replace(graph, node, _First(layer, *given) if first else _Conv(layer, *given))
            if rectified:
                bypass(graph, user)
        elif isinstance(layer, nn.MaxPool2d) and _halves(layer) and backend == "onednn":
            replace(graph, node, _Halving())
        elif layer is not None and any(True for _ in layer.parameters()):  # it computes in the format of these
            with graph.graph.inserting_before(node):
                node.args = (graph.graph.call_method("float", node.args),)
    graph.recompile()
    graph.delete_all_unused_submodules()
    return graph


class _Conv(nn.Module):
    """A convolution, transposed or not, with a ReLU after it or none."""

    def __init__(self, layer: Convolution, call: Callable[..., Tensor], dtype: torch.dtype, rectified: bool) -> None:
        super().__init__()
        self.weight = _fixed(layer.weight.detach().to(dtype, memory_format=torch.channels_last))
        self.bias = None if layer.bias is None else _fixed(layer.bias.detach().to(dtype))
        transposed = isinstance(layer, nn.ConvTranspose2d)
        self.geometry = [layer.padding, layer.output_padding if transposed else None, layer.stride, layer.dilation]
        self.geometry.append(layer.groups)
        self.rectified, self.call = rectified, call

    def forward(self, x: Tensor) -> Tensor:
        return self.call(x.to(self.weight.dtype), self.weight, self.bias, self.rectified, *self.geometry)


class _First(_Conv):
    """A convolution of the picture itself, which is not rounded to the digits of `dtype`: a network would take that for
    noise and put it back in what it takes away.

    What is rounded off goes in as channels of its own: x w is about x' w' + (x - x') w' + x' (w - w').
    """

    def __init__(self, layer: nn.Conv2d, call: Callable[..., Tensor], dtype: torch.dtype, rectified: bool) -> None:
        super().__init__(layer, call, dtype, rectified)
        exact, rounded = layer.weight.detach(), self.weight.detach()
        left = (exact - rounded).to(dtype)
        whole = torch.cat([rounded, rounded, left], dim=1)
        self.weight = _fixed(whole.contiguous(memory_format=torch.channels_last))

    def forward(self, x: Tensor) -> Tensor:
        rounded = x.to(self.weight.dtype)
        left = (x - rounded).to(self.weight.dtype)
        return super().forward(torch.cat([rounded, left, rounded], dim=1))


def _fixed(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)


def _sees_the_picture(node: fx.Node, layer: Convolution) -> bool:
    return node.args[0].op == "placeholder" and isinstance(layer, nn.Conv2d) and layer.groups == 1


def _aten(x, weight, bias, rectified, padding, output_padding, stride, dilation, groups) -> Tensor:
    if output_padding is None:
        y = F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    else:
        y = F.conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation)
    return y.relu_() if rectified else y


def _onednn(x, weight, bias, rectified, padding, output_padding, stride, dilation, groups) -> Tensor:
    after = ("relu" if rectified else "none", [], "")
    calls, given = torch.ops.mkldnn, (x, weight, bias, padding)
    if output_padding is None:
        return calls._convolution_pointwise.default(*given, stride, dilation, groups, *after)
    return calls._convolution_transpose_pointwise.default(*given, output_padding, stride, dilation, groups, *after)


CALLS = {"aten": _aten, "onednn": _onednn}


class _Halving(nn.Module):
    """Max-pooling 2x2: the larger of two rows, then of two columns, which on processors is quicker than PyTorch's own
    for pictures whose channels lie together."""

    def forward(self, x: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        if height % 2 or width % 2 or not x.is_contiguous(memory_format=torch.channels_last):
            return F.max_pool2d(x, 2)
        rows = x.permute(0, 2, 3, 1).view(count, height // 2, 2, width * channels)
        columns = torch.maximum(rows[:, :, 0], rows[:, :, 1]).view(count, height // 2, width // 2, 2, channels)
        return torch.maximum(columns[..., 0, :], columns[..., 1, :]).permute(0, 3, 1, 2)


def _halves(layer: nn.MaxPool2d) -> bool:
    square = layer.kernel_size in (2, (2, 2)) and layer.stride in (2, (2, 2)) and layer.padding in (0, (0, 0))
    return square and layer.dilation in (1, (1, 1)) and not layer.return_indices and not layer.ceil_mode
