"""Gradio's files of the first load: one style sheet for all components, scripts named beforehand.

Gradio's scripts load a style sheet per component, and name the next scripts only after they ran.
"""

from __future__ import annotations

import functools
import hashlib
import html
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

START = "/assets/components-"
ASSETS = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
LIST = re.compile(r"m\.f=\[([^\]]*)\]")  # of the files that the numbers below mean
COMPONENT = re.compile(
    r"[{,]\"?(?P<type>\w+)\"?:\{(?:[^{}]*,)?component:\(\)=>\w+\(\(\)=>import\([^)]*\)(?:\.then\([^)]*\))?,"
    r"__vite__mapDeps\(\[(?P<needs>[\d,]*)\]"
)


def types(config: dict[str, Any]) -> frozenset[str]:
    """Return the types of the components that the page draws first."""
    blocks = config["components"]
    return frozenset(
        block["type"] for block in blocks if block["props"].get("visible") is not False
    )


@functools.cache
def files(of: frozenset[str]) -> tuple[str, ...]:
    """Return the names of the scripts and style sheets of component types, without repeats.

    Return none of a type that Gradio's main script does not list in the known form.
    """
    return tuple(dict.fromkeys(_files(of)))


def _files(of: Collection[str]) -> Iterator[str]:
    for path in sorted(ASSETS.glob("core-*.js")):
        text = path.read_text(encoding="utf-8")
        listed = LIST.search(text)
        if listed is None:
            continue
        names = re.findall(r'"\./([^"]+)"', listed[1])
        for found in COMPONENT.finditer(text):
            if found["type"] in of:
                yield from (names[int(number)] for number in found["needs"].split(",") if number)


def bundle(of: frozenset[str]) -> str:
    """Return the style sheets of component types as one."""
    return "".join(ASSETS.joinpath(name).read_text(encoding="utf-8") for name in _styles(files(of)))


def tags(of: frozenset[str]) -> str:
    """Return the tags of the head: the bundle, its parts as present, and the scripts."""
    names = files(of)
    if not names:
        return ""
    # Gradio's loader skips a style sheet that has a link; no browser loads a disabled one.
    parts = "".join(
        f'<link rel="stylesheet" href="./assets/{html.escape(name)}" disabled>'
        for name in _styles(names)
    )
    scripts = "".join(
        f'<link rel="modulepreload" crossorigin href="./assets/{html.escape(name)}">'
        for name in names
        if name.endswith(".js")
    )
    return f'<link rel="stylesheet" href="./{address(of)}">{parts}{scripts}'


def address(of: frozenset[str]) -> str:
    """Return the address of the bundle, which names its content."""
    digest = hashlib.sha256(bundle(of).encode()).hexdigest()[:8]
    return f"{START[1:]}{digest}.css"


def _styles(names: Collection[str]) -> list[str]:
    # The document itself links the style sheet of the main script.
    return [name for name in names if name.endswith(".css") and not name.startswith("index-")]
