"""Networks from the `architecture` part of a card, checked and counted before anything is allocated."""

from __future__ import annotations

import inspect
import typing
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

import denoise.models
import denoise.tutorials  # noqa: F401  registers the tutorial networks
from denoise import json_files
from denoise.anysize import ARCHITECTURES, AnySize
from denoise.registry import Entry, unknown

LARGEST = 2**28  # numbers of a network, 1 GiB: some ten times those of the largest published denoisers
TENSORS = 10_000  # of a network that no file bounds
CALLS = 4  # of PyTorch that make a tensor, for each that a network keeps: about 1.3 for layers as they are today
FILLING = ("kaiming_uniform_", "uniform_", "ones_", "zeros_", "zero_", "copy_")  # of no effect on "meta", but of cost
LONGEST = 100  # characters of a name, entries of a list


def build(architecture: dict[str, Any]) -> AnySize:
    """Build the network that an `architecture` of a card describes: its name, and the options of that entry.

    Raises
    ------
    UnknownName
        No architecture of that name.
    ValueError
        An option that this architecture does not take, a value that it cannot have, or a network that is too large.
    """
    outline(architecture)
    return _built(*_described(architecture))


def outline(architecture: dict[str, Any], tensors: int = TENSORS) -> AnySize:
    """Build a network whose tensors are on the device "meta": names, shapes and types, and no memory.

    Parameters
    ----------
    architecture : dict
        As for `build`.
    tensors : int
        How many the network may have about at most; a larger one is not built to its end.

    Raises
    ------
    UnknownName, ValueError
        As `build`.
    """
    entry, options = _described(architecture)
    try:
        with torch.device("meta"), _Bounded(tensors):
            network = _built(entry, options)
    except (RuntimeError, TypeError, OverflowError) as error:  # sizes that PyTorch cannot take
        raise ValueError(f"{entry.name} cannot be built of {json_files.short(options)}") from error
    numbers = sum(value.numel() for value in network.state_dict().values())
    if numbers > LARGEST:
        raise ValueError(f"{entry.name} has {numbers:,} numbers; valid: at most {LARGEST:,}")
    return network


def _built(entry: Entry, options: dict[str, Any]) -> AnySize:
    network = entry.build(**options)
    return network if torch.get_default_dtype() == torch.float32 else network.float()


def _described(architecture: dict[str, Any]) -> tuple[Entry, dict[str, Any]]:
    """The entry and the options of an architecture, each of the kind that the entry is annotated with."""
    for name, value in architecture.items():
        size = len(value) if isinstance(value, str | list | tuple) else 0
        if len(name) > LONGEST or size > LONGEST or (isinstance(value, int) and abs(value) > LARGEST):
            raise ValueError(f"{json_files.short(name)} is {json_files.short(value)}, which no network has")
    json_files.check(architecture, {"name": str}, "architecture", needed=("name",))
    entry = ARCHITECTURES[architecture["name"]]
    options = {name: value for name, value in architecture.items() if name != "name"}
    taken = list(inspect.signature(entry.build).parameters)
    for name in options:
        if name not in taken:
            raise ValueError(unknown(f"option of {entry.name}", name, taken))
    json_files.check(options, typing.get_type_hints(entry.build), entry.name)
    return entry, options


class _Bounded(TorchFunctionMode):
    """A network under construction is stopped at a tensor, or at a number of tensors, that no valid network has."""

    def __init__(self, tensors: int) -> None:
        super().__init__()
        self.tensors, self.left = tensors, CALLS * (tensors + 1)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in FILLING:
            return args[0] if args else (kwargs or {}).get("tensor")
        made = func(*args, **(kwargs or {}))
        if not isinstance(made, Tensor):
            return made  # as what puts gradients on again, which must not be stopped
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"it has more than {self.tensors:,} tensors")
        if made.numel() > LARGEST:
            raise ValueError(f"a layer has {made.numel():,} numbers; valid: at most {LARGEST:,}")
        return made
