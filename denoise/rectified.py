"""A convolution and the ReLU after it as one operation that can be trained.

oneDNN rectifies while it writes; PyTorch, apart from its compiler, reads and writes everything once more. The gradient
needs no more than the rectified numbers either way: where they are zero, nothing passes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from denoise.phases import Live


class Rectified(nn.Module):
    """A convolution with a ReLU after it, on the processor.

    Parameters
    ----------
    conv : Live
        Its weights stay its own.
    """

    def __init__(self, conv: Live) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv
        return _Rectified.apply(x, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)


class _Rectified(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(ctx: Any, x, weight, bias, stride, padding, dilation, groups) -> Tensor:
        weight = weight.contiguous(memory_format=torch.channels_last)
        call = torch.ops.mkldnn._convolution_pointwise.default
        y = call(x, weight, bias, padding, stride, dilation, groups, "relu", [], "")
        ctx.save_for_backward(x, weight, y)
        ctx.geometry = stride, padding, dilation, False, (0, 0), groups
        ctx.biases = None if bias is None else list(bias.shape)
        return y

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        passed = torch.ops.aten.threshold_backward(gradient, y, 0)
        wanted = list(ctx.needs_input_grad[:3])
        found = torch.ops.aten.convolution_backward(passed, x, weight, ctx.biases, *ctx.geometry, wanted)
        return (*found, None, None, None, None)
