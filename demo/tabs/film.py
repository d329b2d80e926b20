"""The Film tab: outputs and checkerboards of each decoder while it was trained."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from demo.compute import film
from demo.guard.refusals import refusal
from demo.tabs.compare import Compare
from demo.widgets import labs
from demo.widgets.comparison import hint
from demo.widgets.controls import LIVE, PRIVATE

TEXT = """Each decoder begins with random weights. **Press Play**: your image from Compare runs
through the networks as they were after 0, 640, 1,280, … training images. A transposed convolution
writes a checkerboard first, and training has to remove it; upsampling + convolution keeps a flat
part flat.
"""
NOTHING = "Choose a sample, draw, or upload an image in Compare."
FAILED = "There is no film of this image: see the error message."


def show(image: np.ndarray | None, *settings: Any) -> str:
    """Render the film of one image as HTML; `settings` as for `film.frames`."""
    if image is None:
        return hint(NOTHING)
    try:
        found = film.frames(image, *settings)
    except ValueError as error:
        raise refusal(error) from None
    return labs.element("training-film", film=found)


def tab() -> gr.HTML:
    """Add the tab to the Blocks in construction; return the output of `show`."""
    gr.Markdown(TEXT)
    return gr.HTML(hint("Running your image through the early networks…"), elem_id="film")


def connect(opened: gr.Tab, compared: Compare, out: gr.HTML) -> None:
    """Show the film of Compare's image once the tab is opened."""
    *settings, _ = compared.inputs
    opened.select(show, settings, out, concurrency_id="draws", **PRIVATE, **LIVE).failure(
        lambda: hint(FAILED), None, out, queue=False, **PRIVATE, **LIVE
    )
