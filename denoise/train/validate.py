"""Validation during training on held-out images; the noise is equal for every network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from denoise.datasets import DATASETS, Pictures
from denoise.metrics import psnr
from denoise.models.base import AnySize
from denoise.noise import PictureDraws, corrupt, picture_seeds
from denoise.train.settings import LOSSES, Settings

BATCH_PIXELS = 2**18  # pixels of a batch
# sigmas of the protocol, for datasets without levels of their own
DIGITS = tuple(level / 10 for level in range(1, 10))


@dataclass(frozen=True)
class Scores:
    """Scores of a network on held-out images.

    Attributes
    ----------
    psnr, noisy : dict
        Mean PSNR of the output and of the noisy input in dB, by sigma.
    loss : float
        Training loss at the highest sigma: the validation loss of Keras.
    """

    psnr: dict[float, float]
    noisy: dict[float, float]
    loss: float

    @property
    def mean(self) -> float:
        """Mean PSNR of the output over all sigmas."""
        return sum(self.psnr.values()) / len(self.psnr)

    @property
    def noisy_mean(self) -> float:
        """Mean PSNR of the noisy input over all sigmas."""
        return sum(self.noisy.values()) / len(self.noisy)


@torch.inference_mode()
def evaluate(network: AnySize, pictures: Pictures, settings: Settings) -> Scores:
    """Score a network in float32, at its dataset's sigmas within the training range.

    The highest sigma of the training range is included.

    The network is left in evaluation mode.
    """
    low, high = settings.sigma
    usual = DATASETS[settings.dataset.partition(":")[0]].facts.get("levels", DIGITS)
    tested = sorted({high} | {level for level in usual if low <= level <= high})
    scores: dict[float, float] = {}
    before: dict[float, float] = {}
    loss = 0.0
    for level in tested:
        values, given = [], []
        for clean, noisy, logits in _outputs(network, pictures, settings, level):
            values.append(psnr(network.picture(logits).clamp(0, 1), clean, data_range=1.0))
            given.append(psnr(noisy.clamp(0, 1), clean, data_range=1.0))
            if level == high:
                loss += LOSSES[settings.loss](network, logits, clean).item() * len(clean)
        scores[level], before[level] = (
            torch.cat(column).mean().item() for column in (values, given)
        )
    return Scores(scores, before, loss / len(pictures))


def validate(network: AnySize, pictures: Pictures, settings: Settings) -> dict[float, float]:
    """Return the PSNR of `evaluate`."""
    return evaluate(network, pictures, settings).psnr


def noisy_batches(
    pictures: Pictures, settings: Settings, level: float
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield clean images and their noisy versions at one sigma, both (N, C, H, W) float32.

    The noise of an image depends on its key and on sigma alone.
    """
    size = max(
        1, min(250, BATCH_PIXELS // max(height * width for _, height, width in pictures.shapes))
    )
    for clean, given, keys in pictures.pairs(size):
        draws = PictureDraws(picture_seeds(pictures.name, keys, settings.noise, level))
        yield clean, corrupt(given, level, draws, noise=settings.noise, clip=settings.clip)


def _outputs(
    network: AnySize, pictures: Pictures, settings: Settings, level: float
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield clean images, noisy images, and the network's float32 logits for the noisy images.

    Sigma is not given.
    """
    device = next(network.parameters()).device
    network.eval()
    for clean, noisy in noisy_batches(pictures, settings, level):
        clean, noisy = (image.expand(-1, settings.channels, -1, -1) for image in (clean, noisy))
        logits = (
            network.logits(noisy.to(device).contiguous(memory_format=torch.channels_last))
            .float()
            .cpu()
        )
        yield clean, noisy, logits
