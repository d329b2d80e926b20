"""Checkpoint of a training in one file: network, optimizer, step, settings and curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from denoise.files import json_files, tensor_files
from denoise.files.atomic import whole_file
from denoise.models.base import AnySize
from denoise.train.settings import Settings

LARGEST_HEADER = 2**26  # bytes: the header includes the curve of the training
# keys of the header's metadata; checkpoints of older versions have no sha256
METADATA = ("progress", "sha256")
PROGRESS = {"step": int, "seconds": float, "curve": list[dict[str, float | None]], "settings": dict}


def save(
    path: Path,
    network: AnySize,
    optimizer: torch.optim.Optimizer,
    average: AveragedModel | None,
    progress: dict[str, Any],
) -> None:
    """Write the checkpoint atomically; `progress` must be serializable as JSON.

    Raises
    ------
    OSError
        The file cannot be written, for example on a full disk; an earlier checkpoint stays
        unchanged.
    """
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    if average:
        tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    tensors = {name: tensors[name].contiguous() for name in sorted(tensors)}
    text = json_files.text(progress)
    content = safetensors.torch.save(
        tensors, {"progress": text, "sha256": tensor_files.checksum(tensors, text)}
    )
    with whole_file(path) as partial:
        # safetensors' own writer does not raise OSError for a full disk
        partial.write_bytes(content)


def load(
    path: Path,
    network: AnySize,
    optimizer: torch.optim.Optimizer,
    average: AveragedModel | None,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Load a checkpoint into `network`, `optimizer` and `average`; return its progress.

    Raises
    ------
    ValueError
        The file is truncated, changed since it was written, no checkpoint, or made with other
        settings.
    """
    progress, tensors = _read(path)
    try:
        held = Settings.of(progress).plain()
    except ValueError as error:
        raise ValueError(f"{path}: {error}: remove it to start again") from error
    changed = [name for name, value in settings.items() if held.get(name) != value]
    if changed:
        was = ", ".join(f"{name} was {held.get(name)}, now {settings[name]}" for name in changed)
        raise ValueError(
            f"{path} belongs to a run with other settings ({was}): remove it, or give another --out"
        )
    try:
        network.load_state_dict(_below(tensors, "network."))
        if average:
            average.load_state_dict(_below(tensors, "average."))
        optimizer.load_state_dict(_state(optimizer, _below(tensors, "optimizer.")))
    except (RuntimeError, KeyError, IndexError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{path}: not a checkpoint of this network ({reason}): remove it to start again"
        ) from error
    return progress


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read the progress and the tensors of a checkpoint, and check that they are unchanged."""
    try:
        metadata = tensor_files.header(path, LARGEST_HEADER).metadata
        if "progress" not in metadata or not set(metadata) <= set(METADATA):
            raise ValueError(
                f"its metadata is {json_files.short([*metadata])}, not {', '.join(METADATA)}"
            )
        progress = json_files.parse(metadata["progress"], "progress")
        json_files.check(progress, PROGRESS, "progress", needed=("step", "settings"))
        if progress["step"] < 0:
            raise ValueError(f"progress: step is {progress['step']}; it must be at least 0")
        tensors = dict(sorted(safetensors.torch.load_file(path).items()))
        if "sha256" in metadata and metadata["sha256"] != tensor_files.checksum(
            tensors, metadata["progress"]
        ):
            raise ValueError("changed since it was written: wrong sha256")
    except ValueError as error:
        raise ValueError(
            f"{path}: no valid checkpoint ({error}): remove it to start again"
        ) from error
    return {"seconds": 0.0, "curve": []} | progress, tensors


def _state(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> dict[str, Any]:
    """Return the optimizer state from the tensors of a checkpoint, named "INDEX.SLOT"."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, _, slot = name.partition(".")
        weight = weights[int(index)]
        if value.numel() not in (1, weight.numel()):
            raise ValueError(
                f"optimizer.{name} has {value.numel():,} values, its weight {weight.numel():,}"
            )
        state.setdefault(int(index), {})[slot] = _laid_out_as(weight, value)
    return {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}


def _laid_out_as(weight: Tensor, value: Tensor) -> Tensor:
    """Return a value in the memory layout of its weight.

    Fused Adam assumes equal layouts and does not check them.
    """
    return torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
