"""The systems whose speed is compared, the networks that they run, and the processes that they run in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from denoise.registry import UnknownName, unknown

ROOT = Path(__file__).parent.parent
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
    """

    label: str
    task: str = "clean"
    peer: bool = False
    least: int = 1


SYSTEMS = {
    "keras_predict": System("Keras `predict`, float32", peer=True, least=32),
    "onnxruntime": System("ONNX Runtime, float32", peer=True),
    "openvino_latency": System("OpenVINO, bfloat16, one request", peer=True),
    "openvino_throughput": System("OpenVINO, bfloat16, requests in parallel", peer=True),
    "eager": System("PyTorch, float32"),
    "eager_channels_last": System("PyTorch, float32, channels_last"),
    "eager_bfloat16": System("PyTorch, bfloat16, channels_last"),
    "compiled": System("`torch.compile` of the fused network, bfloat16"),
    "fused": System("fused, float32"),
    "fused_bfloat16": System("fused, bfloat16"),
    "onednn_bfloat16": System("fused, bfloat16, calls of oneDNN"),
    "engine": System("**this engine**, as calibrated"),
    "keras_fit": System("Keras `fit`, float32", task="train", peer=True, least=128),
    "train": System("PyTorch, float32", task="train", least=128),
    "train_channels_last": System("PyTorch, float32, channels_last", task="train", least=128),
    "train_bfloat16": System("**`denoise.train`**: bfloat16, channels_last", task="train", least=128),
}
"""By name: others first, then each step from plain PyTorch to the engine."""


@dataclass(frozen=True)
class Turn:
    """What a process said of one turn: seconds of each call, pictures of a call; or why there are none."""

    seconds: tuple[float, ...] = ()
    pictures: int = 0
    version: str = ""
    error: str = ""


class Process:
    """A process with the systems of one environment, which sleeps between its turns."""

    def __init__(self, python: Path, module: str) -> None:
        words = [str(python), "-m", module]
        self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         stderr=subprocess.DEVNULL)  # fmt: skip

    def ask(self, job: dict[str, Any], seconds: float) -> Turn:
        """Let it time a job for so long."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps({"job": job, "seconds": seconds}), file=self._process.stdin, flush=True)
            said = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError):
            return Turn(error=f"its process ended ({self._process.wait()})")
        return Turn(tuple(said["seconds"]), said["pictures"], said["version"]) if "seconds" in said else Turn(**said)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def processes(systems: Sequence[str]) -> dict[bool, Process]:
    """A process for the project's own systems (False) and one for those of others (True), as far as they are asked for.

    Raises
    ------
    UnknownName
        No system of a name.
    ValueError
        Others are asked for, and their environment is not there.
    """
    for name in systems:
        if name not in SYSTEMS:
            raise UnknownName(unknown("system", name, list(SYSTEMS)))
    asked = {SYSTEMS[name].peer for name in systems}
    if True in asked and not PEERS.exists():
        raise ValueError("the environment of Keras, ONNX Runtime and OpenVINO is not there: run `make peers` first")
    started = {False: (Path(sys.executable), "bench.peers.own"), True: (PEERS, "bench.peers.others")}
    return {peer: Process(*started[peer]) for peer in asked}
