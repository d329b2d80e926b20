"""Systems whose speed is compared, the networks that they run, and their processes."""

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

from bench.paths import ROOT
from denoise.registry import UnknownName, unknown

PATIENCE = 300  # seconds that building and compiling may take beyond the time of a turn
PEERS = ROOT / ".venv-peers" / "bin" / "python"  # made by `make peers`

NETWORKS = {
    "K1": {"name": "K1", "channels": 1},
    "autoencoder": {
        "name": "autoencoder",
        "channels": 1,
        "decoder": "nearest",
        "width": 32,
        "depth": 2,
    },
}
"""Network of the Keras example, and network of the shipped weights `mnist-nearest`."""


@dataclass(frozen=True)
class System:
    """One way to run inference or training of a network.

    Attributes
    ----------
    label : str
        Name for readers.
    task : str
        "clean" or "train".
    peer : bool
        True for third-party software, which has its own environment.
    least : int
        Smallest batch size that is measured.
    gpu, cpu : bool
        True if the system runs on a GPU, or on a CPU. PyTorch systems run on both, except for
        backends of one device.
    alone : bool
        True for a separate process, because cuDNN keeps the algorithms that another system chose.
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
    "keras_function": System("Keras as a `tf.function`, float32", peer=True),
    "keras_bfloat16": System("Keras as a `tf.function`, mixed_bfloat16", peer=True),
    "onnxruntime": System("ONNX Runtime, float32", peer=True),
    "openvino_float32": System("OpenVINO, float32, one request", peer=True),
    "openvino_latency": System("OpenVINO, default format, one request", peer=True),
    "openvino_throughput": System("OpenVINO, default format, requests in parallel", peer=True),
    "openvino_int8": System("OpenVINO, 8-bit integers, one request", peer=True),
    "eager": System("PyTorch, float32", gpu=True),
    "eager_channels_last": System("PyTorch, float32, channels_last", gpu=True),
    "eager_bfloat16": System("PyTorch, bfloat16, channels_last", gpu=True),
    "compiled": System("`torch.compile` of the fused network, bfloat16", gpu=True),
    "packaged": System("AOTInductor package of the fused network, bfloat16", gpu=True),
    "fused": System("fused, float32", gpu=True),
    "fused_bfloat16": System("fused, bfloat16", gpu=True),
    "cudnn_bfloat16": System(
        "fused, bfloat16, cuDNN calls, CUDA graph of small batches", gpu=True, cpu=False
    ),
    "onednn_bfloat16": System("fused, bfloat16, oneDNN calls"),
    "engine_float32": System("**this engine**, float32", gpu=True),
    "engine": System("**this engine**", gpu=True),
    "keras_fit": System("Keras `fit`, float32", task="train", peer=True, least=128),
    "keras_fit_bfloat16": System("Keras `fit`, mixed_bfloat16", task="train", peer=True, least=128),
    "train": System("PyTorch, float32", task="train", least=128, gpu=True),
    "train_channels_last": System(
        "PyTorch, float32, channels_last", task="train", least=128, gpu=True
    ),
    "train_bfloat16": System(
        "PyTorch, bfloat16, channels_last: **`denoise.train`** on a CPU",
        task="train",
        least=128,
        gpu=True,
    ),
    "train_recorded": System(
        "PyTorch, bfloat16, CUDA graph, cuDNN autotuned, fused Adam: **`denoise.train`** on a GPU",
        task="train",
        least=128,
        gpu=True,
        cpu=False,
        alone=True,
    ),
}
"""Systems by name: third-party ones first, then each step from plain PyTorch to the engine."""


def of(device: torch.device) -> list[str]:
    """List the names of the systems that run on a device."""
    return [
        name
        for name, system in SYSTEMS.items()
        if (system.cpu if device.type == "cpu" else system.gpu)
    ]


def check(systems: Sequence[str], device: torch.device) -> None:
    """Check that the systems can be measured on a device.

    Raises
    ------
    UnknownName
        A name is no system.
    ValueError
        The device is missing, or a system does not run on it.
    """
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device is cuda, but PyTorch finds no NVIDIA GPU; valid: cpu")
    for name in systems:
        if name not in SYSTEMS:
            raise UnknownName(unknown("system", name, list(SYSTEMS)))
        if name not in of(device):
            where = "a CPU" if device.type == "cpu" else "a GPU"
            valid = f"valid with --device {device.type}: {', '.join(of(device))}"
            raise ValueError(f"{name} does not run on {where}; {valid}")


@dataclass(frozen=True)
class Turn:
    """Result of one measurement: seconds of each call, images per call, version, settings, error.

    If there is an error, every other field is empty.
    """

    seconds: tuple[float, ...] = ()
    pictures: int = 0
    version: str = ""
    ran: str = ""
    error: str = ""


class Process:
    """Process with the systems of one environment; it sleeps between measurements."""

    def __init__(self, words: list[str], folder: Path = ROOT) -> None:
        self._words, self._folder = words, folder
        # errors of the process, until `close`
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._words,
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )

    def ask(self, job: dict[str, Any], seconds: float) -> Turn:
        """Time a job for `seconds`; restart the process first if an earlier job ended it."""
        if self._process.poll() is not None:
            self._start()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Timer(seconds + PATIENCE, self._process.kill)
        late.start()
        try:
            print(
                json.dumps({"job": job, "seconds": seconds}), file=self._process.stdin, flush=True
            )
            response = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError):
            self._process.kill()
            return Turn(
                error=f"its process ended: {self._last() or f'exit code {self._process.wait()}'}"
            )
        finally:
            late.cancel()
        return Turn(**response | {"seconds": tuple(response.get("seconds", ()))})

    def _last(self) -> str:
        self._process.wait()
        self._stderr.seek(0)
        return (self._stderr.read().strip().splitlines() or [""])[-1]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._stderr.close()


def processes(systems: Sequence[str]) -> dict[tuple[bool, bool], Process]:
    """Start the processes needed for these systems, by (third-party or not, alone or not).

    Raises
    ------
    ValueError
        Third-party systems are requested, but their environment is missing.
    """
    kinds = {kind(name) for name in systems}
    if any(peer for peer, _ in kinds) and not PEERS.exists():
        raise ValueError(
            "the environment of Keras, ONNX Runtime and OpenVINO is missing: run `make peers` first"
        )
    return {each: Process(words(each[0])) for each in kinds}


def words(peer: bool) -> list[str]:
    """Return the command of a process with third-party systems, or with this project's."""
    if peer:
        return [str(PEERS), "-m", "bench.speed.workers.peers"]
    return [sys.executable, "-m", "bench.speed.workers.ours"]


def kind(system: str) -> tuple[bool, bool]:
    """Return the key in `processes` of a system's process."""
    return SYSTEMS[system].peer, SYSTEMS[system].alone
