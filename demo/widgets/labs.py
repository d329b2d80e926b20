"""Custom elements that compute in the browser: labs, the strip of draws, the film."""

from __future__ import annotations

import html
import json

from demo.widgets.templates import read

LABS = ("decoder-lab", "pooling-lab")
ELEMENTS = (*LABS, "draw-strip", "training-film")
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
