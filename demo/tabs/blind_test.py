"""The Blind test tab: find the transposed convolution among three outputs, ten times.

The page keeps the seed and the guesses; the server derives the rounds from the seed and tells a
solution only after its guess.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from demo.compute import blind_test
from demo.compute.answers import whole
from demo.compute.blind_test import LEVELS, ROUNDS, SEEDS, SHOWN
from demo.widgets import blind_board, templates
from demo.widgets.controls import LIVE, MODEL, PRIVATE
from demo.widgets.permalink import Linked, whole_number
from denoise.datasets import DATASETS

NO_NETWORKS = "This copy lacks the networks of the blind test."


def tab() -> Linked | None:
    """Add the tab to the Blocks in construction; return its settings for links.

    The settings stand below the board, so that a phone shows the outputs first.
    """
    families = blind_test.families()
    if not families:
        gr.Markdown(NO_NETWORKS)
        return None
    board = gr.HTML(
        blind_board.invitation(),
        js_on_load=templates.read("widgets/blind_board.js"),
        elem_id="blind",
        label="Blind test",
    )
    with gr.Row(elem_id="blind-settings"):
        images = gr.Radio(
            [(DATASETS[name].label, name) for name in families],
            value=families[-1],
            label="Images of new rounds",
        )
        noise = gr.Radio(
            [(_level(sigma), sigma) for sigma in LEVELS],
            value=LEVELS[-1],
            label="Noise: the more, the more the outputs differ",
        )
    board.play(play, [images, noise], board, concurrency_id=MODEL, **PRIVATE, **LIVE)
    gr.on(
        [images.input, noise.input], begin, [images, noise], board, concurrency_id=MODEL,
        **PRIVATE, **LIVE,
    )  # fmt: skip
    settings = {"images": images, "noise": noise, "seed": whole_number, "found": _found}

    def linked(values: Mapping[str, Any], _: gr.Request) -> Iterator[Mapping[Component, Any]]:
        yield {board: blind_board.invitation(values.get("seed"), values.get("found"))}

    return Linked(settings, [board], linked)


def _level(sigma: float) -> str:
    names = dict(zip(LEVELS, ("little", "some", "much"), strict=True))
    return f"{names[sigma]}: sigma {sigma:g}"


def _found(text: str) -> int:
    """Parse the score in a link; raise ValueError if it is none."""
    found = whole_number(text)
    if found > ROUNDS:
        raise ValueError(f"{found} is more than {ROUNDS}, the number of rounds")
    return found


def begin(images: str, noise: float) -> str:
    """Return the first of new rounds."""
    return _board(images, noise, secrets.randbelow(SEEDS), [], shown=False)


def play(images: str, noise: float, event: gr.EventData) -> str:
    """Return the board after an act of the visitor.

    The event has the seed, or None for new rounds; the guesses, 1 to 3; and `shown`, True to show
    the solution of the last guess.
    """
    seed, guesses, shown = event.seed, event.guesses, event.shown
    valid = isinstance(guesses, list) and all(type(guess) is int for guess in guesses)
    if not valid or len(guesses) > ROUNDS or not set(guesses) <= set(range(1, len(SHOWN) + 1)):
        raise ValueError(f"the guesses {guesses!r} are invalid")
    seed = secrets.randbelow(SEEDS) if seed is None else whole(seed)
    return _board(images, noise, seed, guesses, shown=shown is True and bool(guesses))


def _board(images: str, noise: float, seed: int, guesses: list[int], *, shown: bool) -> str:
    rounds = blind_test.rounds(images, noise, seed)
    if len(guesses) == ROUNDS and not shown:
        return blind_board.result(rounds, guesses, seed)
    return blind_board.board(rounds, guesses, seed, shown=shown)
