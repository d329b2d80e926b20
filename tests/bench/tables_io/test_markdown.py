"""Markdown tables of any text, and the same tables in LaTeX and HTML."""

import re

import pandas as pd
import pytest

from bench.report import render
from bench.report.tables import Table
from bench.tables_io.markdown import piped, plain

NAMES = [
    "a|b",
    "a\\|b",
    "a\\",
    "||",
    "a\nb",
    "a\r\nb",
    "`a`|`",
    "my_net",
    "_a_",
    "*a*",
    "[a](b)",
    "<b>a</b>",
    "a~b",
]


def cells_of(line):
    """Split a row into cells as GitHub does: a bar after a backslash does not separate cells."""
    return re.findall(r"(?:\\.|[^|\\])+(?=\|)", line)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_breaks_no_table_and_is_shown_as_it_is(name):
    frame = pd.DataFrame({"Method": [name, "other"], "PSNR": ["1.00", "2.00"]})
    lines = piped(frame, scores=True).splitlines()
    assert len(lines) == 4
    assert [len(cells_of(line)) for line in lines] == [2] * 4
    row = cells_of(lines[2])
    assert row[1].strip() == "1.00"
    assert re.sub(r"\\([\\`*_\[\]<>|~])", r"\1", row[0].strip()) == " ".join(name.split())


def test_an_ordinary_name_needs_no_marks():
    assert plain("my_net (mnist, told sigma) 3x3") == "my_net (mnist, told sigma) 3x3"


def test_a_bar_in_a_heading_or_any_cell_is_escaped_once():
    frame = pd.DataFrame({"a|b": ["`c|d`"], "e": ["f\\|g"]})
    head, _, row = piped(frame).splitlines()
    assert [cell.strip() for cell in cells_of(head)] == ["a\\|b", "e"]
    assert [cell.strip() for cell in cells_of(row)] == ["`c\\|d`", "f\\|g"]


def test_numbers_and_empty_cells_are_not_changed():
    frame = pd.DataFrame(
        {"Method": ["a", "b"], "n": pd.array([1, None], "Int64"), "x": [0.5, float("nan")]}
    )
    assert piped(frame, scores=True) == frame.to_markdown(
        index=False, disable_numparse=True, colalign=["left", "right", "right"]
    )


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("a|b", r"a\textbar{}b"),
        ("50% & $x_1$ #2", r"50\% \& \$x\_1\$ \#2"),
        ("{a}~^\\", r"\{a\}\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("a\nb", "a b"),
        ("1 ± 2 <3>", r"1 $\pm$ 2 \textless{}3\textgreater{}"),
    ],
)
def test_latex_shows_a_name_as_it_is(name, latex):
    text = render.latex(Table("Title", "Note", pd.DataFrame({"Method": [name], "x": ["1"]})))
    assert f"\n{latex} & 1 \\\\\n" in text


def test_html_shows_a_name_as_it_is():
    text = render._cells(Table("Title", "Note", pd.DataFrame({"Method": ["<b>a|b</b>"]})))
    assert "&lt;b&gt;a|b&lt;/b&gt;" in text
