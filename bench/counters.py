"""Costs of a network: parameters, multiply-accumulates, activations, file size, training rate."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from denoise.hardware import has_bfloat16
from denoise.models.base import AnySize

WARM, STEPS = 2, 4  # untimed and timed training steps of a turn
MULTIPLYING = {  # operations whose outputs count as activations
    torch.ops.aten.convolution,
    torch.ops.aten._convolution,
    torch.ops.aten.mm,
    torch.ops.aten.addmm,
    torch.ops.aten.bmm,
    torch.ops.aten.baddbmm,
}


def parameters(network: nn.Module) -> int:
    """Count the trainable numbers, without the running statistics of normalization."""
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def macs(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Count multiply-accumulates for one image of `shape`, (C, H, W).

    The count is half of PyTorch's FLOPs. It includes convolutions and matrix products; it excludes
    normalization, activation and interpolation.
    """
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *shape, device=_device(network)))
    return counter.get_total_flops() // 2


@torch.no_grad()
def activations(network: nn.Module, shape: tuple[int, int, int]) -> int:
    """Count the outputs of all convolutions and matrix products for one image of `shape`.

    A training step keeps these outputs in memory. The count follows Dollar, Singh and Girshick
    ("Fast and accurate model scaling", 2021), who found that it predicts memory-bound run time
    better than MACs.
    """
    with _OutputCounter() as counter:
        network(torch.zeros(1, *shape, device=_device(network)))
    return counter.count


class _OutputCounter(TorchDispatchMode):
    """Counter of the outputs of multiplying operations, called by a layer or by a function."""

    count = 0

    def __torch_dispatch__(
        self,
        call: Any,
        types: Sequence[type],
        args: tuple = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        output = call(*args, **(kwargs or {}))
        if call.overloadpacket in MULTIPLYING:
            self.count += output.numel()
        return output


def file_bytes(network: nn.Module) -> int:
    """Return the size of the weights as a safetensors file, in bytes.

    A tensor shared by two layers counts once.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        safetensors.torch.save_model(network, str(file))
        return file.stat().st_size


def training_rates(
    networks: Mapping[str, nn.Module],
    shape: tuple[int, int, int],
    batch: int,
    device: torch.device,
    rounds: int = 1,
) -> dict[str, float]:
    """Measure training images per second of each network on `device`.

    The number of threads is PyTorch's current one. Every network trains a few steps in each round,
    so that a busy moment affects all alike. The rate is that of the median step, without the first
    steps of a round. The function changes the weights of the networks.
    """
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


def _step(
    network: nn.Module, shape: tuple[int, int, int], batch: int, device: torch.device
) -> Callable[[], None]:
    """Return a function that trains one step on random images, as `denoise.train` does."""
    network = network.to(device).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(
        parameter for parameter in network.parameters() if parameter.requires_grad
    )
    clean = torch.rand(
        batch, *shape, device=device, generator=torch.Generator(device).manual_seed(0)
    )

    def step() -> None:
        loss = _loss(network, clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step


def _loss(network: nn.Module, clean: Tensor) -> Tensor:
    """Return the default loss of `denoise.train`; for a user's network, the mean squared error.

    The output of a user's network is an image, not logits.
    """
    noisy = clean.contiguous(memory_format=torch.channels_last)
    with torch.autocast(clean.device.type, torch.bfloat16, enabled=has_bfloat16(clean.device)):
        output = network.logits(noisy) if isinstance(network, AnySize) else network(noisy)
    if isinstance(network, AnySize):
        return F.binary_cross_entropy_with_logits(output.float(), clean)
    return F.mse_loss(output.float(), clean)


def _device(network: nn.Module) -> torch.device:
    # a network may have no parameters
    first = next(itertools.chain(network.parameters(), network.buffers()), None)
    return torch.device("cpu") if first is None else first.device
