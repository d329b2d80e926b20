"""What a network costs: parameters and multiply-accumulates, and how fast it trains."""

from __future__ import annotations

import itertools
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from denoise.models import AnySize
from denoise.train import has_bfloat16


def parameters(network: nn.Module) -> int:
    """Trained numbers; the running statistics of a normalisation are not among them."""
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def macs(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Multiply-accumulates for one picture of `shape` (C, H, W): half the FLOPs that PyTorch counts.

    Convolutions and matrix products are counted; normalisation, activation and interpolation are not.
    """
    held = next(itertools.chain(network.parameters(), network.buffers()), None)  # a network may be without parameters
    device = torch.device("cpu") if held is None else held.device
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *shape, device=device))
    return counter.get_total_flops() // 2


@torch.no_grad()
def activations(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Numbers that all convolutions answer for one picture of `shape`: what a training step has to keep.

    Counted as Dollar, Singh and Girshick do ("Fast and accurate model scaling", 2021), who found that memory-bound
    run time follows it better than MACs.
    """
    count = 0

    def add(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        nonlocal count
        count += output.numel()

    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    network(torch.zeros(1, *shape, device=next(network.parameters()).device))
    for hook in hooks:
        hook.remove()
    return count


def training_rate(network: AnySize, shape: tuple[int, int, int], batch: int, steps: int) -> float:
    """Training pictures a second on this machine, the median of `steps` steps after two to warm up."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(network.parameters())
    clean = torch.rand(batch, *shape, device=device, generator=torch.Generator(device).manual_seed(0))
    seconds = []
    for _ in range(steps + 2):
        began = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
            logits = network.logits(clean.contiguous(memory_format=torch.channels_last))
        loss = F.binary_cross_entropy_with_logits(logits.float(), clean)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return batch / sorted(seconds[2:])[steps // 2]
