"""Inputs that Compare and Photo share, and the options of their events."""

from __future__ import annotations

from typing import Any

import gradio as gr

MODEL = "model"  # one queue for every event that runs a network
# the last position wins, nothing flickers
LIVE = {"show_progress": "hidden", "trigger_mode": "always_last"}
PRIVATE = {"api_visibility": "private"}  # for events that are not part of the API
# the largest integer that a browser represents exactly
TYPED_SEED = {"step": 1, "minimum": 0, "maximum": 2**53 - 1}


class Level(gr.Slider):
    """A `gr.Slider` that passes any value on to the function, which rejects invalid values.

    The class serves API calls: `controls.js` clamps the values that a visitor types.
    """

    is_template = True  # the browser draws it as its base class

    def preprocess(self, payload: Any) -> Any:
        """Return the value unchanged."""
        return payload


class Seed(gr.Number):
    """A `gr.Number` that passes its value on unchanged: the stock component rounds 1.5 to 2."""

    is_template = True  # the browser draws it as its base class

    def preprocess(self, payload: Any) -> Any:
        """Return the value unchanged."""
        return payload
