"""`python -m bench int8`: the change in scores of shipped networks in 8-bit integers."""

from __future__ import annotations

import argparse

import pandas as pd

from bench import provenance
from bench.report import speed_texts
from bench.schema import INT8
from bench.scoring import int8
from denoise.files.atomic import whole_file


def main(given: argparse.Namespace) -> None:
    """Score the shipped networks in float32 and in int8; write int8.csv."""
    found = [row for name in int8.NETWORKS for row in int8.rows(name, given.data_root)]
    frame = (
        pd.DataFrame(found)
        .assign(**provenance.describe(), command=given.command)
        .reindex(columns=list(INT8))
    )
    target = given.out / "int8.csv"
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")
    print(speed_texts.int8(frame))
    print("written:", target)
