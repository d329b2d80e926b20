"""Networks from tutorials, each trained by its published recipe and by this project's.

Two rows of one network differ in the recipe; two networks under one recipe differ in the network.
The recipe "own" follows the page: loss, optimizer and learning rate, batch, epochs, noise, order of
stages, and the initial weights of the page's framework. It runs in this project's training loop,
with four deviations: a recipe for "all of MNIST" gets 55,000 images, because the protocol holds out
5,000; epsilon of Adam is PyTorch's; Adam restarts in the second stage of K1; bfloat16 autocast is
used if the device has it.

References
----------
K1  https://keras.io/examples/vision/autoencoder/
K2  https://blog.keras.io/building-autoencoders-in-keras.html
T1  https://www.tensorflow.org/tutorials/generative/autoencoder
U1  https://github.com/udacity/deep-learning-v2-pytorch/tree/master/autoencoder/denoising-autoencoder
"""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from bench import counters, provenance
from bench.schema import SCORES
from bench.scoring import quality
from bench.scoring.quality import Corruption
from bench.stats import intervals
from bench.sweep import trained_weights
from bench.sweep.collect import DECIMALS
from denoise import datasets
from denoise.inference import engine
from denoise.train.settings import LOSSES, Settings

log = logging.getLogger("bench")
EPOCH = 55_000  # images
CLEAN = (0.0, 0.0)
EVERY = 4_296  # steps between checkpoints: ten epochs at batch 128


@dataclasses.dataclass(frozen=True)
class Tutorial:
    """Tutorial's network: data, noise, and the stages of its own recipe.

    Each stage continues from the last weights.
    """

    dataset: str
    sigma: float
    own: tuple[dict[str, Any], ...]
    known: str  # result that the tutorial reports
    known_bce: float | None = None  # reported cross-entropy on the test images


def _keras(sigma: tuple[float, float], epochs: int) -> dict[str, Any]:
    """Return a Keras recipe: Adam at its default rate, cross-entropy, noise added once."""
    return {
        "sigma": sigma,
        "images": epochs * EPOCH,
        "batch": 128,
        "loss": "bce",
        "lr": 1e-3,
        "schedule": "constant",
        "online_noise": False,
        "init": "keras",
    }


def _mse(sigma: float, epochs: int, batch: int, *, online_noise: bool, init: str) -> dict[str, Any]:
    common = {
        "loss": "mse",
        "lr": 1e-3,
        "schedule": "constant",
        "online_noise": online_noise,
        "init": init,
    }
    return {"sigma": (sigma, sigma), "images": epochs * EPOCH, "batch": batch, **common}


TUTORIALS_BY_NAME = {
    "K1": Tutorial(
        "mnist",
        0.4,
        (_keras(CLEAN, 50), _keras((0.4, 0.4), 100)),
        "validation BCE 0.0839 on 10,000 test pictures",
        known_bce=0.0839,
    ),
    "K2": Tutorial("mnist", 0.5, (_keras((0.5, 0.5), 100),), ""),
    "K2_resize": Tutorial("mnist", 0.5, (_keras((0.5, 0.5), 100),), ""),
    "T1": Tutorial(
        "fashion_mnist", 0.2, (_mse(0.2, 10, 32, online_noise=False, init="keras"),), ""
    ),
    "U1": Tutorial(
        "mnist", 0.5, (_mse(0.5, 20, 20, online_noise=True, init="pytorch"),), "training MSE 0.0261"
    ),
}
PROJECT = {"images": 1_000_000, "batch": 128, "loss": "bce", "lr": 4e-3}
"""This project's recipe: online noise, a cosine schedule, a higher learning rate."""

RECIPES = ("own", "project")


def stages(name: str, recipe: str, share: float = 1.0) -> list[Settings]:
    """Return the trainings that make a network by a recipe.

    `share` is the fraction of images, for a trial.

    Raises
    ------
    ValueError
        `share` is outside (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"--share is {share:g}; it must be above 0 and at most 1")
    tutorial = TUTORIALS_BY_NAME[name]
    project: dict[str, Any] = {**PROJECT, "sigma": (tutorial.sigma, tutorial.sigma)}
    chosen = tutorial.own if recipe == "own" else (project,)
    return [
        Settings(
            dataset=tutorial.dataset,
            architecture=name,
            **{**stage, "images": max(stage["batch"], round(stage["images"] * share))},
        )
        for stage in chosen
    ]


def make(name: str, recipe: str, folder: Path, root: Path | None, share: float = 1.0) -> Path:
    """Train the missing stages; return the path of the last stage's weights.

    Raises
    ------
    ValueError
        An existing stage was trained with other settings, for example another `share`.
    """
    path = None
    for number, settings in enumerate(stages(name, recipe, share), 1):
        if path:
            settings = dataclasses.replace(settings, init_from=str(path))
        path = folder / f"{name}-{recipe}-{number}.safetensors"
        trained_weights.obtain(path, settings, root, EVERY)
    assert path is not None
    return path


def score(
    name: str, recipe: str, path: Path, root: Path | None, share: float = 1.0
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Score a network on the whole test split under the tutorial's noise.

    Returns
    -------
    row : dict
        Mean PSNR and SSIM with their intervals over images, and both losses.
    scores : pandas.DataFrame
        PSNR and SSIM of each image, with the columns of `bench.schema.SCORES`.
    """
    tutorial = TUTORIALS_BY_NAME[name]
    denoiser = engine.load(path, precision="float32")
    pictures = datasets.load(tutorial.dataset, "test", root)
    corruption = Corruption("gaussian", tutorial.sigma, clip=True)
    method = f"{name}-{recipe}"
    scores = quality.score(
        {method: lambda noisy, sigma: denoiser.estimate(noisy)}, pictures, corruption
    )
    row = {"network": name, "recipe": recipe, "dataset": tutorial.dataset, "sigma": tutorial.sigma}
    row |= {
        "pictures": len(pictures),
        "share": share,
        "known": tutorial.known if recipe == "own" else "",
    }
    for column in ("psnr_db", "ssim"):
        found = intervals.interval(scores[column].to_numpy(float)[None])
        row |= {column: found.mean, f"{column}_low": found.low, f"{column}_high": found.high}
    for loss in ("bce", "mse"):
        row[loss] = _loss(denoiser, pictures, corruption, loss)
    card = denoiser.card
    channels, height, width = pictures[0].shape
    row |= {
        "images_seen": card["images_seen"],
        "parameters": counters.parameters(denoiser.network),
        "macs": counters.macs(denoiser.network, (channels, height, width)),
        "train_seconds": card["seconds"] + (card["started_from"] or {"seconds": 0})["seconds"],
        "train_device": card["run_on"]["device"],
        "train_precision": card["run_on"]["precision"],
        "weights_sha256": card["sha256"],
        **provenance.describe(),
    }
    of_test = {
        "dataset": pictures.name,
        "split": pictures.split,
        "noise": corruption.noise,
        "clipped": True,
    }
    scores = scores.assign(**of_test, sigma=corruption.sigma, draw=corruption.draw)
    return row, scores[list(SCORES)].round(DECIMALS)


def command(name: str, recipe: str, share: float = 1.0) -> str:
    """Return the command that computes the row of a network and recipe."""
    part = "" if share == 1 else f" --share {share:g}"
    return f"python -m bench tutorials --networks {name} --recipes {recipe}{part}"


@torch.inference_mode()
def _loss(
    denoiser: engine.Denoiser, pictures: datasets.Pictures, corruption: Corruption, loss: str
) -> float:
    total = 0.0
    for clean, _, noisy in quality.noisy_batches(pictures, corruption):
        logits = denoiser.network.logits(noisy.to(denoiser.device)).float().cpu()
        total += LOSSES[loss](denoiser.network, logits, clean).item() * len(clean)
    return total / len(pictures)
