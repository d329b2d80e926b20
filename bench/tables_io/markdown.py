"""Markdown tables with arbitrary text in cells."""

from __future__ import annotations

import re

import pandas as pd

_BAR = re.compile(r"(?<!\\)((?:\\\\)*)\|")  # not escaped yet
_MARKS = re.compile(r"[\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)")


def piped(cells: pd.DataFrame, *, scores: bool = False) -> str:
    """Render a table; a bar or a line break in a cell or heading does not break it.

    Parameters
    ----------
    cells : pandas.DataFrame
    scores : bool
        If True, the first column holds arbitrary names and is escaped; every other column is
        right-aligned. If False, Markdown in cells stays Markdown.
    """
    shown = cells.map(_cell)
    if not scores:
        return shown.rename(columns=_cell).to_markdown(index=False, disable_numparse=True)
    first, *others = shown.columns
    shown[first] = [plain(value) if isinstance(value, str) else value for value in cells[first]]
    align = ["left"] + ["right"] * len(others)
    return shown.rename(columns=_cell).to_markdown(
        index=False, disable_numparse=True, colalign=align
    )


def plain(text: str) -> str:
    """Escape arbitrary text, so that Markdown shows it literally, on one line."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def _cell(value: object) -> object:
    return _BAR.sub(r"\1\\|", " ".join(value.splitlines())) if isinstance(value, str) else value
