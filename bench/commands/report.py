"""`python -m bench report`: every table and figure for readers, made from the results and from nothing else."""

from __future__ import annotations

import argparse

from bench import publish, report, shipped, speed_tables
from bench.collected import Results


def main(given: argparse.Namespace) -> None:
    report.update()
    shipped.update()
    speed_tables.update()
    for path in publish.write(Results.read(given.results), given.data_root):
        print(path)
