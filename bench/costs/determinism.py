"""Test for equal gradients of repeated backward passes, by default and in deterministic mode."""

from __future__ import annotations

import os

import torch
import torch.nn.functional as F
from torch import Tensor, nn

REPEATS = 5
BATCH = (16, 1, 28, 28)
ANSWERS = ("yes", "no")


def fix_workspace() -> None:
    """Make cuBLAS deterministic by a fixed workspace size.

    cuBLAS reads the size from the environment when it starts. Call this function before CUDA is
    used, in commands that measure determinism; never at import.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def backward(network: nn.Module, device: torch.device) -> dict[str, str]:
    """Test for equal gradients: "yes", "no", or the error.

    The result is empty for a network without trainable parameters.

    Returns
    -------
    dict
        `deterministic`: "yes" if repeated gradients are equal bit for bit with default settings.
        `deterministic_mode`: the same test under `torch.use_deterministic_algorithms(True)`, which
        raises for an operation without a deterministic form.
    """
    if not any(parameter.requires_grad for parameter in network.parameters()):
        return {}
    network = network.to(device).to(memory_format=torch.channels_last).train()
    generator = torch.Generator().manual_seed(0)
    clean, noisy = (torch.rand(BATCH, generator=generator).to(device) for _ in range(2))
    found = {"deterministic": _repeated(network, clean, noisy)}
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        found["deterministic_mode"] = _repeated(network, clean, noisy)
    finally:
        torch.use_deterministic_algorithms(before)
    return found


def _repeated(network: nn.Module, clean: Tensor, noisy: Tensor) -> str:
    try:
        first = _gradients(network, clean, noisy)
        same = all(
            all(
                torch.equal(a, b)
                for a, b in zip(first, _gradients(network, clean, noisy), strict=True)
            )
            for _ in range(REPEATS)
        )
    except Exception as error:  # torch raises a RuntimeError; a user's network may raise anything
        lines = str(error).splitlines() or [type(error).__name__]
        return "refused: " + lines[0].split(" does not have")[0]
    return ANSWERS[0] if same else ANSWERS[1]


def _gradients(network: nn.Module, clean: Tensor, noisy: Tensor) -> list[Tensor]:
    network.zero_grad()
    with torch.random.fork_rng([clean.device] if clean.is_cuda else []):
        torch.manual_seed(0)  # equal dropout each time: randomness is not tested
        F.mse_loss(network(noisy).float(), clean).backward()
    return [
        parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None
    ]
