"""Two decoders trained from scratch while a visitor watches: the request, and its process.

The project's own trainer trains, in a process of its own (`demo.compute.trainer`, which says why).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from demo.compute import trainer
from demo.compute.answers import whole
from demo.compute.samples import rendered
from demo.compute.turns import Turns
from denoise import datasets
from denoise.datasets.base import data_root
from denoise.decoders import DECODERS
from denoise.train.settings import Settings

MNIST, LETTERS, OWN = "mnist", "glyphs", "drawings"
DATA = {MNIST: "MNIST digits", LETTERS: "Letters of fonts", OWN: "My drawings"}
BACKBONES = {"unet": "U-Net (skip connections)", "autoencoder": "Autoencoder"}
SIGMAS = (0.1, 0.8)
SECONDS = (10, 60)  # shortest and longest training, both networks together
# chosen by the validation images of MNIST for half a minute of two cores; equal for all decoders
RECIPE: dict[str, Any] = {
    "width": 8, "depth": 2, "batch": 32, "lr": 0.012, "optimizer": "muon", "schedule": "wsd",
    "loss": "psnr",
}  # fmt: skip
LONGEST = 2_000_000  # images; the seconds end a training before
LINE_LENGTH = 6  # trainings that run or wait, in the whole process
LINE = Turns(LINE_LENGTH)
PATIENCE = 60.0  # seconds for the process to start, to score and to write
MOMENT = 1.0  # seconds between two looks at the process, at most
# environment variables passed on; the process must not see tokens
KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "HOME")
COMMAND = (sys.executable, "-m", "demo.compute.trainer")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """The training that a visitor asks for.

    Raises
    ------
    ValueError
        A value is out of its range, or the decoders are equal.
    """

    decoders: tuple[str, str]
    backbone: str
    data: str
    sigma: float
    blind: bool
    seconds: float
    seed: int
    drawn: Sequence[np.ndarray] = ()

    def __post_init__(self) -> None:
        for name in self.decoders:
            DECODERS[name]  # raises UnknownName
        if len(set(self.decoders)) == 1:
            raise ValueError("both decoders are the same: choose two different ones")
        if self.backbone not in BACKBONES:
            raise ValueError(f"the network {self.backbone!r} is not one of {', '.join(BACKBONES)}")
        if self.data not in offered():
            raise ValueError(f"the images {self.data!r} are not one of {', '.join(offered())}")
        for name, (low, high) in {"sigma": SIGMAS, "seconds": SECONDS}.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not low <= value <= high:
                raise ValueError(f"{name} is {value:g}; valid: {low:g} to {high:g}")
        whole(self.seed)
        if self.data == OWN and not self.drawn:
            raise ValueError("there is no drawing to train on: draw on the pad, then press Add")

    @property
    def settings(self) -> list[Settings]:
        """Settings of both trainings, equal but for the decoder."""
        return [
            Settings(
                dataset="folder:drawings" if self.data == OWN else self.data,
                architecture=self.backbone,
                decoder=name,
                sigma=(0.0 if self.blind else self.sigma, self.sigma),
                images=LONGEST,
                seed=whole(self.seed),
                **RECIPE,
            )
            for name in self.decoders
        ]

    @property
    def clean(self) -> Tensor:
        """The image to watch, (1, 1, 28, 28): the latest drawing, a digit or a letter."""
        family = MNIST if self.data == MNIST else "notmnist"
        usual = next(one.image for one in rendered() if one.family == family)
        image = self.drawn[-1] if len(self.drawn) else usual
        return torch.from_numpy(image.copy())[None, None].float() / 255

    def request(self) -> bytes:
        """Return the request as a line for the process."""
        drawn = self.drawn if self.data == OWN else ()
        texts = [trainer.packed(torch.from_numpy(image.copy()) / 255) for image in drawn]
        asked = {
            "settings": [one.plain() for one in self.settings],
            "drawn": texts,
            "clean": trainer.packed(self.clean),
            "seconds": self.seconds,
        }
        return json.dumps(asked).encode() + b"\n"


def offered() -> list[str]:
    """Return the names of `DATA` that need no download."""
    return [name for name in DATA if name == OWN or datasets.present(name)]


@dataclass(frozen=True)
class Point:
    """Validation PSNR of both networks in dB, after a number of images and of seconds."""

    images: int
    seconds: float
    psnr: tuple[float, float]


@dataclass
class Race:
    """Both trainings as the page sees them.

    Attributes
    ----------
    asked : Asked
    points : list of Point
        Curves so far.
    noisy_psnr : float
        Mean PSNR of the noisy held-out images in dB; of the image to watch before the first point.
    clean, noisy : dict
        The image to watch, as of `trainer.shown`.
    outputs : list of dict
        Output of each network for the image to watch at the last point, as of `trainer.shown`.
    end : str
        Reason of the end as `trainer.Pair.end`; empty before.
    scores : list of float
        PSNR of each network at the end, on as many held-out images as the second of `counts`.
    counts : list of int
        Number of different training images, and of scored held-out images.
    commands : list of str
        Command line of each training.
    archive : bytes, optional
        ZIP archive of both networks.
    stopped : bool
        True once the visitor has stopped the training.
    """

    asked: Asked
    points: list[Point] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    end: str = ""
    scores: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    archive: bytes | None = None
    stopped: bool = False

    def __post_init__(self) -> None:
        clean = self.asked.clean
        self.noisy = trainer.shown(trainer.noisy(clean, self.asked.sigma), clean)
        self.clean = {"pixels": trainer.packed(clean), "psnr": None}
        self.noisy_psnr: float = self.noisy["psnr"]
        self._process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """End the training after its present step."""
        self.stopped = True
        if self._process is not None:
            # the process may have ended by itself
            with contextlib.suppress(OSError, ValueError):
                _write(self._process, b"stop\n")

    @property
    def share(self) -> float:
        """Finished fraction of the time, 0 to 1."""
        return min(1.0, self.points[-1].seconds / self.asked.seconds) if self.points else 0.0

    def steps(self) -> Iterator[None]:
        """Train in a process; yield at least every `MOMENT` seconds, and after a new point.

        The process ends with this iterator, also if a caller closes it early: the page closes it
        when the visitor leaves, but only between two steps.

        Raises
        ------
        ValueError
            A training diverged, or the process took too long or failed; one line for the visitor.
        """
        with tempfile.TemporaryDirectory(prefix="denoise-training-") as folder:
            with _process(folder) as process:
                _write(process, self.asked.request())
                self._process = process
                if self.stopped:
                    self.stop()
                for message in _messages(process, PATIENCE + trainer.LATE * self.asked.seconds):
                    if message is not None:
                        self._take(message, Path(folder))
                    yield
            if not self.end:
                raise ValueError(
                    "the training ended before its result: the server may lack memory; try again"
                )

    def _take(self, message: dict[str, Any], folder: Path) -> None:
        """Add the content of a message."""
        if "diverged" in message:
            raise ValueError(
                f"a training diverged after {message['diverged']:,} steps (its loss or its output "
                "is not finite): try another seed or less noise"
            )
        if "images" in message:
            first, second = message["psnr"]
            self.points.append(Point(message["images"], message["seconds"], (first, second)))
            self.noisy_psnr, self.outputs = message["noisy_psnr"], message["outputs"]
            return
        self.scores, self.counts = message["scores"], message["counts"]
        self.commands, self.end = message["commands"], message["end"]
        if message["archive"]:
            self.archive = (folder / trainer.ARCHIVE).read_bytes()


def _write(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None  # made as a pipe
    process.stdin.write(line)
    process.stdin.flush()


def _messages(process: subprocess.Popen[bytes], seconds: float) -> Iterator[dict[str, Any] | None]:
    """Yield the messages of a process until it ends, and None while there is none."""
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            line = lines.get(timeout=MOMENT)
        except queue.Empty:
            yield None
            continue
        if not line:
            return
        yield json.loads(line)
    raise ValueError("the server is too busy to train now: try again later")


def _read(output: IO[bytes], lines: queue.Queue[bytes]) -> None:
    """Put each line of an output into a queue, and an empty line at its end."""
    for line in output:
        lines.put(line)
    lines.put(b"")


@contextlib.contextmanager
def _process(folder: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the training process in a temporary folder; kill it at exit."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join(str(Path(part).absolute()) for part in sys.path),
        "DENOISE_DATA": str(data_root()),
        "TMPDIR": folder,
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",  # small networks, and a lent GPU is lent to calls only
    }
    log_file = Path(folder) / "log"
    with log_file.open("wb") as errors:
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            cwd=folder, env=environment,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            code = process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None  # both were made as pipes
                with contextlib.suppress(OSError):  # unsent input of a dead process
                    pipe.close()
            if code > 0:
                last = log_file.read_text(errors="replace").strip().splitlines()[-1:]
                log.warning("a training process failed: %s", *last or ["no message"])
