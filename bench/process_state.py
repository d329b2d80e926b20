"""Process-wide settings: saved before a user's code runs, and restored after it.

A change by one method would otherwise affect the next methods.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import backends

Setting = tuple[Callable[[], Any], Callable[[Any], object]]


def _attribute(module: Any, name: str) -> Setting:
    return lambda: getattr(module, name), lambda value: setattr(module, name, value)


def _device(device: torch.device) -> None:
    # None also removes the cost of a default device
    torch.set_default_device(None if device.type == "cpu" else device)


def _filter_warnings(filters: list[Any]) -> None:
    warnings.resetwarnings()  # also clears the registry of shown warnings
    warnings.filters[:] = filters  # type: ignore[index]  # a list, typed as a sequence


SETTINGS: tuple[Setting, ...] = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, _device),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on)),
    (lambda: torch.is_autocast_enabled("cuda"), lambda on: torch.set_autocast_enabled("cuda", on)),
    (lambda: sys.float_info.min / 2 == 0, torch.set_flush_denormal),  # PyTorch has no getter
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    *(
        _attribute(backends.cudnn, name)
        for name in ("enabled", "benchmark", "deterministic", "allow_tf32")
    ),
    _attribute(backends.cuda.matmul, "allow_tf32"),
    _attribute(backends.mkldnn, "enabled"),
    # General settings before special ones, which inherit from them; absent from PyTorch 2.8.
    *(
        _attribute(module, "fp32_precision")
        for module in (backends, backends.cudnn, backends.mkldnn)
    ),
    *(
        _attribute(module, "fp32_precision")
        for backend in (backends.cudnn, backends.mkldnn)
        for name in ("conv", "rnn", "matmul")
        for module in [getattr(backend, name, None)]
        if module is not None
    ),
    _attribute(backends.cuda.matmul, "fp32_precision"),
    (np.geterr, lambda how: np.seterr(**how)),
    (lambda: list(warnings.filters), _filter_warnings),
    (os.getcwd, os.chdir),
)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Restore changed settings of the process on exit.

    The settings are PyTorch's defaults, threads and number formats, warnings, and the working
    folder. Prints inside go to stderr, because stdout is for results. Random generators are not
    restored, because a network may draw from them; no score of another method depends on them.
    """
    before = [_read(read) for read, _ in SETTINGS]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        for (read, write), value in zip(SETTINGS, before, strict=True):
            if value is not None and _read(read) != value:
                write(value)


def _read(read: Callable[[], Any]) -> Any:
    """Read a setting; return None if this PyTorch lacks it or cannot report it.

    PyTorch cannot report a setting if its old and its new interface were both used.
    """
    try:
        return read()
    except (AttributeError, RuntimeError):
        return None
