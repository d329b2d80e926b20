"""Inputs that both tabs with a network share, and how their events run."""

from __future__ import annotations

from typing import Any

import gradio as gr

MODEL = "model"  # one queue for every event that runs a network
LIVE = {"show_progress": "hidden", "trigger_mode": "always_last"}  # the last position wins, nothing flickers
PRIVATE = {"api_visibility": "private"}  # of events that are no answers to a program


class Level(gr.Slider):
    """A `gr.Slider` whose value, whatever it is, goes on to the function, which refuses it in a readable sentence."""

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


def refusal(error: ValueError) -> gr.Error:
    """What a visitor is told: the error's text as a sentence."""
    text = str(error)
    return gr.Error(text[0].upper() + text[1:] + ".", print_exception=False)
