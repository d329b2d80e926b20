"""Result files as data frames: text that looks like a number stays text."""

import re

import pytest

from bench.schema import FILES, METHODS
from bench.tables_io import frames

SCHEMAS = {name: schema for name, schema in FILES.items() if name.endswith(".csv")}


@pytest.mark.parametrize("file", SCHEMAS)
def test_every_column_of_hashes_or_versions_is_read_as_text(file):
    spoken = re.compile(r"SHA-256|[Hh]ash of|commit of|[Vv]ersion")
    columns = {name for name, text in SCHEMAS[file].items() if spoken.search(text)}
    assert columns <= set(frames.TYPES)


def test_a_commit_of_digits_alone_keeps_its_zeros(tmp_path):
    row = dict.fromkeys(METHODS, "") | {"method": "it", "dataset": "mnist", "arm": "nearest"}
    row |= {"commit": "0715958", "torch": "2.10", "protocol": "12e4567", "missing": "False"}
    row |= dict.fromkeys(set(frames.BOOLS) & set(METHODS), "False")
    row |= dict.fromkeys(set(frames.FILLED) & set(METHODS), "gaussian")
    path = tmp_path / "methods.csv"
    path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n")
    found = frames.read_csv(path, METHODS).iloc[0]
    assert (found.commit, found.torch, found.protocol) == ("0715958", "2.10", "12e4567")
