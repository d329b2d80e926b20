"""Small sample images to choose from.

Gradio's gallery loads a video player, and each image by a request of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr
import numpy as np

from demo.compute.images import data_url
from demo.widgets import templates


class Thumbnails(gr.HTML):
    """Buttons with images; the event `select` carries the index of the chosen image.

    The value is a list of pairs: image, (H, W) uint8, and label.
    """

    is_template = True  # the browser draws it as its base class

    def __init__(self, value: Iterable[tuple[np.ndarray, str]] = (), **options: Any) -> None:
        script = templates.read("widgets/thumbnails.js")
        super().__init__(value, js_on_load=script, **options)

    def postprocess(self, value: Iterable[tuple[np.ndarray, str]]) -> str:
        """Render the buttons."""
        images = [(data_url(image), label) for image, label in value]
        return templates.render("widgets/thumbnails.html", images=images)
