"""Construction of networks from the `architecture` of a card; sizes are checked first."""

from __future__ import annotations

import inspect
import typing
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from denoise.files import json_files
from denoise.models import architectures, tutorials  # noqa: F401  register the networks
from denoise.models.base import ARCHITECTURES, AnySize
from denoise.registry import Entry, renamed, unknown

LARGEST = 2**28  # values of a network, 1 GiB: about ten times the largest published denoisers
TENSORS = 10_000  # most tensors of a network whose number no file bounds
# tensor-making PyTorch calls allowed per tensor of the network: today's layers need about 1.3
CALLS = 4
# no effect on "meta", but slow
FILLING = ("kaiming_uniform_", "uniform_", "ones_", "zeros_", "zero_", "copy_")
LONGEST = 100  # characters of a name, entries of a list


def build(architecture: dict[str, Any]) -> AnySize:
    """Build the network of a card's `architecture`: the name of an entry, and its options.

    Raises
    ------
    UnknownName
        Unknown architecture.
    ValueError
        An unknown option, an invalid value, or a network that is too large.
    """
    outline(architecture)
    return _built(*_described(architecture))


def outline(architecture: dict[str, Any], tensors: int = TENSORS) -> AnySize:
    """Build a network on the device "meta": names, shapes and types, without memory.

    Parameters
    ----------
    architecture : dict
        Architecture of a card, as in `build`.
    tensors : int
        Approximate limit of the network's tensors; the construction of a larger network is stopped.

    Raises
    ------
    UnknownName, ValueError
        Errors of `build`.
    """
    entry, options = _described(architecture)
    try:
        with torch.device("meta"), _Bounded(tensors):
            network = _built(entry, options)
    except (RuntimeError, TypeError, OverflowError) as error:  # sizes that PyTorch cannot take
        raise ValueError(
            f"{entry.name} cannot be built from {json_files.short(options)}"
        ) from error
    values = sum(value.numel() for value in network.state_dict().values())
    if values > LARGEST:
        raise ValueError(f"{entry.name} has {values:,} values; valid: at most {LARGEST:,}")
    return network


def _built(entry: Entry, options: dict[str, Any]) -> AnySize:
    network = entry.build(**options)
    return network if torch.get_default_dtype() == torch.float32 else network.float()


def _described(architecture: dict[str, Any]) -> tuple[Entry, dict[str, Any]]:
    """Return the entry and the options of an architecture.

    Each option must match the entry's annotation.
    """
    for name, value in architecture.items():
        size = len(value) if isinstance(value, str | list | tuple) else 0
        if (
            len(name) > LONGEST
            or size > LONGEST
            or (isinstance(value, int) and abs(value) > LARGEST)
        ):
            raise ValueError(
                f"{json_files.short(name)} is {json_files.short(value)}; no network has this value"
            )
    json_files.check(architecture, {"name": str}, "architecture", needed=("name",))
    entry = ARCHITECTURES[architecture["name"]]
    options = {name: value for name, value in renamed(architecture).items() if name != "name"}
    taken = list(inspect.signature(entry.build).parameters)
    for name in options:
        if name not in taken:
            raise ValueError(unknown(f"option of {entry.name}", name, taken))
    json_files.check(options, typing.get_type_hints(entry.build), entry.name)
    return entry, options


class _Bounded(TorchFunctionMode):
    """Limit on a network under construction: stop at a tensor that no valid network has."""

    def __init__(self, tensors: int) -> None:
        super().__init__()
        self.tensors, self.left = tensors, CALLS * (tensors + 1)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in FILLING:
            return args[0] if args else (kwargs or {}).get("tensor")
        made = func(*args, **(kwargs or {}))
        if not isinstance(made, Tensor):
            # for example the call that enables gradients again, which must not be stopped
            return made
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"more than {self.tensors:,} tensors")
        if made.numel() > LARGEST:
            raise ValueError(f"a layer has {made.numel():,} values; valid: at most {LARGEST:,}")
        return made
