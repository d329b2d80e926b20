"""Quality of one cell of the table: the same noise for all methods, PSNR and SSIM of each image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from bench.process_state import kept
from denoise.datasets import Pictures
from denoise.metrics import psnr, ssim
from denoise.noise import PictureDraws, corrupt, picture_seeds

BATCH = 250  # images at once, fewer if they are large; scores do not depend on it
BATCH_PIXELS = 2**22


@dataclass(frozen=True)
class Corruption:
    """Corruption of clean images: kind and level of the noise, clamped or not, and the draw."""

    noise: str
    sigma: float
    clip: bool
    draw: int = 0


def noisy_batches(
    pictures: Pictures, corruption: Corruption
) -> Iterator[tuple[Tensor, tuple[str, ...], Tensor]]:
    """Yield (clean, keys, noisy) batches, (N, C, H, W) float32, under the protocol's noise."""
    size = max(1, min(BATCH, BATCH_PIXELS // max(image[0].numel() for image in pictures)))
    for clean, given, keys in pictures.pairs(size):
        seeds = picture_seeds(
            pictures.name, keys, corruption.noise, corruption.sigma, corruption.draw
        )
        draws = PictureDraws(seeds)
        yield (
            clean,
            keys,
            corrupt(given, corruption.sigma, draws, noise=corruption.noise, clip=corruption.clip),
        )


def clean_up(denoise: Callable[[Tensor, float], Tensor], noisy: Tensor, sigma: float) -> Tensor:
    """Denoise a batch, and clamp each estimate to [0, 1]; set a non-finite estimate to NaN.

    Clamping alone would turn an infinite pixel into a valid one and hide a broken network. The
    denoiser gets a copy of the noisy images, so that in-place writes do not change the scores of
    another method.
    """
    with kept():
        estimate = denoise(noisy.clone(), sigma)
    finite = estimate.isfinite().flatten(1).all(1)
    return estimate.clamp(0, 1).where(finite[:, None, None, None], torch.nan)


def score(
    denoisers: dict[str, Callable[[Tensor, float], Tensor]],
    pictures: Pictures,
    corruption: Corruption,
    advance: Callable[[int], object] = lambda count: None,
) -> pd.DataFrame:
    """Compute PSNR and SSIM of every denoiser on the same noisy images.

    Parameters
    ----------
    denoisers : dict
        (noisy, sigma) -> estimate, by name. Estimates are clamped to [0, 1] before they are scored.
    pictures : Pictures
    corruption : Corruption
    advance : callable
        Called with the number of finished images, after each denoiser and batch.

    Returns
    -------
    pandas.DataFrame
        method, picture (key of the image), pixels, psnr_db, ssim: one row per method and image. An
        estimate that is not finite scores NaN.
    """
    parts: list[pd.DataFrame] = []
    for clean, keys, noisy in noisy_batches(pictures, corruption):
        for name, denoise in denoisers.items():
            preds = clean_up(denoise, noisy, corruption.sigma)
            scores = {
                "psnr_db": psnr(preds, clean, data_range=1.0),
                "ssim": ssim(preds, clean, data_range=1.0),
            }
            facts = {"method": name, "picture": keys, "pixels": clean[0].numel()}
            parts.append(pd.DataFrame(facts | {k: v.numpy() for k, v in scores.items()}))
            advance(len(clean))
    return pd.concat(parts, ignore_index=True)
