"""`python -m bench report`: every table and figure for readers, made from the results alone."""

from __future__ import annotations

import argparse

from bench import paths
from bench.report import benchmark_table, build, photographs, speed_figure, speed_tables
from bench.report.results import Results


def main(given: argparse.Namespace) -> None:
    """Write every table and figure, and print the path of each."""
    paths.checkout("bench report")
    benchmark_table.update()
    photographs.update()
    for run in speed_tables.RUNS:
        speed_figure.write(run)
    speed_tables.update()
    for path in build.write(Results.read(given.results), given.data_root):
        print(path)
