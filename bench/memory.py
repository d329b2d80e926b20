"""Peak memory of networks at work: what the system says on the processor, what the allocator says on a GPU."""

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

from denoise import weights

ROOT = Path(__file__).parent.parent
REPEATS = 5  # processes that each network is run in on the processor: the median counts
# The allocator of the C library keeps freed buffers in a heap, and how well the next ones fit its holes is luck: twins
# that do the same work differed by 8 MB. Above this size (bytes) each buffer is mapped and unmapped on its own instead,
# so that what is counted is what is in use. Only glibc reads it.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536"}

Source = dict[str, Any] | str
"""What a network is built from: the `architecture` of a card, or the text of a `--model` option."""


def peak_bytes(
    sources: dict[str, Source], shape: tuple[int, int, int], batch: int, device: torch.device
) -> dict[str, int | None]:
    """Most memory that inference of a batch adds to what each loaded network holds; None where it cannot be read.

    On the processor (Linux alone) it is the median over fresh processes, of one thread each: what a process kept from
    earlier work would hide it. One process imports everything and forks the others, which takes a tenth of a second
    each instead of several.

    Parameters
    ----------
    sources : dict
        What each network is built from, by name.
    shape : tuple of int
        (C, H, W) of a picture.
    batch : int
        Pictures a call.
    device : torch.device

    Raises
    ------
    ValueError
        A process failed; what it said last is told.
    """
    if device.type == "cuda":
        return {name: _on_cuda(_built(source), shape, batch, device) for name, source in sources.items()}
    if not Path("/proc/self/clear_refs").exists():
        return dict.fromkeys(sources)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    answer = subprocess.run(
        [sys.executable, "-m", "bench.memory"], input=json.dumps([sources, shape, batch]), capture_output=True,
        text=True, env=os.environ | ALLOCATOR | {"PYTHONPATH": path},
    )  # fmt: skip
    if answer.returncode:
        said = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise ValueError(f"peak memory cannot be read: {said[-1]}")
    readings = json.loads(answer.stdout.splitlines()[-1])  # a user's file may print lines of its own before
    return {name: int(statistics.median(values)) for name, values in readings.items()}


def _on_cuda(network: nn.Module, shape: tuple[int, int, int], batch: int, device: torch.device) -> int:
    network = network.eval().to(device, memory_format=torch.channels_last)
    _run(network, shape, batch, device)  # what libraries set up once is not the network's
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    _run(network, shape, batch, device)
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _built(source: Source) -> nn.Module:
    if isinstance(source, dict):
        return weights.build(source)
    from bench import own  # takes seconds: only where there is such a network

    network = own.load(source).network
    assert network is not None  # an ONNX model is no network of PyTorch's, and is not asked for
    return network


@torch.inference_mode()
def _run(network: nn.Module, shape: tuple[int, int, int], batch: int, device: torch.device) -> None:
    network(torch.zeros(batch, *shape, device=device).contiguous(memory_format=torch.channels_last))


def _on_processor(source: Source, shape: tuple[int, int, int], batch: int) -> int:
    """A reading, in bytes; of use only in a process that has run nothing else."""
    torch.set_num_threads(1)  # scratch space is per thread
    cpu = torch.device("cpu")
    network = _built(source).eval().to(memory_format=torch.channels_last)
    _run(network, shape, 1, cpu)  # what is set up once is not the network's
    most = added(lambda: _run(network, shape, batch, cpu))
    assert most is not None  # `peak_bytes` asks only where it can be read
    return most


def added(call: Callable[[], object]) -> int | None:
    """Bytes that a call adds at most to what this process holds; None where the system does not tell (Linux does)."""
    peak = Path("/proc/self/clear_refs")
    if not peak.exists():
        return None
    peak.write_text("5")  # it starts again from here
    before = _status("VmRSS")
    call()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def _forked(source: Source, shape: tuple[int, int, int], batch: int) -> int:
    fork = multiprocessing.get_context("fork")  # safe: nothing here has started a thread
    here, there = fork.Pipe(duplex=False)
    process = fork.Process(target=_tell, args=(there, source, shape, batch))
    process.start()
    there.close()
    said = here.recv()
    process.join()
    if isinstance(said, Exception):
        raise said
    return said


def _tell(answer: Connection, source: Source, shape: tuple[int, int, int], batch: int) -> None:
    try:
        answer.send(_on_processor(source, shape, batch))
    except ValueError as error:  # of a user's network, in one line
        answer.send(error)


def _main() -> None:
    sources, shape, batch = json.load(sys.stdin)
    if any(isinstance(source, str) for source in sources.values()):
        import bench.own  # noqa: F401  once here, not in each process that is forked
    readings = {name: [_forked(source, shape, batch) for _ in range(REPEATS)] for name, source in sources.items()}
    print(json.dumps(readings))


if __name__ == "__main__":
    _main()
