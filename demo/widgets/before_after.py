"""Before and after as HTML: the custom element of `photo_viewer.js`, and the line above."""

from __future__ import annotations

import base64
import html
import io
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from demo.compute.photographs import Cleaned
from demo.guard import uploads
from demo.widgets import labs, templates

LARGEST_SIDE = 1024  # pixels of an image within the page; the viewer loads the full size if needed
LARGEST_WEBP = 16_383  # pixels of a side, by the format; the file to download is a PNG
ELEMENT = "photo-viewer"


def element() -> str:
    """Return the template of the viewer, for the head of the page."""
    return labs.template(ELEMENT, "widgets/photo_viewer.html")


def wipe(done: Cleaned, link: Mapping[str, str], *, full: bool = False) -> str:
    """Render both images for the viewer.

    Parameters
    ----------
    done : Cleaned
    link : mapping
        The setting of a permalink that names the image; empty for an upload.
    full : bool
        Also write both images at full size, if that is larger, for the viewer to load.
    """
    height, width = done.before.shape[:2]
    pair, side = (done.before, done.after), max(height, width)
    full = full and LARGEST_SIDE < side <= LARGEST_WEBP
    return templates.render(
        "widgets/before_after.html",
        done=done,
        result=secrets.token_hex(8),
        height=height,
        width=width,
        before=_url(done.before),
        after=_url(done.after),
        full=[_file(one) for one in pair] if full else None,
        link=json.dumps(dict(link)),
        lacks="" if link else "your image",
    )


def waiting(image: np.ndarray) -> str:
    """Render the image that waits to be denoised, (H, W) or (H, W, 3) uint8."""
    return (
        f'<div class="{_small(image)}">'
        f'<img class="alone" src="{_url(image)}" alt="Image to denoise"></div>'
    )


def status(text: str, rest: str = "", bar: str = "") -> str:
    """Render the line above a result, its less important rest, and the progress bar beside it."""
    more = f" <span>{html.escape(rest)}</span>" if rest else ""
    lead = f"<strong>{html.escape(text)}</strong>"
    return f'<div class="status"><p role="status">{lead}{more}</p>{bar}</div>'


def busy(text: str, share: float, seconds: float, others: int = 0) -> str:
    """Render the line above a pending result: finished fraction, 0 to 1, and elapsed seconds.

    `others` is the number of other photographs that wait or run.
    """
    finished = f"{share * 100:.0f} %, " if share else ""
    if others:
        text += f" ({others} other {'photographs' if others > 1 else 'photograph'} in work)"
    bar = (
        '<progress aria-label="Finished" '
        f'value="{share:.3f}"></progress><span>{finished}{seconds:.0f} s</span>'
    )
    return status(f"{text}…", bar=bar)


def _small(image: np.ndarray) -> str:
    return "small" if max(image.shape[:2]) <= 128 else ""


def duration(ms: float) -> str:
    """Format a time for a sentence."""
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _url(pixels: np.ndarray) -> str:
    """Encode an image of at most `LARGEST_SIDE` pixels a side in a `data:` URL."""
    image = Image.fromarray(pixels)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    return "data:image/webp;base64," + base64.b64encode(_encoded(image)).decode()


def _file(pixels: np.ndarray) -> str:
    """Write an image in a file that nobody can guess; return its address relative to the page."""
    folder = uploads.folder() / "shown"
    folder.mkdir(exist_ok=True)
    path: Path = folder / f"{secrets.token_hex(16)}.webp"
    path.write_bytes(_encoded(Image.fromarray(pixels)))
    return f"gradio_api/file={path.as_posix()}"


def _encoded(image: Image.Image) -> bytes:
    """Encode an image as lossless WebP; this takes a third of the time of PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "webp", lossless=True, quality=0, method=0)
    return buffer.getvalue()
