"""Reproduction of committed scores: random cells are scored again from the committed weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench import provenance
from bench.scoring import quality
from bench.scoring.quality import Corruption
from bench.sweep import collect
from denoise import datasets
from denoise.classical import DENOISERS
from denoise.inference import packed

CELL = ["method", *collect.TEST]
"""Columns that identify a cell of the scores."""

PICTURES = 200  # scored again per cell, evenly spaced over the cell's images
# of one image: rounding in the files, and another order of summation on another machine
DRIFT_DB = 0.02
DRIFT_SSIM = 2e-3


@dataclass(frozen=True)
class Drift:
    """Largest differences between the committed and the new scores over the images of one cell."""

    cell: dict[str, object]
    psnr_db: float
    ssim: float

    @property
    def is_drift(self) -> bool:
        """True if a score moved by more than the tolerance, or is NaN on one side only."""
        return not (self.psnr_db <= DRIFT_DB and self.ssim <= DRIFT_SSIM)


def share(text: str, cells: int) -> int:
    """Convert "1%", "0.5%" or "12" to a number of cells, at least 1 and at most `cells`.

    Raises
    ------
    ValueError
        The text is neither a percentage nor an integer, or is not above 0.
    """
    try:
        wanted = float(text[:-1]) / 100 * cells if text.endswith("%") else int(text)
    except ValueError:
        raise ValueError(
            f"--sample is {text!r}; it must be a percentage (1%) or a number of cells (12)"
        ) from None
    if not 0 < wanted < float("inf"):
        raise ValueError(f"--sample is {text!r}; it must be above 0")
    return min(cells, max(1, round(wanted)))


def draw(scores: pd.DataFrame, sample: str, seed: int) -> pd.DataFrame:
    """Draw random cells of the scores, one per row."""
    cells = scores[CELL].drop_duplicates()
    return cells.sample(share(sample, len(cells)), random_state=seed)


def again(
    cell: pd.Series, methods: pd.DataFrame, scores: pd.DataFrame, folder: Path, root: Path | None
) -> Drift:
    """Score a cell again and compare with the committed scores.

    Raises
    ------
    ValueError
        The weights are missing or differ from the scored ones, or the protocol differs. Or the
        scores do not match the images of the dataset.
    """
    method = methods.set_index("method").loc[cell.method]
    if method.protocol != provenance.protocol_hash():
        raise ValueError(
            f"{folder}: {cell.method} was scored under protocol {method.protocol}; this code has "
            f"protocol {provenance.protocol_hash()}"
        )
    held = scores[(scores[CELL] == cell[CELL]).all(axis=1)].set_index("picture")
    if held.index.has_duplicates:
        raise ValueError(
            f"{folder}: {cell.method} has two scores of one {cell.dataset} image: "
            "a file mixes two runs"
        )
    pictures = datasets.load(cell.dataset, "test", root).spread(len(held)).spread(PICTURES)
    if strange := [key for key in pictures.keys if key not in held.index]:
        raise ValueError(
            f"{folder}: {cell.method} has no score of {cell.dataset} image {strange[0]}: "
            "the scores are truncated, or the dataset has other images"
        )
    estimate = _denoiser(method, cell, folder, root)
    corruption = Corruption(cell.noise, cell.sigma, cell.clipped, cell.draw)
    found = quality.score({cell.method: estimate}, pictures, corruption).set_index("picture")
    gaps = (found[["psnr_db", "ssim"]] - held.loc[found.index, ["psnr_db", "ssim"]]).abs()
    both_invalid = found.psnr_db.isna() & held.psnr_db.loc[found.index].isna()
    largest = np.asarray(gaps[~both_invalid].fillna(np.inf).max().fillna(0.0), float)
    return Drift(dict(cell), largest[0], largest[1])


def _denoiser(method: pd.Series, cell: pd.Series, folder: Path, root: Path | None):
    if pd.isna(method.seed):
        build = DENOISERS[method.arm].build
        return build(datasets.load(method.dataset, "train", root))
    denoiser = packed.denoiser(folder, cell.method, method.weights_sha256)
    return lambda noisy, sigma: denoiser.estimate(noisy)
