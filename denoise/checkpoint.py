"""Where a training run stands, as one safetensors file: network, optimiser, step, settings, curve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from denoise.anysize import AnySize
from denoise.average import Average
from denoise.files import whole_file
from denoise.settings import Settings


def save(
    path: Path, network: AnySize, optimiser: torch.optim.Optimizer, average: Average, progress: dict[str, Any]
) -> None:
    """Write the checkpoint whole or not at all; `progress` must be JSON."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
    tensors = {name: value.contiguous() for name, value in tensors.items()}
    with whole_file(path) as partial:
        safetensors.torch.save_file(tensors, partial, metadata={"progress": json.dumps(progress)})


def load(
    path: Path, network: AnySize, optimiser: torch.optim.Optimizer, average: Average, settings: dict[str, Any]
) -> dict[str, Any]:
    """Put a checkpoint back into `network`, `optimiser` and `average`; returns its progress.

    Raises
    ------
    ValueError
        The file is cut short, or was made with other settings.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            progress = json.loads(file.metadata()["progress"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: not a whole checkpoint ({error}): remove it to start again") from error
    held = Settings.of(progress).plain()
    changed = [name for name, value in settings.items() if held.get(name) != value]
    if changed:
        was = ", ".join(f"{name} was {held.get(name)}, now {settings[name]}" for name in changed)
        raise ValueError(f"{path} belongs to a run with other settings ({was}): remove it, or give another --out")
    network.load_state_dict(_below(tensors, "network."))
    average.load(_below(tensors, "average."))
    state: dict[int, dict[str, Tensor]] = {}
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    for name, value in _below(tensors, "optimiser.").items():
        index, _, slot = name.partition(".")
        state.setdefault(int(index), {})[slot] = _laid_out_as(weights[int(index)], value)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return progress


def _laid_out_as(weight: Tensor, value: Tensor) -> Tensor:
    """Adam in one pass takes weights and averages in the order of memory, and does not look whether that is one."""
    return torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
