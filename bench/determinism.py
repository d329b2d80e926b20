"""Whether a network's backward pass gives the same gradients twice: measured, with and without torch's strict mode."""

from __future__ import annotations

import os

import torch
import torch.nn.functional as F
from torch import Tensor

from denoise.models import AnySize

REPEATS = 5
BATCH = (16, 1, 28, 28)

# cuBLAS is deterministic only with a fixed workspace, which it reads when it starts.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def backward(network: AnySize, device: torch.device) -> dict[str, str]:
    """ "yes", "no", or what torch's deterministic mode refuses.

    Returns
    -------
    dict
        `deterministic`: whether repeated gradients were equal bit for bit as things are; `deterministic_mode`: the same
        under `torch.use_deterministic_algorithms(True)`, which raises where an operation has no such form.
    """
    network = network.to(device, memory_format=torch.channels_last).train()
    generator = torch.Generator().manual_seed(0)
    clean, noisy = (torch.rand(BATCH, generator=generator).to(device) for _ in range(2))
    found = {"deterministic": _repeated(network, clean, noisy)}
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        found["deterministic_mode"] = _repeated(network, clean, noisy)
    except RuntimeError as error:
        found["deterministic_mode"] = "refused: " + str(error).split(" does not have")[0].split("\\n")[0]
    finally:
        torch.use_deterministic_algorithms(before)
    return found


def _repeated(network: AnySize, clean: Tensor, noisy: Tensor) -> str:
    first = _gradients(network, clean, noisy)
    same = all(
        all(torch.equal(a, b) for a, b in zip(first, _gradients(network, clean, noisy), strict=True))
        for _ in range(REPEATS)
    )
    return "yes" if same else "no"


def _gradients(network: AnySize, clean: Tensor, noisy: Tensor) -> list[Tensor]:
    network.zero_grad()
    F.binary_cross_entropy_with_logits(network.logits(noisy), clean).backward()
    return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
