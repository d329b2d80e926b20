"""Drawing pad for digits.

Gradio's own pad requires picking a tool first, needs WebGL and sends undecoded files.
"""

from __future__ import annotations

import base64
from typing import Any

import gradio as gr
import numpy as np

from demo.guard.refusals import refusal
from demo.widgets import templates

SIDE = 280  # pixels


class DrawingPad(gr.HTML):
    """A square for drawing with mouse, pen or finger, white on black.

    Its value is (280, 280) uint8 after a stroke; None as an output wipes the pad.
    """

    is_template = True  # the browser draws it as its base class

    def __init__(self, elem_id: str = "pad", **options: Any) -> None:
        super().__init__(
            options.pop("value", ""),
            html_template=templates.render("widgets/drawing_pad.html", side=SIDE),
            css_template=templates.read("widgets/drawing_pad.css"),
            js_on_load=templates.read("widgets/drawing_pad.js"),
            elem_id=elem_id,
            elem_classes="pad",
            **options,
        )

    def preprocess(self, payload: str | None) -> np.ndarray | None:
        """Decode the drawing."""
        return read_pad(payload) if payload else None


def read_pad(text: str) -> np.ndarray:
    """Decode the pad's pixels, (280, 280) uint8, from base64.

    Raises
    ------
    gradio.Error
        The text does not encode the pixels of a pad. No image decoder runs, so the text cannot
        attack one.
    """
    try:
        pixels = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
        return pixels.reshape(SIDE, SIDE)
    except (ValueError, TypeError):
        raise refusal("the drawing is incomplete: draw it again") from None
