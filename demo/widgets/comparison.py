"""The comparison as HTML: one figure per image, and the same results in a table.

Pixels stay exact and sharp.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping

from demo.compute import error_maps
from demo.compute.answers import Answer, decibels
from demo.compute.draws import SMALL
from demo.compute.images import data_url
from demo.widgets import templates
from denoise.metrics import SSIM_CONVENTION


def board(answers: list[Answer], settings: str, view: str, link: Mapping[str, str]) -> str:
    """Render one comparison: figures, table, the line `settings`.

    `link` has the settings of a permalink that name or hold the image; empty if none can.

    Raises
    ------
    ValueError
        The view is unknown.
    """
    images = error_maps.shown(view, answers)
    lines = [error_maps.EXPLAINED[view], settings]
    return templates.render(
        "widgets/comparison.html",
        answers=answers,
        urls=[data_url(image) for image in images],
        noisy=data_url(images[1]) if view == "wipe" else None,
        # up to this side, each pixel of an image is enlarged to a square
        large=max(answers[0].image.shape) > SMALL,
        view=view,
        settings=" ".join(filter(None, lines)),
        link=json.dumps(dict(link)),
        lacks="" if link else "the image",
        ssim_convention=SSIM_CONVENTION,
        decibels=decibels,
        gain=_gain,
        number=_number,
    )


def hint(text: str) -> str:
    """Render one line in place of a comparison."""
    return f'<p class="settings">{html.escape(text)}</p>'


def _gain(decibels: float) -> str:
    """Format a difference from the first decoder, with a minus sign."""
    text = f"{abs(decibels):.2f} dB"
    return text if float(f"{decibels:.2f}") == 0 else f"{'−' if decibels < 0 else '+'}{text}"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
