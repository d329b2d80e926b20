"""The strength of each classical method, searched on validation digits so that the table shows it at its best."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from bench.quality import Corruption, noisy_batches
from bench.table import LEVELS
from denoise import datasets
from denoise.classical import DENOISERS
from denoise.files import whole_file
from denoise.metrics import psnr

STRENGTHS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
METHODS = ("nlm", "tv", "wavelet")


def tune(root: Path | None, target: Path, pictures: int = 100) -> pd.DataFrame:
    """PSNR of each method and strength on validation digits, clipped noise, at every level of the protocol.

    Writes the rows to `target` (CSV) and returns the mean over the levels: methods down, strengths across.
    """
    held_out = datasets.load("mnist", "val", root).spread(pictures)
    rows = []
    with tqdm(total=len(METHODS) * len(STRENGTHS) * len(LEVELS), unit=" cells", disable=None) as bar:
        for sigma in LEVELS:
            batches = list(noisy_batches(held_out, Corruption("gaussian", sigma, clip=True)))
            for method in METHODS:
                for strength in STRENGTHS:
                    denoise = DENOISERS[method].build(held_out, strength=strength)
                    scores = [psnr(denoise(y, sigma).clamp(0, 1), x, data_range=1.0) for x, _, y in batches]
                    value = torch.cat(scores).mean().item()
                    rows.append({"method": method, "strength": strength, "sigma": sigma, "psnr_db": value})
                    bar.update()
    frame = pd.DataFrame(rows)
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.4f")
    return mean_over_levels(frame)


def mean_over_levels(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean PSNR of each method (rows) and strength (columns)."""
    return frame.pivot_table(index="method", columns="strength", values="psnr_db")
