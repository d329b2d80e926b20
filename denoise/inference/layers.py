"""Layers of a network for inference."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from denoise.graph.fusion import Convolution, Geometry


class Conv(nn.Module):
    """Convolution, transposed or not, with an optional ReLU after it."""

    def __init__(
        self, layer: Convolution, call: Callable[..., Tensor], dtype: torch.dtype, rectified: bool
    ) -> None:
        super().__init__()
        self.weight = _fixed(layer.weight.detach().to(dtype, memory_format=torch.channels_last))
        self.bias = None if layer.bias is None else _fixed(layer.bias.detach().to(dtype))
        assert not isinstance(layer.padding, str)  # as `is_convolution` has checked
        self.geometry: Geometry = (
            layer.padding,
            layer.output_padding if isinstance(layer, nn.ConvTranspose2d) else None,
            layer.stride,
            layer.dilation,
            layer.groups,
        )
        self.rectified, self.call = rectified, call

    def forward(self, x: Tensor) -> Tensor:
        """Compute the convolution, and the ReLU after it if there is one."""
        return self.call(
            x.to(self.weight.dtype), self.weight, self.bias, self.rectified, *self.geometry
        )


def _fixed(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)


def _aten(x, weight, bias, rectified, padding, output_padding, stride, dilation, groups) -> Tensor:
    if output_padding is None:
        y = F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    else:
        y = F.conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation)
    return y.relu_() if rectified else y


def _onednn(
    x, weight, bias, rectified, padding, output_padding, stride, dilation, groups
) -> Tensor:
    after: tuple[str, list[float], str] = ("relu" if rectified else "none", [], "")
    calls, given = torch.ops.mkldnn, (x, weight, bias, padding)
    if output_padding is None:
        return calls._convolution_pointwise.default(*given, stride, dilation, groups, *after)
    return calls._convolution_transpose_pointwise.default(
        *given, output_padding, stride, dilation, groups, *after
    )


def _cudnn(x, weight, bias, rectified, padding, output_padding, stride, dilation, groups) -> Tensor:
    if x.is_cuda and rectified and output_padding is None:
        return torch.cudnn_convolution_relu(x, weight, bias, stride, padding, dilation, groups)
    return _aten(x, weight, bias, rectified, padding, output_padding, stride, dilation, groups)


CALLS = {"aten": _aten, "cudnn": _cudnn, "onednn": _onednn, "openvino": _onednn}
"""Convolution call by backend; layers that OpenVINO lacks use oneDNN's call."""


class Halving(nn.Module):
    """Max-pooling 2x2 as the maximum of two rows, then of two columns.

    This form is faster than PyTorch's own for channels_last images.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Pool (N, C, H, W) to (N, C, H / 2, W / 2)."""
        count, channels, height, width = x.shape
        if height % 2 or width % 2 or not x.is_contiguous(memory_format=torch.channels_last):
            return F.max_pool2d(x, 2)
        rows = x.permute(0, 2, 3, 1).view(count, height // 2, 2, width * channels)
        columns = torch.maximum(rows[:, :, 0], rows[:, :, 1]).view(
            count, height // 2, width // 2, 2, channels
        )
        return torch.maximum(columns[..., 0, :], columns[..., 1, :]).permute(0, 3, 1, 2)
