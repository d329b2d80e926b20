"""`python -m bench report`: every table and figure for readers, made from the results and from nothing else."""

from __future__ import annotations

import argparse

from bench import publish, report, shipped, speed_figure, speed_tables
from bench.collected import Results


def main(given: argparse.Namespace) -> None:
    report.update()
    shipped.update()
    for run in speed_tables.RUNS:
        speed_figure.write(run)
    speed_tables.update()
    for path in publish.write(Results.read(given.results), given.data_root):
        print(path)
