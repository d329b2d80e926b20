"""How a cell's quality is measured: one noise for all methods, PSNR and SSIM of each picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.stats import mean_ci95
from denoise.datasets import Pictures
from denoise.metrics import psnr, ssim
from denoise.noise import PictureDraws, corrupt, picture_seeds

BATCH = 250  # pictures corrupted and cleaned at once; no score depends on it


@dataclass(frozen=True)
class Corruption:
    """What is done to the clean pictures: kind and level of the noise, clamped or not, which draw."""

    noise: str
    sigma: float
    clip: bool
    draw: int = 0


def noisy_batches(pictures: Pictures, corruption: Corruption) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (clean, noisy) batches, (N, C, H, W) float32, under the protocol's noise."""
    for clean, keys in pictures.batches(BATCH):
        seeds = picture_seeds(pictures.name, keys, corruption.noise, corruption.sigma, corruption.draw)
        draws = PictureDraws(seeds)
        yield clean, corrupt(clean, corruption.sigma, draws, noise=corruption.noise, clip=corruption.clip)


def score(
    denoisers: dict[str, Callable[[Tensor, float], Tensor]],
    pictures: Pictures,
    corruption: Corruption,
    advance: Callable[[int], object],
) -> dict[str, dict[str, float]]:
    """PSNR and SSIM of every denoiser on the same noisy pictures.

    Parameters
    ----------
    denoisers : dict
        (noisy, sigma) -> estimate, by name. Estimates are clamped to [0, 1] before they are scored.
    pictures : Pictures
    corruption : Corruption
    advance : callable
        Told the number of pictures done, after each denoiser and batch.

    Returns
    -------
    dict
        For each name: psnr_db, psnr_ci95_db, ssim, ssim_ci95.
    """
    scores: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in denoisers}
    for clean, noisy in noisy_batches(pictures, corruption):
        for name, denoise in denoisers.items():
            preds = denoise(noisy, corruption.sigma).clamp(0, 1)
            scores[name].append((psnr(preds, clean, data_range=1.0), ssim(preds, clean, data_range=1.0)))
            advance(len(clean))
    cells = {}
    for name, rows in scores.items():
        psnrs, ssims = (torch.cat(column).numpy().astype(np.float64) for column in zip(*rows, strict=True))
        (psnr_db, psnr_ci95_db), (ssim_mean, ssim_ci95) = mean_ci95(psnrs), mean_ci95(ssims)
        cells[name] = {"psnr_db": psnr_db, "psnr_ci95_db": psnr_ci95_db, "ssim": ssim_mean, "ssim_ci95": ssim_ci95}
    return cells
