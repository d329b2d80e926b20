"""The systems whose speed is compared, the networks that they run, and the processes that they run in."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from denoise.registry import UnknownName, unknown

ROOT = Path(__file__).parent.parent
PATIENCE = 300  # seconds that building and compiling may take beyond the time of a turn
PEERS = ROOT / ".venv-peers" / "bin" / "python"  # made by `make peers`

NETWORKS = {
    "K1": {"name": "K1", "channels": 1},
    "autoencoder": {"name": "autoencoder", "channels": 1, "decoder": "nearest", "width": 32, "depth": 2},
}
"""The network of the Keras example, and that of the shipped digits with upsampling and convolution."""


@dataclass(frozen=True)
class System:
    """One way to run a network, or to train it.

    Attributes
    ----------
    label : str
        What it is, for people.
    task : str
        "clean" or "train".
    peer : bool
        Whether it is of others, in an environment of their own.
    least : int
        The fewest pictures a call that it is asked for.
    gpu, cpu : bool
        Whether it runs on a GPU, and on a processor: what is of PyTorch runs on both, but for its ways with either.
    alone : bool
        Runs in a process of its own: cuDNN keeps the algorithms that another system chose.
    """

    label: str
    task: str = "clean"
    peer: bool = False
    least: int = 1
    gpu: bool = False
    cpu: bool = True
    alone: bool = False


SYSTEMS = {
    "keras_predict": System("Keras `predict`, float32", peer=True, least=32),
    "onnxruntime": System("ONNX Runtime, float32", peer=True),
    "openvino_latency": System("OpenVINO, bfloat16, one request", peer=True),
    "openvino_throughput": System("OpenVINO, bfloat16, requests in parallel", peer=True),
    "openvino_int8": System("OpenVINO, 8-bit integers, one request", peer=True),
    "eager": System("PyTorch, float32", gpu=True),
    "eager_channels_last": System("PyTorch, float32, channels_last", gpu=True),
    "eager_bfloat16": System("PyTorch, bfloat16, channels_last", gpu=True),
    "compiled": System("`torch.compile` of the fused network, bfloat16", gpu=True),
    "packaged": System("AOTInductor package of the fused network, bfloat16", gpu=True),
    "fused": System("fused, float32", gpu=True),
    "fused_bfloat16": System("fused, bfloat16", gpu=True),
    "cudnn_bfloat16": System("fused, bfloat16, calls of cuDNN, small batches recorded", gpu=True, cpu=False),
    "onednn_bfloat16": System("fused, bfloat16, calls of oneDNN"),
    "engine": System("**this engine**", gpu=True),
    "keras_fit": System("Keras `fit`, float32", task="train", peer=True, least=128),
    "train": System("PyTorch, float32", task="train", least=128, gpu=True),
    "train_channels_last": System("PyTorch, float32, channels_last", task="train", least=128, gpu=True),
    "train_bfloat16": System(
        "PyTorch, bfloat16, channels_last: **`denoise.train`** on a processor", task="train", least=128, gpu=True
    ),
    "train_recorded": System(
        "the same, recorded, ways of cuDNN tried, fused Adam: **`denoise.train`** on a GPU",
        task="train",
        least=128,
        gpu=True,
        cpu=False,
        alone=True,
    ),
}
"""By name: others first, then each step from plain PyTorch to the engine."""


def of(device: torch.device) -> list[str]:
    """The names of the systems that run on a device."""
    return [name for name, system in SYSTEMS.items() if (system.cpu if device.type == "cpu" else system.gpu)]


def check(systems: Sequence[str], device: torch.device) -> None:
    """Raise where systems cannot be asked for on a device.

    Raises
    ------
    UnknownName
        No system of a name.
    ValueError
        There is no such device, or a system does not run on it.
    """
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("PyTorch finds no NVIDIA GPU here: --device cpu is what there is")
    for name in systems:
        if name not in SYSTEMS:
            raise UnknownName(unknown("system", name, list(SYSTEMS)))
        if name not in of(device):
            where = "a processor" if device.type == "cpu" else "a GPU"
            valid = f"valid with --device {device.type}: {', '.join(of(device))}"
            raise ValueError(f"{name} does not run on {where}; {valid}")


@dataclass(frozen=True)
class Turn:
    """What a process said of one turn: seconds of each call, pictures of a call, how they are run; or why not."""

    seconds: tuple[float, ...] = ()
    pictures: int = 0
    version: str = ""
    ran: str = ""
    error: str = ""


class Process:
    """A process with the systems of one environment, which sleeps between its turns."""

    def __init__(self, words: list[str], folder: Path = ROOT) -> None:
        self._words, self._folder = words, folder
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  what it prints beside its answers, until `close`
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._words, cwd=self._folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True
        )

    def ask(self, job: dict[str, Any], seconds: float) -> Turn:
        """Let it time a job for so long; where it ended over the one before, it is started anew."""
        if self._process.poll() is not None:
            self._start()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Timer(seconds + PATIENCE, self._process.kill)
        late.start()
        try:
            print(json.dumps({"job": job, "seconds": seconds}), file=self._process.stdin, flush=True)
            said = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError):
            self._process.kill()
            return Turn(error=f"its process ended: {self._last() or f'exit code {self._process.wait()}'}")
        finally:
            late.cancel()
        return Turn(**said | {"seconds": tuple(said.get("seconds", ()))})

    def _last(self) -> str:
        self._process.wait()
        self._said.seek(0)
        return (self._said.read().strip().splitlines() or [""])[-1]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._said.close()


def processes(systems: Sequence[str]) -> dict[tuple[bool, bool], Process]:
    """The processes of systems, by whether they are of others and whether they keep freed memory, as far as needed.

    Raises
    ------
    ValueError
        Others are asked for, and their environment is not there.
    """
    asked = {kind(name) for name in systems}
    if any(peer for peer, _ in asked) and not PEERS.exists():
        raise ValueError("the environment of Keras, ONNX Runtime and OpenVINO is not there: run `make peers` first")
    return {each: Process(words(each[0])) for each in asked}


def words(peer: bool) -> list[str]:
    """Return the command of a process with the systems of others, or with those of this project."""
    if peer:
        return [str(PEERS), "-m", "bench.peers.others"]
    return [sys.executable, "-m", "bench.peers.own"]


def kind(system: str) -> tuple[bool, bool]:
    """Which of the `processes` a system runs in."""
    return SYSTEMS[system].peer, SYSTEMS[system].alone
