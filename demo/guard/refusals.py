"""Messages to visitors and callers: one short escaped line without a path of this machine."""

from __future__ import annotations

import html
import re
from typing import Any

import gradio as gr

LONGEST = 400  # characters of a message
PATH = re.compile(
    r"(?<![\w.:/\\])(?:[A-Za-z]:)?(?:[/\\][^/\\\s:'\"]+)+[/\\](?P<name>[^/\\\s:'\"]*)"
)
"""An absolute path of two or more parts; only its last part may be shown."""
LONGEST_SHOWN = 60  # characters of an invalid value in its message


def refusal(error: ValueError | str) -> gr.Error:
    """Make the error for a visitor: the text as one sentence, escaped for HTML."""
    text = _shown(str(error)).rstrip(".") or "the input cannot be used"
    return gr.Error(text[0].upper() + text[1:] + ".", print_exception=False)


def tell(text: str) -> None:
    """Show a visitor a message beside the page; shorten and escape it as `refusal` does."""
    gr.Info(_shown(text))


def _shown(text: str) -> str:
    """Return one escaped line of at most `LONGEST` characters without a path of this machine."""
    line = "".join(character if character.isprintable() else " " for character in text)
    line = PATH.sub(lambda path: path["name"], " ".join(line.split()))
    if len(line) > LONGEST:
        line = line[: LONGEST - 1] + "…"
    return html.escape(line, quote=False)


def shown(value: Any) -> str:
    """Return the `repr` of a value, shortened for a message."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
