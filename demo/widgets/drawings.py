"""List of a visitor's drawings; the browser holds it, the page keeps none."""

from __future__ import annotations

import base64
from typing import Any

import gradio as gr
import numpy as np

from demo.compute.drawings import MOST
from demo.guard.refusals import refusal
from demo.widgets import templates
from denoise.datasets.glyphs import SIDE


class Drawings(gr.HTML):
    """A list of drawings, (28, 28) uint8 each, with a button to remove each of them."""

    is_template = True  # the browser draws it as its base class

    def __init__(self, **options: Any) -> None:
        super().__init__(
            options.pop("value", []),
            html_template=templates.render("widgets/drawings.html"),
            css_template=templates.read("widgets/drawings.css"),
            js_on_load=templates.read("widgets/drawings.js"),
            label="Drawings",
            **options,
        )

    def preprocess(self, payload: Any) -> list[np.ndarray]:
        """Decode the drawings; no image decoder runs."""
        return read_drawings(payload or [])

    def postprocess(self, value: list[Any] | None) -> list[str]:
        """Encode the drawings."""
        return [base64.b64encode(np.asarray(image).tobytes()).decode() for image in value or []]


def read_drawings(texts: Any) -> list[np.ndarray]:
    """Decode drawings, (28, 28) uint8 each.

    Raises
    ------
    gradio.Error
        The value is not a list of at most `MOST` drawings.
    """
    if not isinstance(texts, list) or len(texts) > MOST:
        raise refusal(f"the drawings are not a list of at most {MOST}")
    try:
        return [
            np.frombuffer(base64.b64decode(text, validate=True), np.uint8).reshape(SIDE, SIDE)
            for text in texts
        ]
    except (ValueError, TypeError):
        raise refusal(f"a drawing does not have {SIDE}x{SIDE} pixels: draw it again") from None
