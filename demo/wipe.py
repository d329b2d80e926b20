"""Before and after as HTML: one picture over the other, and a slider that says where one ends and the other begins."""

from __future__ import annotations

import base64
import html
import io

import numpy as np
from PIL import Image

from demo.answers import decibels
from demo.photographs import Cleaned

LARGEST_SIDE = 1024  # pixels of a picture as it is shown; the file has all of them

# The pictures lie in one cell of a grid, so that they need no size of their own; the slider is below, for keys too.
CSS = """
#wipe .html-container { padding: 0; }
.wipe { --at: 50%; max-width: 100%; width: fit-content; margin: 0 auto; }
.wipe .pair { display: grid; position: relative; border-radius: 8px; overflow: hidden; }
.wipe .pair img { grid-area: 1 / 1; max-width: 100%; max-height: 70vh; display: block; }
.wipe .pair .before { clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.wipe .pair .line { grid-area: 1 / 1; position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px;
  background: #fff; box-shadow: 0 0 2px #000; }
.wipe .pair.small img { image-rendering: pixelated; min-width: 280px; }
.wipe label { display: flex; gap: 10px; align-items: center; margin: 8px 0; }
.wipe input { flex: 1; accent-color: var(--color-accent); }
"""


def wipe(done: Cleaned) -> str:
    """The two pictures, the slider, and what is known of them in a table."""
    before, after = _url(done.before), _url(done.after)
    small = " small" if max(done.before.shape[:2]) <= 128 else ""
    slide = "this.closest('.wipe').style.setProperty('--at', this.value + '%')"
    return (
        f'<div class="wipe"><div class="pair{small}"><img src="{after}" alt="Cleaned by {html.escape(done.network)}">'
        f'<img class="before" src="{before}" alt="Noisy"><div class="line"></div></div>'
        f'<label>Noisy <input type="range" min="0" max="100" value="50" aria-label="Where the noisy picture ends" '
        f'oninput="{slide}"> Cleaned</label></div>{_table(done)}<p class="settings">{html.escape(_said(done))}</p>'
    )


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
