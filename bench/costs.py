"""What a network costs before any clock runs: parameters and multiply-accumulates."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def parameters(network: nn.Module) -> int:
    """Trained numbers; the running statistics of a normalisation are not among them."""
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def macs(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Multiply-accumulates for one picture of `shape` (C, H, W): half the FLOPs that PyTorch counts.

    Convolutions and matrix products are counted; normalisation, activation and interpolation are not.
    """
    device = next(network.parameters()).device
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *shape, device=device))
    return counter.get_total_flops() // 2
