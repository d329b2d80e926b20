"""Before and after as HTML: two images on top of each other with a draggable dividing line."""

from __future__ import annotations

import base64
import html
import io

import numpy as np
from PIL import Image

from demo.compute.answers import decibels
from demo.compute.photographs import Cleaned

LARGEST_SIDE = 1024  # pixels of a displayed image; the file has the full size

# The images share one grid cell, so that they need no fixed size. Gradio marks a waiting component
# as pending at once.
CSS = """
#wipe .html-container { padding: 0; }
before-after { display: grid; position: relative; overflow: hidden; cursor: ew-resize; touch-action: pan-y;
  user-select: none; -webkit-user-select: none; -webkit-touch-callout: none; }
before-after img { grid-area: 1 / 1; -webkit-user-drag: none; }
before-after .before { clip-path: inset(0 calc(100% - var(--at, 50%)) 0 0); }
#wipe before-after { width: fit-content; margin: 0 auto; border-radius: 8px; }
#wipe before-after img, #wipe .alone { max-width: 100%; max-height: 70vh; display: block; }
#wipe .alone { margin: 0 auto; border-radius: 8px; }
#wipe .small img { image-rendering: pixelated; min-width: 280px; }
#status .html-container { padding: 0; }
#status .status { display: flex; align-items: center; gap: 12px; min-height: 1.5em; }
#status p { margin: 0; font-weight: 600; }
#status .pending { opacity: 1; }
#status:has(.pending) ~ #wipe p:only-child { visibility: hidden; }
#status .pending::before { content: "Working…"; font-weight: 600; position: absolute; }
#status .pending .status > * { visibility: hidden; }
#status .progress-text { transform: none; }
#status progress { flex: 1; min-width: 60px; height: 8px; appearance: none; border: 0; border-radius: 4px;
  overflow: hidden; background: var(--border-color-primary); }
#status progress::-webkit-progress-bar { background: var(--border-color-primary); }
#status progress::-webkit-progress-value { background: var(--link-text-color); }
#status progress::-moz-progress-bar { background: var(--link-text-color); }
#status span { font-variant-numeric: tabular-nums; min-width: 5.5em; text-align: right; }
"""

# A custom element: Gradio updates a page attribute by attribute, but leaves the line in the shadow
# DOM as it is. All lines of the page move as one, so a new output moves no line.
SCRIPT = """<script>
customElements.define("before-after", class BeforeAfter extends HTMLElement {
  static all = new Set();
  static at = 50;
  static move(at) {
    BeforeAfter.at = Math.min(100, Math.max(0, at));
    for (const one of BeforeAfter.all) one.draw();
  }
  constructor() {
    super();
    this.attachShadow({ mode: "open" }).innerHTML = `<style>
      .all { display: contents; }
      .line { position: absolute; top: 0; bottom: 0; left: var(--at); width: 44px; margin-left: -22px; outline: none; }
      .line::before { content: ""; position: absolute; top: 0; bottom: 0; left: 21px; width: 2px; background: #fff;
        box-shadow: 0 0 2px #000; }
      .line::after { content: "↔"; position: absolute; left: 9px; top: calc(50% - 13px); width: 26px; height: 26px;
        font: 18px/26px sans-serif; text-align: center; color: #222; background: #fff; border-radius: 50%;
        box-shadow: 0 0 3px #000; }
      :host(.plain) .line::after { left: 15px; top: calc(50% - 7px); width: 14px; height: 14px; content: ""; }
      .line:focus-visible::after { box-shadow: 0 0 0 3px #1d4ed8, 0 0 0 5px #fff; }
    </style><div class="all"><slot></slot><div class="line" role="slider" tabindex="0"
      aria-label="Dividing line between noisy input and output" aria-valuemin="0" aria-valuemax="100"></div></div>`;
    this.inside = this.shadowRoot.querySelector(".all");
    this.handle = this.shadowRoot.querySelector(".line");
    this.handle.addEventListener("keydown", (event) => this.press(event));
    this.addEventListener("pointerdown", (event) => this.grasp(event));
    for (const name of ["pointermove", "pointerup"])
      this.addEventListener(name, (event) => { if (this.hasPointerCapture(event.pointerId)) this.drag(event); });
    for (const name of ["mousedown", "dragstart"])  // no selection, no image to drag, and the line keeps the focus
      this.addEventListener(name, (event) => event.preventDefault());
    this.addEventListener("click", (event) => event.stopPropagation());
  }
  connectedCallback() {
    BeforeAfter.all.add(this);
    this.draw();
  }
  disconnectedCallback() { BeforeAfter.all.delete(this); }
  draw() {
    this.inside.style.setProperty("--at", `${BeforeAfter.at}%`);
    this.handle.setAttribute("aria-valuenow", Math.round(BeforeAfter.at));
    this.handle.setAttribute("aria-valuetext", `${Math.round(BeforeAfter.at)} %`);
  }
  grasp(event) {
    if (event.button) return;
    this.setPointerCapture(event.pointerId);
    this.handle.focus({ preventScroll: true });
    if (event.pointerType !== "touch") this.drag(event);  // a finger may be about to scroll the page
  }
  drag(event) {
    const box = this.getBoundingClientRect();
    BeforeAfter.move((event.clientX - box.left) / box.width * 100);
  }
  press(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10,
      Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    BeforeAfter.move(Math.round(BeforeAfter.at) + steps[event.key]);
  }
});
</script>"""


def pair(after: str, before: str, look: str = "") -> str:
    """Return the element of an image with another image over its left part.

    `before` is that other image's address.
    """
    over = f'<img class="before" src="{before}" alt="" draggable="false">'
    return f'<before-after class="{look}">{after}{over}</before-after>'


def wipe(done: Cleaned) -> str:
    """Render both images and a table of their facts."""
    alt = f"Output of {html.escape(done.network)}; left of the line: noisy input"
    after = f'<img src="{_url(done.after)}" alt="{alt}" draggable="false">'
    shown = f'<div class="{_small(done.before)}">{pair(after, _url(done.before))}</div>'
    return f'{shown}{_table(done)}<p class="settings">{html.escape(_facts(done))}</p>'


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


def _table(done: Cleaned) -> str:
    if done.psnr is None:
        return ""
    similar = done.ssim or (None, None)
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td>{decibels(psnr).removesuffix(" dB")}</td>'
        f"<td>{'–' if ssim is None else format(ssim, '.4f')}</td></tr>"
        for name, psnr, ssim in zip(("Noisy input", "Output"), done.psnr, similar, strict=True)
    )
    head = '<th scope="col">Image</th><th scope="col">PSNR (dB)</th><th scope="col">SSIM</th>'
    return f'<table class="scores"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


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


def _url(picture: np.ndarray) -> str:
    """Encode an image as lossless WebP in a `data:` URL; this takes a third of the time of PNG."""
    image = Image.fromarray(picture)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "webp", lossless=True, quality=0, method=0)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
