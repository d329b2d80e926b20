"""What was found out about this machine (`denoise.calibration`), remembered in a file of the user's cache folder."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import logging
import os
import threading
from pathlib import Path

import platformdirs
import torch

from denoise import calibration, fusion, json_files, layers, lowering, openvino_graph, phases, pieces, replay
from denoise.files import whole_file
from denoise.lowering import backends
from denoise.machine import has_bfloat16, processor
from denoise.plan import PLAIN, Found, Plan

log = logging.getLogger("denoise.remembered")

_lock = threading.Lock()


def file() -> Path:
    """Where plans are remembered; without it they are found out anew."""
    return platformdirs.user_cache_path("denoise") / "plans.json"


def plan(device: torch.device, *, exact: bool = False) -> Plan:
    """The quickest plan for a device with the threads that PyTorch has now: remembered, else found out.

    Parameters
    ----------
    device : torch.device
        The processor or an NVIDIA GPU; others are run plainly.
    exact : bool
        The quickest of those in float32.
    """
    if device.type not in ("cpu", "cuda"):
        return PLAIN
    with _lock:
        found = _found(device, torch.get_num_threads())
    return found.exact if exact else found.quickest


def forget(device: torch.device, threads: int) -> None:
    """Have the next process that runs a network find out anew: for a benchmark, which has the machine to itself.

    Parameters
    ----------
    device : torch.device
        The processor or an NVIDIA GPU.
    threads : int
        Of PyTorch, in that process.
    """
    known = _read()
    if known.pop(_key(device, threads), None):
        _keep(known)


@functools.cache
def _found(device: torch.device, threads: int) -> Found:
    """Remembered, else found out; for the life of this process, busy moment or not."""
    key = _key(device, threads)
    known = _read()
    if key in known and known[key].holds():
        return known[key]
    found = calibration.measure(device)
    log.info("%s: %s", key, found)
    _keep(known | {key: found})
    return found


def _keep(known: dict[str, Found]) -> None:
    try:
        with whole_file(file()) as partial:
            plain = {key: dataclasses.asdict(found) for key, found in known.items()}
            partial.write_text(json.dumps(plain, indent=2) + "\n")
    except OSError as error:  # a home that cannot be written to: the next process finds out anew
        log.info("the plan is not kept: %s", error)


def _key(device: torch.device, threads: int) -> str:
    """What a plan holds for: the device, PyTorch, and what of this package decides how a network is run."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        able = torch.backends.cpu.get_cpu_capability() + (" BF16" if has_bfloat16(device) else "")
        name = f"{processor()} {able}, {threads} threads"
    parts = (calibration, fusion, layers, lowering, openvino_graph, phases, pieces, replay)
    code = b"".join(Path(module.__file__).read_bytes() for module in parts)
    made = f"torch {torch.__version__}"
    if "openvino" in backends(device):
        made += f", openvino {_version('openvino')}"
    return f"{device.type} {name}, {made}, code {hashlib.sha256(code).hexdigest()[:12]}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # built by oneself, or under another name
        return "unknown"


def _read() -> dict[str, Found]:
    """What the file holds, without what is not whole."""
    try:
        held = json_files.read(file())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.info("%s is not read: %s", file(), error)
        return {}
    known = {}
    for key, kept in held.items():
        try:
            known[key] = Found.of(kept)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            log.info("a plan of %s is left out: %s", file(), error)
    return known


def _renew() -> None:
    """In a child of a process that was just finding out: the lock is nobody's there."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
