"""Outputs and gradients of a rewritten network, for comparison with the original network."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from denoise.inference.backends import backends

_has_onednn = "onednn" in backends(torch.device("cpu"))
needs_onednn = pytest.mark.skipif(not _has_onednn, reason="PyTorch without oneDNN's calls")


def answers_and_gradients(network: nn.Module, forward: nn.Module, x: Tensor, *, bfloat16: bool = False) -> list[Tensor]:
    """Return the output of `forward`, with the weights of `network`, and the gradients of the image and all weights."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        y = forward(x.contiguous(memory_format=torch.channels_last)).float()
    found = torch.autograd.grad((y * torch.linspace(-1, 2, y.numel()).view_as(y)).sum(), [x, *network.parameters()])
    return [y, *found]


def kinds(graph: torch.fx.GraphModule) -> list[type[nn.Module]]:
    """Return the types of the layers that a graph calls."""
    return [type(graph.get_submodule(node.target)) for node in graph.graph.nodes if node.op == "call_module"]
