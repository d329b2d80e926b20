"""Peak memory of a network at work, measured in a process of its own on the processor, by the allocator on a GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from denoise import weights


def peak_bytes(
    architecture: dict[str, Any], shape: tuple[int, int, int], batch: int, device: torch.device
) -> int | None:
    """Most memory that inference of a batch adds to what the loaded network holds; None where it cannot be read.

    On the processor a fresh process is asked, on Linux alone: what the allocator of this one kept from before would
    hide it.
    """
    if device.type == "cuda":
        network = weights.build(architecture).eval().to(device, memory_format=torch.channels_last)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        _run(network, shape, batch, device)
        return torch.cuda.max_memory_allocated(device) - before
    if not Path("/proc/self/clear_refs").exists():
        return None
    words = [sys.executable, "-m", "bench.memory", json.dumps([architecture, shape, batch])]
    answer = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    return int(answer.stdout)


@torch.inference_mode()
def _run(network: torch.nn.Module, shape: tuple[int, int, int], batch: int, device: torch.device) -> None:
    network(torch.zeros(batch, *shape, device=device).contiguous(memory_format=torch.channels_last))


def _status(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def _main() -> None:
    architecture, shape, batch = json.loads(sys.argv[1])
    cpu = torch.device("cpu")
    network = weights.build(architecture).eval().to(memory_format=torch.channels_last)
    _run(network, shape, 1, cpu)  # what is set up once is not the network's
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _status("VmRSS")
    _run(network, shape, batch, cpu)
    print(_status("VmHWM") - before)


if __name__ == "__main__":
    _main()
