"""`python -m bench collect`: copy the results of a grid folder into the committed results."""

from __future__ import annotations

import argparse

from bench.sweep import collect, summary
from bench.sweep.recipe import Recipe
from denoise.files.atomic import whole_file


def main(given: argparse.Namespace) -> None:
    """Copy finished results into the committed folder, and write its summary and differences."""
    recipe = Recipe.read(given.out)
    methods = collect.collect(given.out, given.results, recipe)
    made, differences = summary.summarise(*collect.read(given.results))
    with whole_file(given.results / "summary.csv") as partial:
        made.to_csv(partial, index=False, float_format="%.6g")
    with whole_file(given.results / "differences.parquet") as partial:
        differences.to_parquet(partial, compression="zstd", index=False)
    print(f"{(~methods.missing).sum()} of {len(methods)} methods found; written: {given.results}")
