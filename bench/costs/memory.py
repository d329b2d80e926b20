"""Peak memory of inference: from the operating system on the CPU, from the allocator on a GPU."""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench.paths import ROOT
from denoise.models import weights

REPEATS = 5  # processes that run each network on the CPU; the median counts
# The C library's allocator keeps freed buffers in a heap, and the reuse of its holes varies: two
# networks with the same work differed by 8 MB. Buffers above this size (bytes) are mapped and
# unmapped one by one instead, so that only memory in use is counted. Only glibc reads this
# variable.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536"}

Source = dict[str, Any] | str
"""Description of a network: the `architecture` of a card, or the text of a `--model` option."""


def peak_bytes(
    sources: dict[str, Source], shape: tuple[int, int, int], batch: int, device: torch.device
) -> dict[str, int | None]:
    """Measure the peak memory that inference of a batch adds to each loaded network.

    On the CPU the result is the median over new processes with one thread each, because memory
    kept from earlier work would hide the peak. One process imports everything and forks the
    measured ones: a fork takes a tenth of a second, a new start several seconds.

    Parameters
    ----------
    sources : dict
        Description of each network, by name.
    shape : tuple of int
        (C, H, W) of an image.
    batch : int
        Images per call.
    device : torch.device

    Returns
    -------
    dict
        Bytes by name; None on a CPU outside Linux, where the peak cannot be read.

    Raises
    ------
    ValueError
        A process failed; the message has its last line.
    """
    if device.type == "cuda":
        return {
            name: _on_cuda(_built(source), shape, batch, device) for name, source in sources.items()
        }
    if not Path("/proc/self/clear_refs").exists():
        return dict.fromkeys(sources)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.run(
        [sys.executable, "-m", "bench.costs.memory"],
        input=json.dumps([sources, shape, batch]),
        capture_output=True,
        text=True,
        env=os.environ | ALLOCATOR | {"PYTHONPATH": path},
    )
    if process.returncode:
        lines = process.stderr.strip().splitlines() or [f"exit code {process.returncode}"]
        raise ValueError(f"peak memory cannot be measured: {lines[-1]}")
    readings = json.loads(process.stdout.splitlines()[-1])  # a user's file may print lines first
    return {name: int(statistics.median(values)) for name, values in readings.items()}


def _on_cuda(
    network: nn.Module, shape: tuple[int, int, int], batch: int, device: torch.device
) -> int:
    network = network.eval().to(device).to(memory_format=torch.channels_last)
    _run(network, shape, batch, device)  # one-time setup of libraries is not counted
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    _run(network, shape, batch, device)
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _built(source: Source) -> nn.Module:
    if isinstance(source, dict):
        return weights.build(source)
    from bench.scoring import user_model  # takes seconds: imported only for a user's network

    network = user_model.load(source).network
    # an ONNX model is no PyTorch network and never reaches this function
    assert network is not None
    return network


@torch.inference_mode()
def _run(network: nn.Module, shape: tuple[int, int, int], batch: int, device: torch.device) -> None:
    network(torch.zeros(batch, *shape, device=device).contiguous(memory_format=torch.channels_last))


def _on_cpu(source: Source, shape: tuple[int, int, int], batch: int) -> int:
    """Measure once, in bytes; valid only in a process that has run nothing else."""
    torch.set_num_threads(1)  # scratch space is per thread
    cpu = torch.device("cpu")
    network = _built(source).eval().to(memory_format=torch.channels_last)
    _run(network, shape, 1, cpu)  # one-time setup is not counted
    most = added(lambda: _run(network, shape, batch, cpu))
    assert most is not None  # `peak_bytes` calls only if memory can be read
    return most


def added(call: Callable[[], object]) -> int | None:
    """Return the peak memory in bytes that a call adds to this process; None except on Linux."""
    peak = Path("/proc/self/clear_refs")
    if not peak.exists():
        return None
    peak.write_text("5")  # resets the peak
    before = _status("VmRSS")
    call()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    line = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)
    )
    return int(line.split()[1]) * 1024


def _forked(source: Source, shape: tuple[int, int, int], batch: int) -> int:
    fork = multiprocessing.get_context("fork")  # safe: this process has started no thread
    here, there = fork.Pipe(duplex=False)
    process = fork.Process(target=_send, args=(there, source, shape, batch))
    process.start()
    there.close()
    received = here.recv()
    process.join()
    if isinstance(received, Exception):
        raise received
    return received


def _send(pipe: Connection, source: Source, shape: tuple[int, int, int], batch: int) -> None:
    try:
        pipe.send(_on_cpu(source, shape, batch))
    except ValueError as error:  # one-line error of a user's network
        pipe.send(error)


def _main() -> None:
    sources, shape, batch = json.load(sys.stdin)
    if any(isinstance(source, str) for source in sources.values()):
        import bench.scoring.user_model  # noqa: F401  once here, not in each forked process
    readings = {
        name: [_forked(source, shape, batch) for _ in range(REPEATS)]
        for name, source in sources.items()
    }
    print(json.dumps(readings))


if __name__ == "__main__":
    _main()
