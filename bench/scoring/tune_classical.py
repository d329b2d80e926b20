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

STRENGTHS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.4)
METHODS = ("nlm", "tv", "wavelet")
# validation images of each training set; a photograph has the pixels of 40 to 590 digits
IMAGES = {"mnist": 100, "notmnist": 100, "fashion_mnist": 100, "train400": 20, "bsds500": 8}
BLIND_STRENGTHS = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0)


def tune(root: Path | None, target: Path) -> pd.DataFrame:
    """Search strengths on validation images of every training set, at the levels of its tests.

    Noise is clipped on digits and letters, and unclipped on photographs, as in the tables. Write
    the PSNR of each training set, method, strength and level to `target` (CSV). Return the mean
    over the levels: one row per training set and method, one column per strength.
    """
    parts = []
    for name, count in IMAGES.items():
        held_out = datasets.load(name, "val", root).spread(count)
        of_set = datasets.DATASETS[name].facts.get("levels")
        levels = {
            sigma: Corruption("gaussian", sigma, clip=of_set is None) for sigma in of_set or LEVELS
        }
        methods = [DENOISERS[method] for method in METHODS]
        parts.append(_search(methods, STRENGTHS, held_out, levels))
    return _written(pd.concat(parts), target)


def tune_blind(root: Path | None, target: Path, pictures: int = 24) -> pd.DataFrame:
    """Search strengths of the blind methods on noisy JPEG files of training photographs.

    Write the rows to `target` (CSV). Return the scores: one row per method, one column per
    strength.
    """
    pairs = noisy_jpegs(datasets.load("bsds500", "train", root).spread(pictures), "bsds500_jpeg")
    levels = {SIGMA: Corruption("gaussian", 0.0, clip=True)}
    methods = [blind.BLIND[name] for name in blind.STRENGTHS]
    return _written(_search(methods, BLIND_STRENGTHS, pairs, levels), target)


def _search(
    methods: list[Entry],
    strengths: Iterable[float],
    pictures: datasets.Pictures,
    levels: dict[float, Corruption],
) -> pd.DataFrame:
    cells = [(method, strength) for method in methods for strength in strengths]
    rows = []
    count = len(cells) * len(levels)
    with tqdm(total=count, unit=" cells", desc=pictures.name, disable=None) as bar:
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
                    {"dataset": pictures.name, "method": method.name, "strength": strength}
                    | {"sigma": sigma, "psnr_db": value}
                )
                bar.update()
    return pd.DataFrame(rows)


def _written(frame: pd.DataFrame, target: Path) -> pd.DataFrame:
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.4f")
    return mean_over_levels(frame)


def mean_over_levels(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the mean PSNR of each training set and method (rows) and strength (columns)."""
    return frame.pivot_table(index=["dataset", "method"], columns="strength", values="psnr_db")
