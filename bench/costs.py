"""What a network costs: parameters and multiply-accumulates, and how fast it trains."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from denoise.models import AnySize
from denoise.train import has_bfloat16

WARM, STEPS = 2, 4  # training steps of a turn: to warm up, and timed


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


def training_rates(
    networks: dict[str, AnySize], shape: tuple[int, int, int], batch: int, rounds: int = 1
) -> dict[str, float]:
    """Training pictures a second of each network on this machine.

    Every network has its turn of a few steps in each round, so that a busy moment falls on all alike; the median step
    counts, without the first ones of a turn.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    steps = {name: _step(network, shape, batch, device) for name, network in networks.items()}
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(rounds):
        for name, step in steps.items():
            turn = []
            for _ in range(WARM + STEPS):
                began = time.perf_counter()
                step()
                turn.append(time.perf_counter() - began)
            seconds[name] += turn[WARM:]
    return {name: batch / statistics.median(times) for name, times in seconds.items()}


def _step(network: AnySize, shape: tuple[int, int, int], batch: int, device: torch.device) -> Callable[[], None]:
    """One training step of a network, as `denoise.train` takes it, on made pictures."""
    network = network.to(device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(network.parameters())
    clean = torch.rand(batch, *shape, device=device, generator=torch.Generator(device).manual_seed(0))

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
            logits = network.logits(clean.contiguous(memory_format=torch.channels_last))
        loss = F.binary_cross_entropy_with_logits(logits.float(), clean)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step
