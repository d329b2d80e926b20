"""The first view of the page: the committed first result, which needs neither network nor Gradio.

The module imports the standard library only, so that it is ready before Gradio and PyTorch are.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

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
BOARD = "board"
"""Name of the component with the comparison, which the first view shows."""
DRAWS = "draws"
"""Name of the component with the draws of the noise."""


@functools.cache
def view(status: str) -> str:
    """Return the HTML of the first view, with a line for `status`."""
    committed = _committed()
    return (
        f'<main id="opening">{committed["introduction"]}<p role="status">{status}</p>'
        f'<div id="opened" class="html-container" data-output="{BOARD}">'
        f"{committed['outputs'][BOARD]}</div></main>"
    )


def results() -> tuple[str, str]:
    """Return the comparison and the draws that the page opens with, as HTML."""
    outputs = _committed()["outputs"]
    return outputs[BOARD], outputs[DRAWS]


@functools.cache
def _committed() -> dict[str, Any]:
    committed: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return committed


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
