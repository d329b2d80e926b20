"""How networks are run on this machine: found out once by trying, and remembered in a file."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import logging
import os
import statistics
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import platformdirs
import torch
from torch import Tensor

from denoise import fusion, layers, lowering, openvino_graph, phases, pieces, replay, weights
from denoise.anysize import AnySize
from denoise.files import whole_file
from denoise.lowering import BACKENDS, backends, lower
from denoise.machine import has_bfloat16, processor

log = logging.getLogger("denoise.calibration")

PROBE = "mnist-nearest"  # the weights that are tried
SIDE = 28  # pixels of the probe's pictures
CHUNKS = tuple(2**power for power in range(15, 20))  # pixels: what is kept of a piece fits in the caches, or just not
CHUNKS_ON_GPU = tuple(2**power for power in range(18, 23))  # smaller ones do not keep it busy
TURNS = 5  # of each candidate
LONG_TURNS = 3  # of each size of the pieces
BUSY = 1.35  # the median of a candidate's calls to its quickest, from which on other work held the processor meanwhile
AGAIN = 3600.0  # seconds for which what was found out in a busy moment is kept
CLOSE = {"float32": 1e-5, "bfloat16": 1e-2}  # root mean square difference that a candidate's answer may have
CLOSE_ON_GPU = {"float32": 1e-3, "bfloat16": 1e-2}  # where convolutions of float32 may be rounded to TF32


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a network is run.

    Attributes
    ----------
    backend : str
        One of `denoise.lowering.BACKENDS`.
    dtype : str
        "float32" or "bfloat16": of what the convolutions take and answer.
    chunk_pixels : int
        Pixels of a batch that go through the network at once: what it keeps meanwhile should stay in the processor's
        caches. Changes no result.
    """

    backend: str = "plain"
    dtype: str = "float32"
    chunk_pixels: int = 2**17

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS or self.dtype not in CLOSE:
            raise ValueError(f"unknown plan {self.backend} {self.dtype}")
        if not isinstance(self.chunk_pixels, int) or self.chunk_pixels < 1:
            raise ValueError(f"the plan's chunk_pixels are {self.chunk_pixels!r}; they must be a whole number above 0")

    def __str__(self) -> str:
        return f"{self.backend}, {self.dtype}, pieces of {self.chunk_pixels:,} pixels"

    def lower(self, network: AnySize, exact: Collection[str] = ()) -> AnySize:
        """The network as this plan runs it, those of its convolutions in float32 that are named."""
        return lower(network, self.backend, getattr(torch, self.dtype), exact)


PLAIN = Plan()
"""What runs everywhere: the network as it was trained."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What was found out about a device.

    Attributes
    ----------
    quickest, exact : Plan
        Of all, and of those in float32.
    until : float, optional
        Seconds since the epoch when it is to be found out anew: other work took turns with the candidates, and what
        waits for several threads at once then looks slower than it is.
    """

    quickest: Plan
    exact: Plan
    until: float | None = None

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Found:
        """From what the file holds; KeyError, TypeError or ValueError where that is something else."""
        until = None if kept["until"] is None else float(kept["until"])
        return cls(Plan(**kept["quickest"]), Plan(**kept["exact"]), until)

    def holds(self) -> bool:
        """Whether it is still to be used."""
        return self.until is None or 0 <= self.until - time.time() <= AGAIN


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
    found = measure(device)
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
    parts = (fusion, layers, lowering, openvino_graph, phases, pieces, replay)
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
        held = json.loads(file().read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.info("%s is not read: %s", file(), error)
        return {}
    known = {}
    for key, kept in held.items() if isinstance(held, dict) else ():
        try:
            known[key] = Found.of(kept)
        except (KeyError, TypeError, ValueError) as error:
            log.info("a plan of %s is left out: %s", file(), error)
    return known


@torch.inference_mode()
def measure(device: torch.device) -> Found:
    """Find out what is quickest here.

    First the backend and the number format, among those whose answers are those of the plain network, then the size of
    the pieces in which a batch is run. All on one network and pictures of 28x28.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    Found
    """
    on_gpu = device.type == "cuda"
    chunks = CHUNKS_ON_GPU if on_gpu else CHUNKS
    with torch.random.fork_rng(devices=[]):  # a network that is built draws weights
        network, _ = weights.read(weights.locate(PROBE))
    network = network.to(device, memory_format=torch.channels_last)
    draws = torch.Generator().manual_seed(0)
    pictures = torch.rand(chunks[-1] // SIDE**2, 1, SIDE, SIDE, generator=draws).to(device)
    few = pictures[: chunks[0] // 2 // SIDE**2]
    right = network(few)
    dtypes = ["float32", *(["bfloat16"] if has_bfloat16(device) else [])]
    kinds = [PLAIN, *(Plan(backend, dtype) for backend in backends(device)[1:] for dtype in dtypes)]
    lowered = {kind: kind.lower(network) for kind in kinds}
    close = CLOSE_ON_GPU if on_gpu else CLOSE
    before = replay.WARM + 1 if on_gpu else 0  # calls until one of the same size is as all that follow
    for kind in kinds[1:]:
        if wrong := _wrong(lowered[kind], few, right, close[kind.dtype], before):
            log.warning("%s is not used here: %s", kind, wrong)
            del lowered[kind]
    order, quiet = _ranked({kind: lambda run=run: run(few) for kind, run in lowered.items()}, TURNS)
    quickest = lowered[order[0]]
    fitting = [size for size in chunks if _fits(quickest, pictures[: size // SIDE**2])] or chunks[:1]
    calls = {size: lambda size=size: pieces.run(quickest, pictures, size) for size in fitting}
    sizes, still_quiet = _ranked(calls, LONG_TURNS, before)
    exact = next(kind for kind in order if kind.dtype == "float32")
    chosen = (dataclasses.replace(kind, chunk_pixels=sizes[0]) for kind in (order[0], exact))
    return Found(*chosen, until=None if quiet and still_quiet else time.time() + AGAIN)


def _renew() -> None:
    """In a child of a process that was just finding out: the lock is nobody's there."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def _wrong(network: AnySize, pictures: Tensor, right: Tensor, close: float, before: int) -> str:
    """Why a candidate cannot be taken, called `before` times before; empty where its answers are the right ones."""
    try:
        for _ in range(before):
            network(pictures)
        error = (network(pictures) - right).square().mean().sqrt().item()
    except (RuntimeError, TypeError) as raised:  # calls that are not documented may be others in another PyTorch
        return str(raised).strip().partition("\n")[0]
    return "" if error <= close else f"its answers are {error:.2g} from those of the plain network"


def _fits(network: AnySize, pictures: Tensor) -> bool:
    """Whether the device has the memory to clean as many pictures at once."""
    try:
        network(pictures)
    except torch.OutOfMemoryError as error:
        log.info("%d pictures at once are too many: %s", len(pictures), str(error).partition("\n")[0])
        return False
    return True


def _ranked(calls: dict[Any, Callable[[], Tensor]], turns: int, before: int = 0) -> tuple[list[Any], bool]:
    """The names of the calls, the quickest first, and whether nothing else held the processor; they take turns, and the
    best of each counts, so that a busy moment costs none its place. The first calls, as many as `before`, do not."""
    seconds: dict[Any, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(before):
            call()
    for _ in range(turns):
        for name, call in calls.items():
            began = time.perf_counter()
            answer = call()
            if answer.is_cuda:
                torch.cuda.synchronize(answer.device)
            seconds[name].append(time.perf_counter() - began)
    best = {name: min(taken) for name, taken in seconds.items()}
    quiet = all(statistics.median(taken) < BUSY * best[name] for name, taken in seconds.items())
    return sorted(best, key=best.__getitem__), quiet
