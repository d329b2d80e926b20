"""Pages for readers: every link, anchor and file name leads somewhere; the README is short."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from bench.report import pages

try:
    import tomllib
except ImportError:  # Python 3.10
    tomllib = None

DOCS = sorted((pages.ROOT / "docs").glob("*.md"))
READ = [pages.README, *DOCS, *(pages.ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md"))]
FENCED = re.compile(r"^```.*?^```", re.M | re.S)
NAMED = re.compile(r"`((?:bench|demo|denoise|docs|examples|tests)/[\w./*-]+)`")


def name(page):
    return page.relative_to(pages.ROOT).as_posix()


def anchors(page):
    """Return the anchors that GitHub gives to the headings of a page."""
    text = FENCED.sub("", page.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", READ, ids=name)
def test_every_link_leads_to_a_file_and_to_a_heading(page):
    links = re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", page.read_text()))
    for link in links:
        address, _, anchor = unquote(link).partition("#")
        if address.startswith("http"):
            continue
        target = (page.parent / address).resolve() if address else page
        assert target.exists(), f"{link} leads to no file"
        if anchor:
            assert anchor in anchors(target), f"{link} leads to no heading"


@pytest.mark.parametrize("page", READ, ids=name)
def test_every_file_that_a_page_names_exists(page):
    for path in NAMED.findall(page.read_text()):
        assert list(pages.ROOT.glob(path.rstrip("/"))), f"{path} does not exist"


def test_every_test_that_the_security_page_names_exists():
    text = (pages.ROOT / "SECURITY.md").read_text()
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert named
    for file, test in named:
        found = [path.read_text() for path in (pages.ROOT / "tests").rglob(file)]
        assert any(f"def {test}(" in one for one in found), f"{file}::{test} does not exist"


def test_the_readme_leads_to_every_page():
    text = pages.README.read_text()
    assert not [page for page in DOCS if f"({name(page)})" not in text]


def test_the_readme_is_at_most_12_kb():
    assert len(pages.README.read_bytes()) <= 12_000


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_a_table_of_contents_has_every_section(page):
    text = FENCED.sub("", page.read_text())
    listed = re.findall(r"^- \[(.+)\]\(#", text, re.M)
    generated = r"<!-- ([^:]+): made by.*?<!-- end of \1 -->"
    headings = re.findall(r"^## (.+)$", re.sub(generated, "", text, flags=re.S), re.M)
    assert not listed or listed == headings


def test_the_drawing_has_the_rooms_of_the_import_contracts():
    if tomllib is None:
        pytest.skip("tomllib is part of Python 3.11")
    settings = tomllib.loads((pages.ROOT / "pyproject.toml").read_text())
    drawing = (pages.ROOT / "docs" / "architecture.md").read_text().partition("```mermaid")[2]
    for package in ("denoise", "bench", "demo"):
        contract = next(
            one
            for one in settings["tool"]["importlinter"]["contracts"]
            if one["name"].startswith(f"{package}:")
        )
        part = drawing.partition(f"subgraph {package}\n")[2].partition("end\n")[0]
        layers = [layer.replace(f"{package}.", "") for layer in contract["layers"]]
        assert re.findall(r'\["([^"]+)"\]', part) == layers


def test_a_part_is_written_between_its_marks_and_nothing_else_changes(tmp_path):
    begin, end = pages.marks("speed")
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{begin}\n\nold\n\n{end}\n\nafter\n")
    pages.update(page, "speed", "new\n")
    assert page.read_text() == f"before\n\n{begin}\n\nnew\n\n{end}\n\nafter\n"
    assert pages.part_of(page, "speed") == "new"


def test_a_link_is_relative_to_its_page():
    target = pages.FIGURES / "a.png"
    assert pages.image(pages.README, target, "A") == "![A](docs/figures/a.png)"
    assert pages.image(pages.ANSWER, target, "A") == "![A](figures/a.png)"
    assert pages.link(pages.SPEED, Path(pages.ROOT, "bench", "a.csv")) == "../bench/a.csv"
