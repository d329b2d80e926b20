"""Training process of the page: two networks, each in one thread, as one visitor asks.

The process reads its request, a JSON line, from stdin, and writes a JSON line about once a second.
Further input stops the training after the present step; the end of the input ends the process.

A process of its own, for three reasons. Two networks on one thread each train faster than one after
the other on two threads. Low priority costs visitors of other tabs nothing, and cannot be given to
a thread that shares the interpreter's lock. A training that fails for lack of memory ends alone.
"""

from __future__ import annotations

import base64
import json
import math
import os
import shlex
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from demo.compute import drawings
from denoise import cli, datasets
from denoise.datasets import Pictures
from denoise.datasets.glyphs import SIDE
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt
from denoise.train.distributed import Alone
from denoise.train.run import Diverged, Run
from denoise.train.settings import COOLDOWN, Settings, stable
from denoise.train.validate import Scores

NICENESS = 10  # added to that of the page: visitors of other tabs go first
MEMORY = 2_000_000_000  # bytes beyond those of the imported libraries
EVERY = 1.0  # seconds between two points of the curves
WATCHED = 100  # held-out images of a point, over all noise levels
JUDGED = 500  # held-out images of the scores at the end
ENDING = 2.0  # seconds for these scores
LATE = 1.5  # share of the seconds after which a training ends even if the server is busy
SAMPLE_SEED = 2**64  # above each seed of a visitor
ARCHIVE = "trained.zip"

_threads = ThreadPoolExecutor(2)


class Pair:
    """Two trainings that see the same images with the same noise, step by step.

    A step depends on the seed and its number alone (`denoise.train.batches`).

    Parameters
    ----------
    settings : (Settings, Settings)
        Equal but for the decoder; with the schedule `wsd`, and more images than the time allows.
    images : (Pictures, Pictures)
        Images of training, and held-out images.
    clean : Tensor
        The image to watch, (1, 1, 28, 28).
    seconds : float
        Time for both trainings together.
    """

    def __init__(
        self,
        settings: Sequence[Settings],
        images: tuple[Pictures, Pictures],
        clean: Tensor,
        seconds: float,
    ) -> None:
        self.images, self.seconds, self.clean = images, seconds, clean
        self.noisy = noisy(clean, settings[0].sigma[1])
        # one after the other: initial weights are drawn from the global generator
        self.runs = [_started(one, images) for one in settings]
        self.stopped = threading.Event()
        self.end, self._fixed = "", False

    @property
    def done(self) -> int:
        """Number of steps of each training."""
        return self.runs[0].done

    @property
    def seen(self) -> int:
        """Number of images that each network has seen."""
        return self.done * self.runs[0].settings.batch

    def train(self, show: Callable[[dict[str, Any]], None]) -> None:
        """Train until the time is over; call `show` with each new point.

        Afterwards `end` is "time", "stopped", or "late": the server was too busy for the cooldown.

        Raises
        ------
        Diverged
            A loss or an output is not finite.
        """
        began, due = time.monotonic(), 0.0
        while not self.end:
            _both(_step, self.runs)
            elapsed = time.monotonic() - began
            self.end = self._after(elapsed)
            if elapsed >= due or self.end:
                show(self._point(elapsed))
                due = time.monotonic() - began + EVERY

    def _after(self, elapsed: float) -> str:
        """Begin the cooldown if its steps will take the rest of the time.

        Return the reason if the training ends here, else an empty text.
        """
        if self.stopped.is_set():
            return "stopped"
        if self._fixed and self.done >= self.runs[0].settings.steps:
            return "time"
        if elapsed > LATE * self.seconds:
            return "late"
        steps = length(self.done)
        if not self._fixed and (
            elapsed + (steps - self.done) * elapsed / self.done >= self.seconds - ENDING
        ):
            for run in self.runs:
                run.end_at(steps)
            self._fixed = True
        return ""

    def _point(self, elapsed: float) -> dict[str, Any]:
        (first, one), (second, other) = _both(self._watched, self.runs)
        return {
            "images": self.seen,
            "seconds": elapsed,
            "psnr": [first.mean, second.mean],
            "noisy_psnr": first.noisy_mean,
            "outputs": [shown(one, self.clean), shown(other, self.clean)],
        }

    def _watched(self, run: Run) -> tuple[Scores, Tensor]:
        low, high = run.settings.sigma
        levels = 1 if low == high else round(high * 10) + 1
        return run.scores(max(WATCHED // levels, 20)), run.estimate(self.noisy)

    def finish(self, folder: Path) -> dict[str, Any]:
        """Score both networks, and write an archive of weights, cards and commands.

        A training without its cooldown gives no archive: no command line repeats it.
        """
        whole = self.end == "time"
        scores = _both(lambda run: run.scores(JUDGED).mean, self.runs)
        if whole:
            self._write(folder)
        return {
            "end": self.end,
            "scores": scores,
            "counts": [len(self.images[0]), min(JUDGED, len(self.images[1]))],
            "commands": self.commands(),
            "archive": whole,
        }

    def _write(self, folder: Path) -> None:
        with zipfile.ZipFile(folder / ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
            for run in self.runs:
                file = folder / f"{run.settings.decoder}.safetensors"
                run.finish({"name": file.stem}, file, JUDGED)
                for part in (file, file.with_suffix(".json")):
                    archive.write(part, part.name)
            archive.writestr("commands.txt", "\n".join([*self.commands(), ""]))
            if self.images[0].name == "folder":
                for pictures in self.images:
                    drawings.add_to(archive, pictures)

    def commands(self) -> list[str]:
        """Return the command line of each training, for as many images as it has seen."""
        settings = [replace(run.settings, images=self.seen) for run in self.runs]
        return [shlex.join(["python", "-m", "denoise.train", *cli.words(one)]) for one in settings]


def length(done: int) -> int:
    """Return the steps of the shortest training whose cooldown begins after `done` steps."""
    steps = math.ceil(done / (1 - COOLDOWN))
    return next(count for count in range(max(1, steps - 2), steps + 3) if stable(count) >= done)


def noisy(clean: Tensor, sigma: float) -> Tensor:
    """Return the noisy version of the image to watch."""
    return corrupt(clean, sigma, PictureDraws([SAMPLE_SEED]), noise="gaussian", clip=True)


def shown(image: Tensor, clean: Tensor) -> dict[str, Any]:
    """Return an image for the board: one byte for each pixel in base64, and its PSNR in dB."""
    image = image.clamp(0, 1)
    return {"pixels": packed(image), "psnr": psnr(image, clean, data_range=1.0).item()}


def packed(image: Tensor) -> str:
    """Return the pixels of (1, 1, H, W) in [0, 1], one byte each, in base64."""
    return base64.b64encode((image * 255).round().byte().numpy().tobytes()).decode()


def unpacked(text: str) -> np.ndarray:
    """Return the (28, 28) uint8 pixels of a text of `packed`."""
    return np.frombuffer(base64.b64decode(text, validate=True), np.uint8).reshape(SIDE, SIDE)


def _started(settings: Settings, images: tuple[Pictures, Pictures]) -> Run:
    run = Run(settings, Alone(), None, images)
    run.start(Path("no-checkpoint"))
    return run


def _both(call: Callable[[Run], Any], runs: Sequence[Run]) -> list[Any]:
    """Call a function for each training, both at once."""
    return list(_threads.map(call, runs))


def _step(run: Run) -> None:
    loss = run.step(run.done).item()
    if not math.isfinite(loss):
        raise run.diverged(f"the loss of step {run.done:,} is {loss}")


def _images(request: dict[str, Any], settings: Settings) -> tuple[Pictures, Pictures]:
    if request["drawn"]:
        return drawings.varied([unpacked(text) for text in request["drawn"]], settings.seed)
    return datasets.load(settings.dataset, "train"), datasets.load(settings.dataset, "val")


def _obey(orders: IO[str], stopped: threading.Event) -> None:
    """Stop the training at the next line of the input; end the process at the input's end."""
    for _ in orders:
        stopped.set()
    os._exit(0)  # nobody waits for the result


def _bound() -> None:
    """Give other processes priority, and bound the memory, if the system can do so."""
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if sys.platform == "linux":
        import resource  # not on every system

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, hard))


def main() -> None:
    """Train as the first line of the input asks."""
    _bound()
    request = json.loads(sys.stdin.readline())
    settings = [Settings.of({"settings": one}) for one in request["settings"]]
    clean = torch.from_numpy(unpacked(request["clean"]).copy())[None, None].float() / 255
    pair = Pair(settings, _images(request, settings[0]), clean, request["seconds"])
    threading.Thread(target=_obey, args=(sys.stdin, pair.stopped), daemon=True).start()
    try:
        pair.train(_send)
        _send(pair.finish(Path.cwd()))
    except Diverged:
        _send({"diverged": pair.done})


def _send(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
