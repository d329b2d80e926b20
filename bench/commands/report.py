"""`python -m bench report`: everything for readers, made from the results and from nothing else."""

from __future__ import annotations

import argparse

from bench import report


def main(given: argparse.Namespace) -> None:
    report.update_readmes(report.read(report.RESULTS / "table.csv"))
