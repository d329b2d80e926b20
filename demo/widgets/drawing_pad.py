"""Drawing pad for digits.

Gradio's own pad requires picking a tool first, needs WebGL and sends undecoded files.
"""

from __future__ import annotations

import base64

import gradio as gr
import numpy as np

from demo.guard.refusals import refusal

SIDE = 280  # pixels
PEN = 22  # pixels wide: about two pixels of MNIST

HTML = f"""<canvas width="{SIDE}" height="{SIDE}" role="img" aria-label="Pad: draw a digit or a letter"></canvas>
<div><button type="button">Clear</button> A digit or a letter, to be centered and scaled like MNIST.</div>"""

CSS = """
canvas { width: 280px; max-width: 100%; border-radius: 8px; cursor: crosshair; touch-action: none; display: block; }
div { margin-top: 8px; color: var(--body-text-color-subdued); }
button { padding: 3px 12px; margin-right: 6px; border-radius: 6px; border: 1px solid var(--border-color-primary);
  font-size: inherit; font-weight: 400; color: var(--body-text-color); background: var(--background-fill-secondary);
  cursor: pointer; }
"""

# After each stroke, the value becomes the pad's gray pixels, one byte each, in base64.
JAVASCRIPT = f"""
const canvas = element.querySelector("canvas"), pen = canvas.getContext("2d", {{ willReadFrequently: true }});
let drawing = false;
const wipe = () => pen.fillRect(0, 0, {SIDE}, {SIDE});
const hand = () => {{
  const rgba = pen.getImageData(0, 0, {SIDE}, {SIDE}).data;
  let bytes = "";
  for (let i = 0; i < rgba.length; i += 4) bytes += String.fromCharCode(rgba[i]);
  props.value = btoa(bytes);
  trigger("input");
}};
const stroke = (event) => {{
  const box = canvas.getBoundingClientRect();
  pen.lineTo((event.clientX - box.left) * {SIDE} / box.width, (event.clientY - box.top) * {SIDE} / box.height);
  pen.stroke();
}};
const lift = () => {{ if (drawing) {{ drawing = false; hand(); }} }};
Object.assign(pen, {{ lineWidth: {PEN}, lineCap: "round", lineJoin: "round", strokeStyle: "#fff", fillStyle: "#000" }});
wipe();
canvas.addEventListener("pointerdown", (event) => {{
  canvas.setPointerCapture(event.pointerId);
  drawing = true;
  pen.beginPath();
  stroke(event);
  stroke(event);
}});
canvas.addEventListener("pointermove", (event) => {{ if (drawing) stroke(event); }});
canvas.addEventListener("pointerup", lift);
canvas.addEventListener("pointercancel", lift);
element.querySelector("button").addEventListener("click", () => {{ wipe(); hand(); }});
"""


class DrawingPad(gr.HTML):
    """A square for drawing with mouse, pen or finger, white on black.

    Its value is (280, 280) uint8 after a stroke.
    """

    def __init__(self) -> None:
        super().__init__(
            "", html_template=HTML, css_template=CSS, js_on_load=JAVASCRIPT, elem_id="pad"
        )

    def get_block_name(self) -> str:
        """Return the name of Gradio's component in the browser."""
        return "html"

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
