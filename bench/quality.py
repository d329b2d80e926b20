"""How a cell's quality is measured: one noise for all methods, PSNR and SSIM of each picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from bench.kept import kept
from denoise.datasets import Pictures
from denoise.metrics import psnr, ssim
from denoise.noise import PictureDraws, corrupt, picture_seeds

BATCH = 250  # pictures corrupted and cleaned at once, fewer where they are large; no score depends on it
BATCH_PIXELS = 2**22


@dataclass(frozen=True)
class Corruption:
    """What is done to the clean pictures: kind and level of the noise, clamped or not, which draw."""

    noise: str
    sigma: float
    clip: bool
    draw: int = 0


def noisy_batches(pictures: Pictures, corruption: Corruption) -> Iterator[tuple[Tensor, tuple[str, ...], Tensor]]:
    """Yield (clean, keys, noisy) batches, (N, C, H, W) float32, under the protocol's noise."""
    size = max(1, min(BATCH, BATCH_PIXELS // max(image[0].numel() for image in pictures)))
    for clean, given, keys in pictures.pairs(size):
        seeds = picture_seeds(pictures.name, keys, corruption.noise, corruption.sigma, corruption.draw)
        draws = PictureDraws(seeds)
        yield clean, keys, corrupt(given, corruption.sigma, draws, noise=corruption.noise, clip=corruption.clip)


def clean_up(denoise: Callable[[Tensor, float], Tensor], noisy: Tensor, sigma: float) -> Tensor:
    """The estimates as they are scored: clamped to [0, 1], and NaN throughout where an estimate is not finite.

    Clamping alone would make a good picture of one with an infinite pixel, and hide that the network is broken. The
    denoiser gets a copy of the noisy images: if it writes into its input, no score of another method changes.
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
    pandas.DataFrame
        method, picture (its key), pixels, psnr_db, ssim: a row a method and picture. An estimate that is not finite
        scores NaN.
    """
    parts: list[pd.DataFrame] = []
    for clean, keys, noisy in noisy_batches(pictures, corruption):
        for name, denoise in denoisers.items():
            preds = clean_up(denoise, noisy, corruption.sigma)
            scores = {"psnr_db": psnr(preds, clean, data_range=1.0), "ssim": ssim(preds, clean, data_range=1.0)}
            facts = {"method": name, "picture": keys, "pixels": clean[0].numel()}
            parts.append(pd.DataFrame(facts | {k: v.numpy() for k, v in scores.items()}))
            advance(len(clean))
    return pd.concat(parts, ignore_index=True)
