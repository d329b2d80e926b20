"""The answer in short, read from the report of the benchmark."""

from __future__ import annotations

import functools
import re

from demo.compute import scores


@functools.cache
def sentence() -> str:
    """Return the first paragraph of the report: the answer, in plain text on one line."""
    _, paragraph, *_ = scores.REPORT.read_text(encoding="utf-8").split("\n\n", 2)
    return " ".join(paragraph.replace("**", "").split())


def headline() -> str:
    """Return the first sentence of the answer."""
    return re.split(r"(?<=[.!?]) (?=[A-Z])", sentence())[0]
