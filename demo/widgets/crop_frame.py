"""Frame on a small copy of a large image: the visitor moves it to the crop to denoise."""

from __future__ import annotations

import base64
import io
import math
from typing import Any, TypeGuard

import gradio as gr
import numpy as np
from PIL import Image

from demo.compute import parts
from demo.guard.refusals import refusal
from demo.widgets import templates

SIDE = 320  # pixels of the copy
KEYS = ("x", "y")


class CropFrame(gr.HTML):
    """A small image with a movable frame; its value is the place of a crop (`parts.CENTER`)."""

    is_template = True  # the browser draws it as its base class

    def __init__(self, **options: Any) -> None:
        super().__init__(
            None,
            html_template=templates.read("widgets/crop_frame.html"),
            css_template=templates.read("widgets/crop_frame.css"),
            js_on_load=templates.read("widgets/crop_frame.js"),
            label="Place of the crop",
            **options,
        )

    def preprocess(self, payload: Any) -> tuple[float, float]:
        """Return the center of the frame, fractions of width and height."""
        return parts.CENTER if payload is None else _place(payload)


def _place(payload: Any) -> tuple[float, float]:
    x, y = (payload.get(key) for key in KEYS) if isinstance(payload, dict) else (None, None)
    if not _is_fraction(x) or not _is_fraction(y):
        raise refusal("the place of the crop is not a pair x, y of numbers from 0 to 1")
    return float(x), float(y)


def _is_fraction(value: Any) -> TypeGuard[float]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and 0 <= value <= 1


def frame(image: np.ndarray, height: int, width: int) -> dict[str, object]:
    """Return the value of a `CropFrame` for an image of `height` x `width` pixels.

    Parameters
    ----------
    image : numpy.ndarray
        (H, W) or (H, W, 3) uint8, of any size.
    height, width : int
        Size of the full image.
    """
    tall, wide = parts.size(parts.MIDDLE, height, width)
    x, y = parts.CENTER
    return {"image": _url(image), "x": x, "y": y, "wide": wide / width, "tall": tall / height}


def _url(pixels: np.ndarray) -> str:
    """Encode a small copy as JPEG: it shows a place, no noise, and the browser sends it back."""
    small = Image.fromarray(pixels)
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "jpeg", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
