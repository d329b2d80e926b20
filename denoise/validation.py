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
def judge(network: AnySize, pictures: Pictures, settings: Settings) -> tuple[dict[float, float], float]:
    """How well a network does in float32, which it is left ready for (`eval`).

    Returns
    -------
    dict
        Mean PSNR in dB at the dataset's levels within the range trained on and at its end, keyed by level.
    float
        The training loss under the highest level: what Keras calls the validation loss.
    """
    low, high = settings.sigma
    usual = DATASETS[settings.dataset.partition(":")[0]].facts.get("levels", DIGITS)
    tested = sorted({high} | {level for level in usual if low <= level <= high})
    scores: dict[float, float] = {}
    loss = 0.0
    for level in tested:
        values = []
        for clean, logits in _answers(network, pictures, settings, level):
            values.append(psnr(network.picture(logits).clamp(0, 1), clean, data_range=1.0))
            if level == high:
                loss += LOSSES[settings.loss](network, logits, clean).item() * len(clean)
        scores[level] = torch.cat(values).mean().item()
    return scores, loss / len(pictures)


def validate(network: AnySize, pictures: Pictures, settings: Settings) -> dict[float, float]:
    """The scores of `judge`."""
    return judge(network, pictures, settings)[0]


def _answers(network: AnySize, pictures: Pictures, settings: Settings, level: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Clean pictures, and the network's float32 logits for their noisy versions at one level, which it is not told."""
    device = next(network.parameters()).device
    network.eval()
    size = max(1, min(250, BATCH_PIXELS // max(height * width for _, height, width in pictures.shapes)))
    for clean, given, keys in pictures.pairs(size):
        draws = PictureDraws(picture_seeds(pictures.name, keys, settings.noise, level))
        noisy = corrupt(given, level, draws, noise=settings.noise, clip=settings.clip)
        noisy = noisy.expand(-1, settings.channels, -1, -1).to(device)
        logits = network.logits(noisy.contiguous(memory_format=torch.channels_last)).float().cpu()
        yield clean.expand_as(logits), logits
