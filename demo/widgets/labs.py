"""Custom elements that compute in the browser: labs, the strip of draws, the film."""

from __future__ import annotations

import functools
import html
import json
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from demo.widgets.permalink import choice, number
from demo.widgets.templates import read

LABS = ("decoder-lab", "pooling-lab")
ELEMENTS = (*LABS, "draw-strip", "training-film")
PREFIX = "lab-"  # of the names of a lab's controls in a link
NUMBERS = {"decoder-lab": "weights", "pooling-lab": "pool"}
"""Name in a link of the numbers that a visitor edits or shuffles in a lab."""
MANY = 5 * 5 + 3 * 3  # numbers in a link
LARGEST = 1_000  # of them
SCRIPTS = (
    "widgets/layers.js",
    "widgets/lab.js",
    *(f"widgets/{name.replace('-', '_')}.js" for name in ELEMENTS),
)


def templates() -> str:
    """Return the templates that the elements copy into their shadow DOM.

    Scripts that do not run, because Gradio drops the content of `template` elements.
    """
    names = {"lab": "widgets/lab.html"}
    names |= {name: f"widgets/{name.replace('-', '_')}.html" for name in ELEMENTS}
    return "".join(template(name, file) for name, file in names.items())


def template(name: str, file: str) -> str:
    """Return one template, a file below `demo/`, with the name of its element as id."""
    return f'<script type="text/html" id="{name}">\n{read(file)}</script>\n'


def element(name: str, **data: object) -> str:
    """Return the HTML of a lab; each value of `data` becomes a data attribute, as JSON."""
    attributes = "".join(
        f' data-{key}="{html.escape(json.dumps(value), quote=True)}"' for key, value in data.items()
    )
    return f"<{name}{attributes}></{name}>"


@functools.cache
def settings(name: str) -> dict[str, Callable[[str], Any]]:
    """Return the parsers of a lab's settings in a link: its template lists the valid values."""
    controls = _Controls()
    controls.feed(read(f"widgets/{name.replace('-', '_')}.html"))
    parsers = {
        PREFIX + control: functools.partial(choice, valid)
        for control, valid in controls.valid.items()
    }
    return {**parsers, NUMBERS[name]: _numbers}


class _Controls(HTMLParser):
    """The valid values of each named control of a template, as texts."""

    def __init__(self) -> None:
        super().__init__()
        self.valid: dict[str, list[str]] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the values of a range, or an option of the last select."""
        given = {key: value or "" for key, value in attrs}
        if tag == "select":
            self._select = given["name"]
            self.valid[self._select] = []
        elif tag == "option":
            self.valid[self._select].append(given["value"])
        elif tag == "input" and given.get("type") == "range":
            least, most = int(given["min"]), int(given["max"])
            self.valid[given["name"]] = [str(value) for value in range(least, most + 1)]


def _numbers(text: str) -> list[float]:
    """Parse numbers that underscores join."""
    parts = text.split("_")
    if len(parts) > MANY:
        raise ValueError(f"there are more than {MANY} numbers")
    found = [number(part) for part in parts]
    if not all(abs(value) <= LARGEST for value in found):  # NaN is refused as well
        raise ValueError(f"a number is not in -{LARGEST} to {LARGEST}")
    return found
