"""Pages for readers (README.md and docs/), and their generated parts, each between two marks."""

from __future__ import annotations

import os
from pathlib import Path

from bench.paths import ROOT
from denoise.files.atomic import whole_file

README = ROOT / "README.md"
ANSWER = ROOT / "docs" / "answer.md"
PHOTOGRAPHS = ROOT / "docs" / "photographs.md"
SPEED = ROOT / "docs" / "speed.md"
FIGURES = ROOT / "docs" / "figures"

OF_MARK = {"answer": ANSWER, "answer for photographs": PHOTOGRAPHS}
"""Page of each backbone's part, by the mark of the backbone (`bench.sweep.backbones`)."""


def marks(part: str) -> tuple[str, str]:
    """Return the lines that begin and end a part."""
    return (
        f"<!-- {part}: made by `python -m bench report`, do not edit -->",
        f"<!-- end of {part} -->",
    )


def with_part(text: str, part: str, made: str) -> str:
    """Return the `text` of a page with new content between the two marks of a part.

    Raises
    ------
    ValueError
        The marks are missing.
    """
    begin, end = marks(part)
    if begin not in text or end not in text:
        raise ValueError(f"the page has no place for the part {part!r}: {begin} ... {end}")
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{made.strip()}\n\n{end}{rest.partition(end)[2]}"


def part_of(page: Path, part: str) -> str:
    """Return the content of a part as the page has it."""
    begin, end = marks(part)
    return page.read_text().partition(begin)[2].partition(end)[0].strip()


def update(page: Path, part: str, made: str) -> None:
    """Write new content into a part of a page, atomically."""
    text = with_part(page.read_text(), part, made)
    with whole_file(page) as partial:
        partial.write_text(text)


def link(page: Path, target: Path) -> str:
    """Return the relative address of a file for a link on a page."""
    return Path(os.path.relpath(target, page.parent)).as_posix()


def image(page: Path, target: Path, text: str) -> str:
    """Return the Markdown that shows an image file on a page."""
    return f"![{text}]({link(page, target)})"
