"""Files beside the modules: HTML and Markdown templates of Jinja, CSS, JavaScript, texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape

FOLDER = Path(__file__).parents[1]


def read(name: str) -> str:
    """Return the text of a file below `demo/`."""
    return (FOLDER / name).read_text(encoding="utf-8")


def render(name: str, /, **values: Any) -> str:
    """Render a template below `demo/`; HTML templates escape every value.

    Lines of an HTML template are joined without their indentation: between the elements of the
    output is no white space.
    """
    return _templates.get_template(name).render(values)


def _source(name: str) -> str:
    text = read(name)
    return "".join(map(str.strip, text.splitlines())) if name.endswith(".html") else text


_templates = Environment(
    loader=FunctionLoader(_source),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
