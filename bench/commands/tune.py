"""`python -m bench tune`: the best strength of each classical method, on validation digits."""

from __future__ import annotations

import argparse

from bench import report, tune


def main(given: argparse.Namespace) -> None:
    print(tune.tune(given.data_root, report.RESULTS / "tuning.csv").round(2))
