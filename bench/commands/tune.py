"""`python -m bench tune`: the best strength of each classical method, on validation digits or noisy JPEG files."""

from __future__ import annotations

import argparse

from bench import report, tune


def main(given: argparse.Namespace) -> None:
    search, folder = (tune.tune_blind, report.CAMERA) if given.jpeg else (tune.tune, report.RESULTS)
    print(search(given.data_root, folder / "tuning.csv").round(2))
