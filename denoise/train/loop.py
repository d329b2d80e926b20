"""`python -m denoise.train --dataset mnist --decoder nearest`: train one denoiser.

Each batch has new noise; the optimizer is Adam or Muon with a cosine schedule; validation uses
held-out images. A stopped or killed run continues from its checkpoint to the same result. The
outputs are NAME.safetensors and NAME.json. Under torchrun several processes train one network
(`denoise.train.distributed`); the first process writes.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from denoise import cli
from denoise.files.atomic import check_name
from denoise.registry import ALIASES
from denoise.train import distributed
from denoise.train.initial import untrained
from denoise.train.progress import Shown
from denoise.train.run import Run
from denoise.train.settings import Settings, stable
from denoise.train.stopping import Asked, Stopped

__all__ = ["Settings", "train", "untrained"]

log = logging.getLogger("denoise.train")

CHECKPOINT = ".checkpoint"  # suffix of the weights' name in the file of an unfinished training
SAVE = 60.0  # seconds between two checkpoints, at most
SENTENCES = {  # by a substring of PyTorch's error
    "alloc": "not enough memory: lower --batch, --patch, --width or --depth",
    "more than 1 value per channel": (
        "batch normalization needs more values: raise --batch, --patch, or lower --depth"
    ),
    "bf16 path needs": "this processor has no bfloat16 arithmetic; valid: --precision float32",
}


def train(
    settings: Settings,
    out: Path,
    root: Path | None = None,
    every: int = 1_000,
    *,
    name: str | None = None,
    validation: int | None = None,
    show: bool = True,
    lengths: Mapping[int, str] | None = None,
) -> Path:
    """Train a network and write its weights.

    The training continues from a checkpoint of the same settings in `out`. A checkpoint is written
    at least every 60 s, at the end, and on Ctrl-C, SIGTERM and SIGHUP. Each of these signals ends
    the training after the current step; a second Ctrl-C ends it at once. An interruption changes
    neither the weights nor the card.

    Parameters
    ----------
    settings : Settings
    out : Path
        Folder of the weights and, while training, of the checkpoint.
    root : Path, optional
        Root folder of the datasets.
    every : int
        Steps between points of the card's curve; each point has a validation PSNR.
    name : str, optional
        Name of the weights; by default, the name of the settings.
    validation : int, optional
        Number of validation images for the card's scores; all by default.
    show : bool
        Show a progress bar, or log a line every 30 s without a terminal.
    lengths : dict, optional
        Shorter training lengths in images, with a name for the weights of each. Each file equals
        that of a training of this length alone, and costs only its cooldown. The schedule must be
        `wsd`.

    Returns
    -------
    Path
        The .safetensors file.

    Raises
    ------
    ValueError
        The name is no valid file name, or ends as a checkpoint's name: nothing is trained.
    ValueError
        A length is not below the training's own, or the schedule is not `wsd`.
    ValueError
        The loss, the weights or the validation scores are not finite: the last checkpoint is kept.
        Or the memory does not suffice.
    OSError
        A file cannot be written, for example on a full disk: the last checkpoint is kept.
    Stopped
        A signal ended the training. `Stopped` is a KeyboardInterrupt. The caller's own handler of
        that signal runs first.
    """
    name = settings.name if name is None else _checked(name)
    branches = _branches(settings, lengths or {}, out)
    team = distributed.team(settings.batch)
    show = show and team.first
    saved, target = out / f"{name}{CHECKPOINT}.safetensors", out / f"{name}.safetensors"
    with _in_one_sentence():
        run = Run(settings, team, root)
        if team.first:
            _check_folder(target.parent)
        run.start(saved)
        with Shown(name, settings, run.done, show) as shown, Asked(patient=team.size > 1) as asked:
            stopped = _lengths(run, branches, every, validation, shown, asked) or _steps(
                run, settings.steps, every, shown, asked
            )
        team.leave()
        if stopped:
            asked.pass_on()
            where = (
                f"{100 * run.done // settings.steps} % (step {run.done:,} of {settings.steps:,})"
            )
            stop = Stopped(
                f"stopped at {where}: the same command continues from there",
                asked.number or signal.SIGTERM,
            )
            team.refuse(stop, stop.code)
        if team.first:
            run.finish({"name": name}, target, validation)
            saved.unlink(missing_ok=True)
    return target


def _branches(
    settings: Settings, lengths: Mapping[int, str], out: Path
) -> list[tuple[Settings, Path]]:
    """Return the settings and the weights file of each shorter training, shortest first."""
    if lengths and settings.schedule != "wsd":
        raise ValueError(f"shorter lengths need the schedule wsd, not {settings.schedule}")
    if longer := [length for length in lengths if not 0 < length < settings.images]:
        raise ValueError(
            f"a shorter length is {longer[0]:,} images; valid: 1 to {settings.images - 1:,}"
        )
    return [
        (replace(settings, images=length), out / f"{_checked(name)}.safetensors")
        for length, name in sorted(lengths.items())
    ]


def _lengths(
    run: Run,
    branches: list[tuple[Settings, Path]],
    every: int,
    validation: int | None,
    shown: Shown,
    asked: Asked,
) -> bool:
    """Train up to the last branch, and write the weights of every shorter training.

    Return True if a signal stopped the training.
    """
    for settings, target in branches:
        if target.with_suffix(".json").exists():
            continue
        if run.done > stable(settings.steps):
            raise ValueError(
                f"{target} is missing and the checkpoint is beyond it: remove the checkpoint "
                f"({run.saved}) to start again"
            )
        if _steps(run, stable(settings.steps), every, shown, asked):
            return True
        with run.shorter(settings):
            if _steps(run, settings.steps, every, shown, asked, branch=True):
                return True
            if run.team.first:
                run.finish({"name": target.stem}, target, validation)
    return False


def _steps(
    run: Run, last: int, every: int, shown: Shown, asked: Asked, *, branch: bool = False
) -> bool:
    """Train up to step `last`, or until a signal asks to stop.

    Return True if stopped. Write a checkpoint either way, except in a branch: a stopped training
    continues from before its branch.
    """
    team, stop, written = run.team, False, time.monotonic()
    while run.done < last and not stop:
        loss = run.step(run.done)
        point, ended = run.done % every == 0 and run.done < last, run.done == last
        if point or ended or run.done % run.look == 0 or (asked.number and team.size == 1):
            value, stop = team.agree(loss, asked.number is not None)
            if not math.isfinite(value):
                team.refuse(run.diverged(f"the loss of step {run.done:,} is {value}"))
            shown.loss(value)
        if not team.first:
            continue
        if point:
            shown.scores(run.add_point(value))
        elif not stop:
            shown.peek(run.peek)
        if branch:
            continue
        shown.step()
        if point or ended or stop or time.monotonic() - written >= SAVE:
            run.save()
            written = time.monotonic()
    return stop


def _checked(name: str) -> str:
    """Return a name of weights; raise ValueError before the training if it is invalid."""
    if name.endswith(CHECKPOINT):
        raise ValueError(
            f"--name {name!r} ends in {CHECKPOINT}, the suffix of unfinished trainings; "
            "valid: any other ending"
        )
    return check_name(name, "--name", f"{CHECKPOINT}.safetensors")


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    """Replace PyTorch's errors that a user can fix by a ValueError of one sentence."""
    try:
        yield
    except (MemoryError, RuntimeError, ValueError) as error:
        text = "alloc" if isinstance(error, MemoryError) else str(error)
        for part, sentence in SENTENCES.items():
            if part in text:
                raise ValueError(sentence) from error
        raise


def _check_folder(folder: Path) -> None:
    """Create the folder of the weights; raise ValueError if it is not writable."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out {folder} is a file; valid: a folder, which is created if missing")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"--out {folder} cannot be created ({error.strerror}); valid: a writable folder"
        ) from error
    if not os.access(folder, os.W_OK):
        raise ValueError(f"--out {folder} is not writable; valid: a writable folder")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a network by the options of a command line, and print the report."""
    parser = cli.Parser(prog="python -m denoise.train", description=__doc__.splitlines()[0])
    cli.add_options(parser, Settings, ALIASES)
    parser.add_argument(
        "--data-root", type=Path, help="folder of all data (default: $DENOISE_DATA, else the cache)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs"), help="folder for the weights (default: runs)"
    )
    parser.add_argument(
        "--name", help="name of the weights (default: DATASET-DECODER or DATASET-ARCHITECTURE)"
    )
    parser.add_argument(
        "--every",
        type=int,
        default=1_000,
        help="steps between points of the card's validation curve (default: 1000)",
    )
    given = parser.parse_args(arguments)
    cli.need("train", "matplotlib", "tabulate", "torchvision")
    if given.every < 1:
        raise ValueError(f"--every is {given.every}; it must be at least 1")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    settings = cli.from_options(given, Settings)
    path = train(settings, given.out, given.data_root, given.every, name=given.name)
    if distributed.is_first():
        from denoise.train import report  # imported here, because it imports matplotlib

        print(report.report(path, given.data_root))
