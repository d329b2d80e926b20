"""Find out, by trying, how networks are quickest run on this machine."""

from __future__ import annotations

import dataclasses
import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from denoise import pieces, replay, weights
from denoise.anysize import AnySize
from denoise.lowering import backends
from denoise.machine import has_bfloat16
from denoise.plan import AGAIN, PLAIN, Found, Plan

log = logging.getLogger("denoise.calibration")

PROBE = "mnist-nearest"  # the weights that are tried
SIDE = 28  # pixels of the probe's pictures
CHUNKS = tuple(2**power for power in range(15, 20))  # pixels: what is kept of a piece fits in the caches, or just not
CHUNKS_ON_GPU = tuple(2**power for power in range(18, 23))  # smaller ones do not keep it busy
TURNS = 5  # of each candidate
LONG_TURNS = 3  # of each size of the pieces
BUSY = 1.35  # the median of a candidate's calls to its quickest, from which on other work held the processor meanwhile
CLOSE = {"float32": 1e-5, "bfloat16": 1e-2}  # root mean square difference that a candidate's answer may have
CLOSE_ON_GPU = {"float32": 1e-3, "bfloat16": 1e-2}  # where convolutions of float32 may be rounded to TF32


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
    most = chunks[0] // SIDE**2 * (chunks[-1] // chunks[0])  # so that no piece of any size is cut short
    pictures = torch.rand(most, 1, SIDE, SIDE, generator=draws).to(device)
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
