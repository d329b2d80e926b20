"""Before and after as HTML: two images on top of each other with a draggable dividing line."""

from __future__ import annotations

import base64
import html
import io

import numpy as np
from PIL import Image

from demo.compute.answers import decibels
from demo.compute.photographs import Cleaned
from demo.widgets import templates

LARGEST_SIDE = 1024  # pixels of a displayed image; the file has the full size


def wipe(done: Cleaned) -> str:
    """Render both images and a table of their facts."""
    return templates.render(
        "widgets/before_after.html",
        done=done,
        look=_small(done.before),
        before=_url(done.before),
        after=_url(done.after),
        facts=_facts(done),
        decibels=decibels,
    )


def waiting(image: np.ndarray) -> str:
    """Render the image that waits to be denoised, (H, W) or (H, W, 3) uint8."""
    return (
        f'<div class="{_small(image)}">'
        f'<img class="alone" src="{_url(image)}" alt="Image to denoise"></div>'
    )


def status(text: str, bar: str = "") -> str:
    """Render the line above a result, and the progress bar beside the line."""
    return f'<div class="status"><p role="status">{html.escape(text)}</p>{bar}</div>'


def busy(text: str, share: float, seconds: float) -> str:
    """Render the line above a pending result: finished fraction, 0 to 1, and elapsed seconds."""
    finished = f"{share * 100:.0f} %, " if share else ""
    bar = (
        '<progress aria-label="Finished" '
        f'value="{share:.3f}"></progress><span>{finished}{seconds:.0f} s</span>'
    )
    return status(f"{text}…", bar)


def _small(image: np.ndarray) -> str:
    return "small" if max(image.shape[:2]) <= 128 else ""


def _facts(done: Cleaned) -> str:
    height, width = done.before.shape[:2]
    text = f"{width}x{height} pixels, denoised by {done.network} in {_duration(done.ms)}."
    if done.estimate is not None:
        text += f" Blind estimate of the noise level: sigma {done.estimate:.1f} of 255."
    if max(height, width) > LARGEST_SIDE:
        text += " Downscaled for display, which hides noise; the file has the full size."
    return text


def _duration(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _url(pixels: np.ndarray) -> str:
    """Encode an image as lossless WebP in a `data:` URL; this takes a third of the time of PNG."""
    image = Image.fromarray(pixels)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "webp", lossless=True, quality=0, method=0)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
