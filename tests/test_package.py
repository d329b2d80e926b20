"""The package: dependencies by use, console scripts, and the first words of docstrings."""

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

from denoise import cli

ROOT = Path(__file__).parents[1]
RIDDLES = {"What", "How", "Whether", "Where", "Who", "Which", "When", "Why", "Those", "That", "As"}


def project():
    """Return the project table of pyproject.toml, as far as these tests read it."""
    text = (ROOT / "pyproject.toml").read_text()
    lists = re.findall(r'^(\w+) = \[\n?((?:\s*"[^"]+",?\n?)*)\]', text, flags=re.MULTILINE)
    scripts = re.findall(r'^([\w-]+) = "([\w.]+):(\w+)"', text, flags=re.MULTILINE)
    return {name: re.findall(r'"([^"]+)"', body) for name, body in lists}, scripts


def test_requirements_are_what_the_package_and_its_two_main_uses_need():
    lists, _ = project()
    parts = [*lists["dependencies"], *lists["train"], *lists["bench"], *lists["demo"]]
    needed = {part for part in parts if not part.startswith("denoise-decoders")} | {"pytest>=8"}
    assert needed == set((ROOT / "requirements.txt").read_text().split())


def test_console_scripts_are_functions_of_the_package():
    _, scripts = project()
    assert {name for name, *_ in scripts} == {"denoise", "denoise-train", "denoise-bench"}
    assert all(callable(getattr(importlib.import_module(of), name)) for _, of, name in scripts)


@pytest.mark.parametrize(
    ("command", "words", "extra"),
    [("denoise.train", ["--dataset", "glyphs"], "train"), ("bench", ["levels"], "bench")],
)
def test_a_missing_extra_is_named_in_one_line(command, words, extra, monkeypatch, capsys):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", [command, *words])
    with pytest.raises(SystemExit) as left:
        importlib.import_module(f"{command}.__main__").command()
    error = capsys.readouterr().err
    assert left.value.code == 2
    assert error.count("\n") == 1
    assert f"pip install 'denoise-decoders[{extra}]'" in error


def docstrings(path):
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]
    return [text for node in nodes if (text := ast.get_docstring(node))]


@pytest.mark.parametrize("folder", ["denoise", "bench", "demo", "tests", "examples"])
def test_no_docstring_opens_with_a_riddle(folder):
    found = {
        f"{path.relative_to(ROOT)}: {text.splitlines()[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in docstrings(path)
        if re.match(r"\w*", text).group() in RIDDLES
    }
    assert not found
