"""Output of a network of the committed results for a fixed sample, as the chart's card shows it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from torch import Tensor

from demo.compute import scores
from demo.compute.answers import pixels
from demo.compute.images import data_url
from demo.compute.samples import rendered, samples
from demo.compute.worker import alone
from denoise.classical import DENOISERS
from denoise.datasets.base import Pictures
from denoise.inference import packed
from denoise.inference.engine import Denoiser
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt

SEED = 0  # of the sample's noise
FACE = (slice(60, 188), slice(170, 298))  # part of scikit-image's photograph "camera"
PHOTOGRAPHS = ("bsd68", "set12")

Estimate = Callable[[Tensor, float], Tensor]


@functools.lru_cache(maxsize=256)
def preview(grid: str, method: str, tested_on: str, level: str) -> dict[str, Any]:
    """Denoise the sample of a dataset at a noise level by one point of the chart.

    Returns
    -------
    dict
        `clean`, `noisy` and `output` as `data:` URLs; `noisy_db` and `output_db`, the PSNR of both;
        `sample`, the label of the sample.

    Raises
    ------
    LookupError
        No such point.
    ValueError
        The weights of the network are missing or damaged.
    """
    row = scores.find(grid, method, tested_on, level)
    return _denoised(row, grid, float(level))


@alone
def _denoised(row: Any, grid: str, sigma: float) -> dict[str, Any]:
    pixels, label = sample(row.tested_on)
    clean = torch.from_numpy(pixels.astype(np.float32) / 255)[None, None]
    noisy = corrupt(clean, sigma, PictureDraws([SEED]), noise=row.noise, clip=bool(row.clipped))
    output = estimator(grid, row)(noisy, sigma)
    noisy_db, output_db = psnr(
        torch.cat([noisy, output]).clamp(0, 1), clean.expand(2, -1, -1, -1), data_range=1.0
    ).tolist()
    return {
        **{"clean": data_url(pixels), "noisy": _url(noisy), "output": _url(output)},
        **{"noisy_db": round(noisy_db, 2), "output_db": round(output_db, 2), "sample": label},
    }


def sample(dataset: str) -> tuple[np.ndarray, str]:
    """Return the sample of a dataset, (H, W) uint8, and its label: a real image if it is here."""
    if dataset in PHOTOGRAPHS:
        return np.ascontiguousarray(skimage.data.camera()[FACE]), "Cameraman"
    of_dataset = [one for one in samples() if one.family == dataset] or [rendered()[0]]
    chosen = min(of_dataset, key=lambda one: one.rendered)
    return chosen.image, chosen.label


def estimator(grid: str, row: Any) -> Estimate:
    """Return the network of a point, or its classical method, as a function of image and sigma."""
    if row.kind == "classical":
        return classical(row.arm, row.trained_on)
    denoiser = network(scores.RESULTS / grid, row.method)
    return lambda noisy, sigma: denoiser.estimate(noisy)  # the networks are blind


def classical(method: str, trained_on: str) -> Estimate:
    """Return a classical method with its strength for a training set."""
    # the methods read only the name and the size of their training images
    pixels, label = sample(trained_on)
    named = Pictures(trained_on, "train", torch.from_numpy(pixels)[None, None], (label,), (label,))
    return DENOISERS[method].build(named)


@functools.lru_cache(maxsize=64)
def network(folder: Path, method: str) -> Denoiser:
    """Return a network of a results folder, on the CPU and in float32, as it was scored.

    Raises
    ------
    ValueError
        The weights are missing, damaged, or not the scored ones.
    """
    sha256 = scores.methods(folder.name).weights_sha256[method]
    return packed.denoiser(folder, method, sha256)


def _url(image: Tensor) -> str:
    return data_url(pixels(image))
