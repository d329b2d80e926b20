"""How a training is judged on the way: on held-out pictures, under noise that is the same for every network."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from denoise.anysize import AnySize
from denoise.datasets import DATASETS, Pictures
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt, picture_seeds
from denoise.settings import LOSSES, Settings

BATCH_PIXELS = 2**18  # pixels cleaned at once
DIGITS = tuple(level / 10 for level in range(1, 10))  # the protocol's levels, for pictures that have none of their own


@torch.inference_mode()
def validate(network: AnySize, pictures: Pictures, settings: Settings) -> dict[float, float]:
    """Mean PSNR in dB at the dataset's levels within the range trained on and at its end, float32, keyed by level."""
    low, high = settings.sigma
    usual = DATASETS[settings.dataset.partition(":")[0]].facts.get("levels", DIGITS)
    tested = sorted({high} | {level for level in usual if low <= level <= high})
    scores: dict[float, float] = {}
    for level in tested:
        values = [
            psnr(network.picture(logits).clamp(0, 1), clean, data_range=1.0)
            for clean, logits in _answers(network, pictures, settings, level)
        ]
        scores[level] = torch.cat(values).mean().item()
    return scores


@torch.inference_mode()
def held_out_loss(network: AnySize, pictures: Pictures, settings: Settings) -> float:
    """The training loss on held-out pictures under the highest level: what Keras calls the validation loss."""
    total = 0.0
    for clean, logits in _answers(network, pictures, settings, settings.sigma[1]):
        total += LOSSES[settings.loss](network, logits, clean).item() * len(clean)
    return total / len(pictures)


def _answers(network: AnySize, pictures: Pictures, settings: Settings, level: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Clean pictures, and the network's float32 logits for their noisy versions at one level, which it is not told."""
    device = next(network.parameters()).device
    network.eval()
    size = max(1, min(250, BATCH_PIXELS // max(image[0].numel() for image in pictures)))
    for clean, given, keys in pictures.pairs(size):
        draws = PictureDraws(picture_seeds(pictures.name, keys, settings.noise, level))
        noisy = corrupt(given, level, draws, noise=settings.noise, clip=settings.clip)
        noisy = noisy.expand(-1, settings.channels, -1, -1).to(device)
        logits = network.logits(noisy.contiguous(memory_format=torch.channels_last)).float().cpu()
        yield clean.expand_as(logits), logits
    network.train()
