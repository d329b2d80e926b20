"""Report in Markdown, HTML and LaTeX: sentences, figures, tables."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.report.tables import Table
from bench.tables_io.markdown import piped

STYLE = """
:root { color-scheme: light dark; --line: #d8d8d8; --soft: #555; --paper: #fff; --ink: #1b1b1b; }
@media (prefers-color-scheme: dark) { :root { --line: #3d3d3d; --soft: #aaa; --paper: #161616; --ink: #e8e8e8; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem;
       background: var(--paper); color: var(--ink); }
h2 { margin-top: 2.5rem; } p, figcaption { max-width: 60rem; } figcaption, .note { color: var(--soft); }
nav ul { columns: 22rem; column-gap: 2.5rem; padding-left: 1.2rem; } a { color: inherit; }
figure { margin: 2rem 0; } img { max-width: 100%; height: auto; background: #fff; }
.wide { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 0; font-size: 13px; font-variant-numeric: tabular-nums; }
td, th { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
td:first-child, th:first-child { text-align: left; position: sticky; left: 0; background: var(--paper); }
@media (max-width: 40rem) { td:first-child, th:first-child { white-space: normal; min-width: 9rem; } }
"""


LATEX = {letter: f"\\{letter}" for letter in "&%#_{}$"} | {"±": r"$\pm$", "\\": r"\textbackslash{}"}
LATEX |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}"}
LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}"}
"""LaTeX escapes of special characters."""


@dataclass(frozen=True)
class Picture:
    """Figure, by its path relative to the report, with a short name and a caption."""

    path: Path
    name: str
    caption: str


@dataclass(frozen=True)
class Report:
    """Contents of a report, in order.

    Attributes
    ----------
    title : str
    opening : str
        A paragraph.
    answer : Table
        Table of the project's question.
    said : dict
        Results in sentences, by heading.
    pictures : list of Picture
    tables : list of Table
    """

    title: str
    opening: str
    answer: Table
    said: dict[str, list[str]]
    pictures: list[Picture]
    tables: list[Table]


def markdown(report: Report) -> str:
    parts = [f"# {report.title}", report.opening, report.answer.note, pipes(report.answer.cells)]
    parts += [f"## {heading}\n\n{bullets(sentences)}" for heading, sentences in report.said.items()]
    parts += [
        "## Figures",
        *(f"![{one.name}]({one.path.as_posix()})\n\n{one.caption}" for one in report.pictures),
    ]
    parts += [
        f"## {table.title}\n\n{table.note}\n\n{pipes(table.cells)}" for table in report.tables
    ]
    return "\n\n".join(parts) + "\n"


def page(report: Report) -> str:
    """Render HTML that needs no file but the figures, in the reader's light or dark mode.

    Tables scroll on a phone.
    """
    headings = [*report.said, "Figures", *(table.title for table in report.tables)]
    entries = "".join(
        f'<li><a href="#{_anchor(one)}">{html.escape(one)}</a></li>' for one in headings
    )
    parts = [
        f"<h1>{html.escape(report.title)}</h1>",
        f"<p>{html.escape(report.opening)}</p>",
        _table(report.answer),
    ]
    parts.append(f"<nav><h2>Contents</h2><ul>{entries}</ul></nav>")
    for heading, sentences in report.said.items():
        items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
        parts.append(f"{_heading(heading)}<ul>{items}</ul>")
    parts.append(_heading("Figures"))
    for one in report.pictures:
        path, name, caption = one.path.as_posix(), html.escape(one.name), html.escape(one.caption)
        image = f'<a href="{path}"><img src="{path}" alt="{name}" loading="lazy"></a>'
        parts.append(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")
    parts += [_heading(table.title) + _table(table) for table in report.tables]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(report.title)}</title><style>{STYLE}</style>"
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _table(table: Table) -> str:
    cells = table.cells.to_html(index=False, border=0, na_rep="")
    scrolled = (
        f'<div class="wide" role="region" aria-label="{html.escape(table.title)}" '
        f'tabindex="0">{cells}</div>'
    )
    return f'<p class="note">{html.escape(table.note)}</p>{scrolled}'


def _heading(text: str) -> str:
    return f'<h2 id="{_anchor(text)}">{html.escape(text)}</h2>'


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def latex(table: Table) -> str:
    cells = table.cells.astype(str).map(_escaped).rename(columns=_escaped)
    alignment = "l" + "r" * (cells.shape[1] - 1)
    return cells.to_latex(
        index=False,
        column_format=alignment,
        caption=_escaped(f"{table.title}. {table.note}"),
        escape=False,
    )


def _escaped(text: str) -> str:
    """Escape text for LaTeX."""
    return "".join(LATEX.get(letter, letter) for letter in " ".join(text.split()))


def bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def pipes(cells: pd.DataFrame) -> str:
    """Render a Markdown table."""
    return piped(cells, scores=True)
