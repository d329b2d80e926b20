"""`python -m bench tune`: best strength of each classical method on images outside the test sets.

The images are validation digits, or noisy JPEG files of training photographs.
"""

from __future__ import annotations

import argparse

from bench.report import benchmark_table
from bench.scoring import tune_classical


def main(given: argparse.Namespace) -> None:
    """Search the strengths, write tuning.csv, and print the PSNR of each strength."""
    search, folder = (
        (tune_classical.tune_blind, benchmark_table.CAMERA)
        if given.jpeg
        else (tune_classical.tune, benchmark_table.RESULTS)
    )
    print(search(given.data_root, folder / "tuning.csv").round(2))
