"""Report in Markdown, HTML and LaTeX: sentences, figures, tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from bench.report.tables import Table
from bench.tables_io.markdown import piped

TEMPLATES = Path(__file__).parent / "templates"
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
    headline : str
        The answer in one sentence.
    opening : str
        A paragraph.
    answer : Table
        Table of the project's question.
    sections : dict
        Results in sentences, by heading.
    figures : list of Picture
    tables : list of Table
    """

    title: str
    headline: str
    opening: str
    answer: Table
    sections: dict[str, list[str]]
    figures: list[Picture]
    tables: list[Table]


def markdown(report: Report) -> str:
    """Render a report in Markdown."""
    parts = [f"# {report.title}", f"**{report.headline}**", report.opening]
    parts += [report.answer.note, pipes(report.answer.cells)]
    parts += [f"## {heading}\n\n{bullets(lines)}" for heading, lines in report.sections.items()]
    parts += [
        "## Figures",
        *(f"![{one.name}]({one.path.as_posix()})\n\n{one.caption}" for one in report.figures),
    ]
    parts += [
        f"## {table.title}\n\n{table.note}\n\n{pipes(table.cells)}" for table in report.tables
    ]
    return "\n\n".join(parts) + "\n"


def page(report: Report) -> str:
    """Render a report as HTML that needs no file but the figures, in light or dark mode.

    Tables scroll on a phone.
    """
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    templates.filters |= {"anchor": _anchor, "cells": _cells}
    headings = [*report.sections, "Figures", *(table.title for table in report.tables)]
    return templates.get_template("report.html").render(report=report, headings=headings)


def _cells(table: Table) -> Markup:
    return Markup(table.cells.to_html(index=False, border=0, na_rep=""))  # escaped by pandas


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def latex(table: Table) -> str:
    """Render a table in LaTeX, with its title and note as the caption."""
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
    """Render a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def pipes(cells: pd.DataFrame) -> str:
    """Render a Markdown table."""
    return piped(cells, scores=True)
