"""The comparison as HTML: one figure per image, then the same results in a table.

Pixels stay exact and sharp.
"""

from __future__ import annotations

import html
from collections.abc import Mapping

import numpy as np

from demo.compute import error_maps
from demo.compute.answers import Answer, decibels
from demo.compute.images import data_url
from demo.compute.lead import SMALL, sentence
from demo.widgets import before_after
from denoise.metrics import SSIM_CONVENTION

NOTES = (
    "One image proves nothing: the project's table averages whole test sets. PSNR: data_range 1. "
    f"SSIM: {SSIM_CONVENTION}. Milliseconds: median of a few calls with this image alone, fused, in "
    "bfloat16 if the processor of the server has it. Images are exact (PNG) but clipped to [0, 1] "
    "for display; unclipped noise reaches the networks unclipped."
)

# Show 28x28 images at 5 (on a phone 3) screen pixels per pixel: at a fractional scale, squares
# would differ in size.
CSS = """
#board .html-container { padding: 0; }
.board { --side: 140px; display: grid; grid-template-columns: repeat(auto-fill, calc(var(--side) + 16px)); gap: 10px; }
.board.large { --side: 256px; }
.board figure { margin: 0; padding: 6px; border-radius: 8px; border: 2px solid var(--border-color-primary); }
.board figure.best { border-color: var(--body-text-color); }
.board img { width: var(--side); display: block; border-radius: 2px; background: #000; image-rendering: pixelated; }
.board.large img { image-rendering: auto; }
.board .enlarge { padding: 0; border: 0; background: none; display: block; cursor: zoom-in; }
.board figure { position: relative; }
.board .corner { position: absolute; top: 10px; right: 10px; width: 24px; height: 24px; padding: 0; border-radius: 4px;
  font-size: 15px; line-height: 24px; color: #222; background: rgb(255 255 255 / .85); cursor: zoom-in; }
.enlarged { border: 0; padding: 12px; border-radius: 8px; max-width: 100vw; max-height: 100vh; cursor: zoom-out;
  background: var(--body-background-fill); color: var(--body-text-color); }
.enlarged::backdrop { background: rgb(0 0 0 / .6); }
.enlarged img { image-rendering: pixelated; max-width: none; }
.enlarged p { margin: 6px 0 0; }
.board.large .name { min-height: 0; }
.board figcaption { padding-top: 6px; line-height: 1.35; font-variant-numeric: tabular-nums; }
.board .name { font-weight: 600; min-height: 2.7em; display: block; }
.board .psnr { font-size: 1.2em; white-space: nowrap; }
.board .badge { font-size: .75rem; padding: 1px 6px; border-radius: 9px; background: var(--body-text-color);
  color: var(--body-background-fill); vertical-align: 2px; }
.board .rest { display: block; color: var(--body-text-color-subdued); font-size: .9em; }
.board .dot, .scores .dot { width: 11px; height: 11px; border-radius: 50%; display: inline-block; margin-right: 5px; }
.verdict { margin: 10px 0 0; }
.verdict:empty { display: none; }
.scores { width: 100%; border-collapse: collapse; border: none !important; margin: 14px 0 0 !important;
  font-variant-numeric: tabular-nums; }
.scores tr { border: none !important; }
.scores th, .scores td { text-align: right !important; padding: 4px 8px !important; border: none !important;
  border-bottom: 1px solid var(--border-color-primary) !important; font-weight: 400; }
.scores th:first-child { text-align: left !important; }
.scores thead th, .scores tr.best th, .scores tr.best td { font-weight: 600; }
.settings { color: var(--body-text-color-subdued); margin: 10px 0 0; }
.settings.notes { font-size: .9em; margin-top: 4px; }
@media (max-width: 640px) {
  .board { --side: 84px; gap: 6px; }
  .board.large { --side: 150px; }
  .board .name { min-height: 4em; font-size: .85em; }
  .board .psnr { font-size: 1em; }
  .scores .parameters { display: none; }
}
"""


# A separate dialog stays open while the comparison is redrawn; integer zoom steps keep pixels
# square.
SCRIPT = (
    before_after.SCRIPT
    + """<script>
function enlarge(button) {
  const shown = button.closest("figure").querySelector("before-after, img"), picture = shown.cloneNode(true);
  const dialog = document.createElement("dialog"), caption = document.createElement("p");
  const first = shown.matches("img") ? shown : shown.querySelector("img");
  const fits = Math.min(innerWidth * 0.94 / first.naturalWidth, (innerHeight * 0.94 - 60) / first.naturalHeight);
  dialog.className = "enlarged";
  for (const image of picture.matches("img") ? [picture] : picture.querySelectorAll("img"))
    image.style.width = first.naturalWidth * (fits < 1 ? fits : Math.floor(fits)) + "px";
  caption.textContent = first.alt;
  dialog.append(picture, caption);
  dialog.ariaLabel = "Enlarged";
  dialog.onclick = () => dialog.close();
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
}
</script>"""
)


def board(answers: list[Answer], settings: str, view: str, links: Mapping[str, str]) -> str:
    """Render one comparison: figures, table, the line `settings`, and `links` (text to address).

    Raises
    ------
    ValueError
        The view is unknown.
    """
    # up to this side, each pixel of an image is enlarged to a square
    large = max(answers[0].picture.shape) > SMALL
    pictures = error_maps.shown(view, answers)
    figures = "".join(
        _figure(
            answer,
            picture,
            answers[1].picture if view == "wipe" and answer.ms is not None else None,
        )
        for answer, picture in zip(answers, pictures, strict=True)
    )
    lines = [error_maps.EXPLAINED[view], settings]
    (verdict,) = [sentence(answer.lead) for answer in answers if answer.lead] or [""]
    back = "".join(
        f' <a href="{html.escape(address)}">{html.escape(text)}</a>'
        for text, address in links.items()
    )
    return (
        f'<div class="board{" large" if large else ""}">{figures}</div>'
        f'<p class="verdict">{html.escape(verdict)}</p>{_table(answers)}'
        f'<p class="settings">{html.escape(" ".join(filter(None, lines)))}{back}</p>'
        f'<p class="settings notes">{html.escape(NOTES)}</p>'
    )


def hint(text: str) -> str:
    """Render one line in place of a comparison."""
    return f'<p class="settings">{html.escape(text)}</p>'


def _figure(answer: Answer, picture: np.ndarray, before: np.ndarray | None) -> str:
    label = html.escape(answer.label, quote=True)
    alt = label if answer.psnr is None else f"{label}, {decibels(answer.psnr)}"
    badge = ' <span class="badge">best</span>' if answer.best else ""
    score = (
        "" if answer.psnr is None else f'<span class="psnr">{decibels(answer.psnr)}</span>{badge}'
    )
    rest = (
        f'<span class="rest">SSIM {_number(answer.ssim, ".4f")}</span>'
        if answer.psnr is not None
        else ""
    )
    time = f'<span class="rest">{answer.ms:.1f} ms</span>' if answer.ms is not None else ""
    image = f'<img src="{data_url(picture)}" alt="{alt}">'
    click = 'type="button" title="Enlarge" onclick="enlarge(this)"'
    if before is None:
        shown = f'<button class="enlarge" {click}>{image}</button>'
    else:  # in a corner of the image: a drag on the image itself moves its line
        corner = f'<button class="corner" aria-label="Enlarge" {click}>⤢</button>'
        shown = before_after.pair(image, data_url(before), "plain") + corner
    return (
        f'<figure class="{"best" if answer.best else ""}">{shown}'
        f'<figcaption><span class="name">{_dot(answer)}{label}</span>{score}{rest}{time}</figcaption></figure>'
    )


def _table(answers: list[Answer]) -> str:
    names = ("Image", "PSNR (dB)", "SSIM", "ms", "Parameters")
    head = "".join(f'<th scope="col" class="{name.lower()}">{name}</th>' for name in names)
    rows = "".join(
        f'<tr class="{"best" if answer.best else ""}">'
        f'<th scope="row">{_dot(answer)}{html.escape(answer.label)}{" (best)" if answer.best else ""}</th>'
        f"<td>{decibels(answer.psnr).removesuffix(' dB')}</td><td>{_number(answer.ssim, '.4f')}</td>"
        f'<td>{_number(answer.ms, ".1f")}</td><td class="parameters">{_number(answer.parameters, ",")}</td></tr>'
        for answer in answers[1:]
    )
    return f'<table class="scores"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _dot(answer: Answer) -> str:
    return f'<span class="dot" style="background:{answer.colour}"></span>'


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
