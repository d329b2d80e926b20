"""`python -m bench trials`: add trainings to the table behind the choice of settings."""

from __future__ import annotations

import argparse

from bench.sweep import trials


def main(given: argparse.Namespace) -> None:
    """Add one row per card to photo-trials.csv, and print the table."""
    frame = trials.add(given.cards, given.out)
    scores = [name for name in frame if name.startswith("validation") and frame[name].notna().any()]
    print(
        frame[["dataset", "architecture", "optimiser", "lr", "images", *scores]].to_string(
            index=False, na_rep=""
        )
    )
    print("written:", given.out / trials.FILE)
