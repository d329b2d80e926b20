"""Inputs that both tabs with a network share, and how their events run."""

from __future__ import annotations

import html
import re
from typing import Any

import gradio as gr

MODEL = "model"  # one queue for every event that runs a network
LIVE = {"show_progress": "hidden", "trigger_mode": "always_last"}  # the last position wins, nothing flickers
PRIVATE = {"api_visibility": "private"}  # of events that are no answers to a program
LONGEST = 400  # characters of what a visitor is told
PATH = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:)?(?:[/\\][^/\\\s:'\"]+)+[/\\](?P<name>[^/\\\s:'\"]*)")
"""An absolute path of two or more parts; its last part may be told."""
TYPED_SEED = {"step": 1, "minimum": 0, "maximum": 2**53 - 1}  # the largest that a browser holds exactly


class Level(gr.Slider):
    """A `gr.Slider` whose value, whatever it is, goes on to the function, which refuses it in a readable sentence.

    That is for programs: `controls.js` clamps what a visitor types.
    """

    def get_block_name(self) -> str:
        return "slider"

    def preprocess(self, payload: Any) -> Any:
        return payload


class Seed(gr.Number):
    """A `gr.Number` whose value goes on as it came: the stock one rounds 1.5 to 2."""

    def get_block_name(self) -> str:
        return "number"

    def preprocess(self, payload: Any) -> Any:
        return payload


def refusal(error: ValueError | str) -> gr.Error:
    """Make the error that a visitor is told: the text as a sentence, without what a browser could take for HTML."""
    text = _shown(str(error)).rstrip(".") or "this cannot be used"
    return gr.Error(text[0].upper() + text[1:] + ".", print_exception=False)


def tell(text: str) -> None:
    """Show a visitor a line beside the page; the text is treated as that of a refusal."""
    gr.Info(_shown(text))


def _shown(text: str) -> str:
    """One line of at most `LONGEST` characters without a path of this machine, escaped: Gradio shows it as HTML."""
    line = "".join(character if character.isprintable() else " " for character in text)
    line = PATH.sub(lambda path: path["name"], " ".join(line.split()))
    if len(line) > LONGEST:
        line = line[: LONGEST - 1] + "…"
    return html.escape(line, quote=False)
