"""`python -m bench verify`: random cells of the results, scored again.

The exit code is 1 if a score has drifted.
"""

from __future__ import annotations

import argparse
import logging

from tqdm import tqdm

from bench.sweep import collect, reproduce

log = logging.getLogger("bench")


def main(given: argparse.Namespace) -> int:
    """Score a sample of cells again; return 1 if a score has drifted, else 0."""
    methods, scores = collect.read(given.results)
    cells = reproduce.draw(scores, given.sample, given.seed)
    drifted = []
    for _, cell in tqdm(cells.iterrows(), total=len(cells), unit=" cells", disable=None):
        found = reproduce.again(cell, methods, scores, given.results, given.data_root)
        if found.is_drift:
            drifted.append(found)
            named = ", ".join(f"{name} {value}" for name, value in found.cell.items())
            log.error("drift of %s: %.3f dB, SSIM %.4f", named, found.psnr_db, found.ssim)
    print(f"{len(cells) - len(drifted)} of {len(cells)} cells reproduced (--seed {given.seed})")
    return 1 if drifted else 0
