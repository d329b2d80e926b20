"""Search for the best strength of each classical method on images outside the test sets.

Tables show each method at its best strength.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from bench.scoring.benchmark import LEVELS
from bench.scoring.quality import Corruption, clean_up, noisy_batches
from denoise import blind, datasets
from denoise.classical import DENOISERS
from denoise.datasets.camera import SIGMA, noisy_jpegs
from denoise.files.atomic import whole_file
from denoise.metrics import psnr
from denoise.registry import Entry

STRENGTHS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
METHODS = ("nlm", "tv", "wavelet")
BLIND_STRENGTHS = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0)


def tune(root: Path | None, target: Path, pictures: int = 100) -> pd.DataFrame:
    """Search strengths on validation digits with clipped noise, at every level of the protocol.

    Write the PSNR of each method, strength and level to `target` (CSV). Return the mean over the
    levels: one row per method, one column per strength.
    """
    held_out = datasets.load("mnist", "val", root).spread(pictures)
    levels = {sigma: Corruption("gaussian", sigma, clip=True) for sigma in LEVELS}
    return _search([DENOISERS[name] for name in METHODS], STRENGTHS, held_out, levels, target)


def tune_blind(root: Path | None, target: Path, pictures: int = 24) -> pd.DataFrame:
    """Search strengths of the blind methods on noisy JPEG files of training photographs.

    Write the rows to `target` (CSV). Return the scores: one row per method, one column per
    strength.
    """
    pairs = noisy_jpegs(datasets.load("bsds500", "train", root).spread(pictures), "bsds500_jpeg")
    levels = {SIGMA: Corruption("gaussian", 0.0, clip=True)}
    return _search(
        [blind.BLIND[name] for name in blind.STRENGTHS], BLIND_STRENGTHS, pairs, levels, target
    )


def _search(
    methods: list[Entry],
    strengths: Iterable[float],
    pictures: datasets.Pictures,
    levels: dict[float, Corruption],
    target: Path,
) -> pd.DataFrame:
    cells = [(method, strength) for method in methods for strength in strengths]
    rows = []
    with tqdm(total=len(cells) * len(levels), unit=" cells", disable=None) as bar:
        for sigma, corruption in levels.items():
            batches = list(noisy_batches(pictures, corruption))
            for method, strength in cells:
                denoise = method.build(pictures, strength=strength)
                scores = [
                    psnr(clean_up(denoise, y, corruption.sigma), x, data_range=1.0)
                    for x, _, y in batches
                ]
                value = torch.cat(scores).mean().item()
                rows.append(
                    {"method": method.name, "strength": strength, "sigma": sigma, "psnr_db": value}
                )
                bar.update()
    frame = pd.DataFrame(rows)
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.4f")
    return mean_over_levels(frame)


def mean_over_levels(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the mean PSNR of each method (rows) and strength (columns)."""
    return frame.pivot_table(index="method", columns="strength", values="psnr_db")
