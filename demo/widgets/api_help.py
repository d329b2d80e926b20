"""API help for programs: runnable code with the address of the page."""

from __future__ import annotations

import re

from demo.widgets import templates

ADDRESS = "http://127.0.0.1:7860/"


def text(address: str = ADDRESS) -> str:
    """Return the API documentation in Markdown, for the page at that address."""
    if not re.fullmatch(r"https?://[\w.:/~-]+", str(address)):
        address = ADDRESS
    return templates.render("widgets/api_help.md", address=address)
