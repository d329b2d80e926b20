"""Small arrays as HTML: a table of numbers on shades of gray, or an image with large pixels."""

from __future__ import annotations

import html
from collections.abc import Set

import numpy as np
from torch import Tensor

from demo.compute.images import data_url

MANY = 8  # with more columns, the cells are smaller


def numbers(values: Tensor, caption: str, marked: Set[tuple[int, int]] = frozenset()) -> str:
    """Render (H, W) as a table; a larger number has a brighter cell."""
    largest = max(float(values.max()), 1e-9)
    rows = []
    for i, row in enumerate(values.tolist()):
        cells = []
        for j, value in enumerate(row):
            shade = round(255 * min(1, max(0, value / largest)))
            ink = "#000" if shade > 117 else "#fff"  # contrast above 4.5:1 on every shade
            of_mark = ' class="marked"' if (i, j) in marked else ""
            cells.append(
                f"<td{of_mark} "
                f'style="background:rgb({shade},{shade},{shade});color:{ink}">{value:.3g}</td>'
            )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    of_size = ' class="many"' if values.shape[1] > MANY else ""
    return _figure(f"<table{of_size}><tbody>{''.join(rows)}</tbody></table>", caption)


def image(values: Tensor | np.ndarray, caption: str, side: int = 160) -> str:
    """Render (H, W) as an image: an array of uint8 unchanged, a tensor scaled as in `_gray`."""
    pixels = values if isinstance(values, np.ndarray) else _gray(values)
    element = (
        f'<img src="{data_url(pixels)}" alt="{html.escape(caption, quote=True)}" width="{side}">'
    )
    return _figure(element, caption)


def channels(values: Tensor, caption: str) -> str:
    """Render (C, h, w) as small images side by side."""
    images = "".join(
        f'<img src="{data_url(_gray(channel))}" alt="Channel {number}" width="44">'
        for number, channel in enumerate(values, 1)
    )
    return _figure(f'<div class="channels">{images}</div>', caption)


def row(*parts: str) -> str:
    """Join figures in a row, with an arrow in place of each part that is ARROW."""
    return f'<div class="lesson">{"".join(parts)}</div>'


ARROW = '<span class="arrow" aria-hidden="true">→</span>'


def _gray(values: Tensor) -> np.ndarray:
    """Map values to gray: black is 0, or the minimum if it is negative; white is the maximum."""
    low, high = min(0.0, float(values.min())), float(values.max())
    unit = (values - low) / (high - low) if high > low else values * 0
    return (unit * 255).round().byte().numpy()


def _figure(content: str, caption: str) -> str:
    return f"<figure>{content}<figcaption>{html.escape(caption)}</figcaption></figure>"
