"""The first view of the page: the committed first result, which needs neither network nor Gradio.

The module imports the standard library only, so that it is ready before Gradio and PyTorch are.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

FOLDER = Path(__file__).parents[1]
COMMITTED = FOLDER / "opening" / "first_result.json"
STYLES = (
    "opening/opening.css",
    "widgets/introduction.css",
    "widgets/comparison.css",
    "widgets/before_after.css",
)
SCRIPTS = ("widgets/before_after.js", "widgets/comparison.js")
"""Scripts that the first result needs; the whole page has them as well."""


@functools.cache
def view(status: str) -> str:
    """Return the HTML of the first view, with a line for `status`.

    Each output lies in an element that names its component (`data-output`).
    """
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    outputs = "".join(
        f'<div class="html-container" data-output="{name}">{html}</div>'
        for name, html in committed["outputs"].items()
    )
    return (
        f'<main id="opening">{committed["introduction"]}<p role="status">{status}</p>'
        f'<div id="opened">{outputs}</div></main>'
    )


def style() -> str:
    """Return the styles of the first view."""
    return "".join(map(_read, STYLES))


def handover() -> str:
    """Return the script that passes the first view on to Gradio, for the end of the body."""
    return _read("opening/handover.js")


@functools.cache
def document() -> str:
    """Return the first view as a document of its own, which reloads once the page is ready."""
    scripts = "".join(f"<script>\n{_read(name)}</script>" for name in SCRIPTS)
    return (
        _read("opening/early.html")
        .replace("{style}", style())
        .replace("{view}", view("The page starts: its controls come in a few seconds."))
        .replace("{scripts}", scripts)
    )


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
