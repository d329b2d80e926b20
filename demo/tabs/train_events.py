"""Event handlers of the Train tab."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import numpy as np

from demo.compute import trainer
from demo.compute.drawings import MOST
from demo.compute.images import as_digit
from demo.compute.race import DATA, LINE, MNIST, OWN, Asked, Race, offered
from demo.guard.refusals import refusal, tell
from demo.widgets import training_board
from denoise.decoders import DECODERS

MOMENT = 1.0  # seconds between two looks at the waiting line
Outputs = tuple[dict[str, Any], object, object, object]

_latest: dict[str, Race] = {}  # by visitor


def first() -> Asked:
    """Return the training that the tab opens with."""
    return Asked(("nearest", "transposed_k3"), "unet", offered()[0], 0.4, False, 60, 0)


def follow(
    one: str,
    other: str,
    backbone: str,
    data: str,
    sigma: float,
    blind: bool,
    seconds: float,
    seed: int,
    drawn: list[np.ndarray],
    request: gr.Request,
) -> Iterator[Outputs]:
    """Train both decoders for a visitor: yield the board every second, then the archive."""
    try:
        race = Race(Asked((one, other), backbone, data, sigma, blind, seconds, seed, tuple(drawn)))
        with _newest(race, str(request.session_hash)), LINE.joined() as ahead:
            yield from _waiting(race, ahead)
            if race.stopped:
                yield _outputs(race, "Stopped before the training began.", "ready")
            else:
                yield from _training(race)
    except ValueError as error:
        raise refusal(error) from None


def _waiting(race: Race, ahead: Callable[[], int]) -> Iterator[Outputs]:
    """Yield the number of trainings ahead until there is none, or the visitor stops."""
    while not race.stopped and (count := ahead()):
        others = "1 training is" if count == 1 else f"{count} trainings are"
        yield _outputs(race, f"{others} before yours, of about a minute each.", "waiting")
        time.sleep(MOMENT)


def _training(race: Race) -> Iterator[Outputs]:
    """Yield the board after each new point, and after the scores."""
    yield _outputs(race, "Starting…", "training")
    for _ in race.steps():
        yield _outputs(race, _progress(race), "training")
    board = training_board.state(
        race, "The training has ended.", "ended", training_board.verdict(race)
    )
    file = gr.update(value=race.archive, interactive=race.archive is not None)
    yield board, gr.update(interactive=True), gr.update(interactive=False), file


def _progress(race: Race) -> str:
    """Return the line above the images during a training."""
    if not race.points:
        return "Starting…"
    left = race.asked.seconds - race.points[-1].seconds
    if left < trainer.ENDING:
        return "Scoring both networks on more held-out images…"
    return f"Training both, step by step: {left:.0f} s left."


def _outputs(race: Race, line: str, phase: str) -> Outputs:
    """Return the outputs during a training; the buttons follow its phase."""
    said = {"waiting": "Your training waits.", "training": "The training runs."}.get(phase, "")
    runs = phase != "ready"
    return (
        training_board.state(race, line, phase, said),
        gr.update(interactive=not runs),
        gr.update(interactive=runs),
        gr.update(value=None, interactive=False),
    )


@contextlib.contextmanager
def _newest(race: Race, visitor: str) -> Iterator[None]:
    """Make a race the newest of a visitor and stop the visitor's older race.

    Stop the new race at exit, also if the visitor has left.
    """
    _stop(visitor)
    _latest[visitor] = race
    try:
        yield
    finally:
        race.stop()
        if _latest.get(visitor) is race:
            del _latest[visitor]


def _stop(visitor: str) -> None:
    race = _latest.get(visitor)
    if race is not None:
        race.stop()


def stop(request: gr.Request) -> None:
    """Stop the training of a visitor, if there is one."""
    _stop(str(request.session_hash))


def opening() -> Race:
    """Return the race, not yet begun, that the tab opens with."""
    return Race(first())


def failed() -> Outputs:
    """Return the outputs after an error, whose message Gradio shows."""
    return _outputs(opening(), "Nothing was trained: see the error message.", "ready")


def add(drawing: np.ndarray | None, drawn: list[np.ndarray]) -> tuple[object, object]:
    """Add a drawing to the list, and wipe the pad."""
    digit = None if drawing is None else as_digit(drawing)
    if digit is None:
        tell("The pad is empty: draw a digit or a letter.")
        return gr.skip(), gr.skip()
    if len(drawn) >= MOST:
        raise refusal(f"there are {MOST} drawings already: remove one first")
    return [*drawn, digit], None


def labels() -> list[tuple[str, str]]:
    """Return the decoders to choose from: label and name."""
    return [(entry.label, entry.name) for entry in DECODERS]


def sources() -> list[tuple[str, str]]:
    """Return the images to choose from: label and name."""
    return [(DATA[name], name) for name in offered()]


def drawn_last(drawn: list[np.ndarray]) -> dict[str, Any]:
    """Return the choice of images after the drawings have changed."""
    return gr.update(value=OWN) if drawn else gr.update(value=offered()[0])


def absent() -> str:
    """Return a line about MNIST if its files are missing, else an empty text."""
    return "" if MNIST in offered() else "MNIST is not on this machine, so it is not offered."
