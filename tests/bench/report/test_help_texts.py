"""Help of every command in docs/help: current, complete, and the same on every machine."""

import re
import sys

import pytest

from bench.report import help_texts


@pytest.fixture(scope="module")
def made():
    return help_texts.texts()


def test_the_help_texts_are_current(made):
    held = {path: path.read_text() for path in help_texts.FOLDER.glob("*.txt")}
    assert held.keys() == made.keys()
    for path, text in made.items():
        if sys.version_info < (3, 13):
            assert held[path] == text, f"{path.name} is stale: make help"
        else:  # argparse lays its lines out in another way
            assert options(held[path]) == options(text), f"{path.name} is stale: make help"


def options(text):
    return set(re.findall(r"(?<!\S)--[a-z-]+", text))


def test_every_command_has_a_help_text(made):
    names = {path.stem for path in made}
    commands = (help_texts.ROOT / "bench" / "commands").glob("[!_]*.py")
    assert {f"bench-{path.stem}" for path in commands} - {"bench-table"} <= names
    assert {"denoise", "denoise.train", "demo.space-push"} <= names


def test_no_help_text_names_a_folder_of_this_machine(made):
    assert not [path for path, text in made.items() if str(help_texts.ROOT) in text]
