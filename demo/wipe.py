"""Before and after as HTML: one picture over the other, and a slider that says where one ends."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from demo.answers import decibels
from demo.photographs import Cleaned

LARGEST_SIDE = 1024  # pixels of a picture as it is shown; the file has all of them

# The pictures lie in one cell of a grid, so that they need no size of their own; the slider is below, for keys too.
CSS = """
#wipe .html-container { padding: 0; }
.pair { display: grid; position: relative; overflow: hidden; }
.pair img { grid-area: 1 / 1; }
.pair .before { clip-path: inset(0 calc(100% - var(--at, 50%)) 0 0); }
.pair .line { position: absolute; top: 0; bottom: 0; left: var(--at, 50%); width: 2px; background: #fff;
  box-shadow: 0 0 2px #000; }
#wipe .pair { width: fit-content; margin: 0 auto; border-radius: 8px; }
#wipe .pair img { max-width: 100%; max-height: 70vh; display: block; }
#wipe .small .pair img { image-rendering: pixelated; min-width: 280px; }
"""


def line(of: str, **options: Any) -> gr.Slider:
    """A slider that moves the line of every pair within the component of that `elem_id`, in the browser."""
    slider = gr.Slider(0, 100, 50, step=1, label="Where the noisy picture ends (%)", **options)
    # The position belongs to what is not drawn anew with each answer.
    move = f"(at) => document.getElementById('{of}').style.setProperty('--at', at + '%')"
    slider.input(None, slider, None, js=move)
    return slider


def pair(after: str, before: str) -> str:
    """The element of a picture with another laid over its left part; `before` is the address of that one."""
    return f'<span class="pair">{after}<img class="before" src="{before}" alt=""><span class="line"></span></span>'


def wipe(done: Cleaned) -> str:
    """The two pictures, and what is known of them in a table."""
    after = f'<img src="{_url(done.after)}" alt="Cleaned by {html.escape(done.network)}; left of the line: noisy">'
    small = "small" if max(done.before.shape[:2]) <= 128 else ""
    shown = f'<div class="{small}">{pair(after, _url(done.before))}</div>'
    return f'{shown}{_table(done)}<p class="settings">{html.escape(_said(done))}</p>'


def _table(done: Cleaned) -> str:
    if done.psnr is None:
        return ""
    similar = done.ssim or (None, None)
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td>{decibels(psnr).removesuffix(" dB")}</td>'
        f"<td>{'–' if ssim is None else format(ssim, '.4f')}</td></tr>"
        for name, psnr, ssim in zip(("Noisy", "Cleaned"), done.psnr, similar, strict=True)
    )
    head = '<th scope="col">Picture</th><th scope="col">PSNR (dB)</th><th scope="col">SSIM</th>'
    return f'<table class="scores"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _said(done: Cleaned) -> str:
    height, width = done.before.shape[:2]
    said = f"{width}x{height} pixels, cleaned by {done.network} in {done.ms:.0f} ms on this server."
    if done.estimate is not None:
        said += f" Level of the noise, told from the noisy picture alone: sigma {done.estimate:.1f} of 255."
    if max(height, width) > LARGEST_SIDE:
        said += " Shown smaller than it is, which hides noise: the file has every pixel."
    return said


def _url(picture: np.ndarray) -> str:
    """A `data:` URL of lossless WebP: a third of a PNG's time."""
    image = Image.fromarray(picture)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "webp", lossless=True, quality=0, method=0)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
