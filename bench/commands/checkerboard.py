"""`python -m bench checkerboard`: checkerboard metrics of networks before and after training."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from bench import provenance
from bench.report import tables
from bench.schema import CHECKERBOARD
from bench.scoring import checkerboard
from bench.scoring.quality import Corruption, noisy_batches
from bench.sweep import collect
from bench.sweep.grid import Network
from bench.sweep.recipe import Recipe
from denoise import datasets, metrics
from denoise.decoders import DECODERS
from denoise.files.atomic import whole_file
from denoise.inference import packed
from denoise.models.base import AnySize
from denoise.models.encoder_decoder import Mirror
from denoise.train import loop
from denoise.train.batches import Batches
from denoise.train.settings import Settings

PICTURES = 500
SETTLING = 20  # training batches that set the batch-norm statistics of an untrained network
SIGMA = 0.4


def main(given: argparse.Namespace) -> None:
    """Measure every decoder network of the results; write checkerboard.csv and spectra.parquet."""
    folder: Path = given.results
    methods, _ = collect.read(folder)
    recipe = Recipe.read(folder)
    rows, spectra = [], []
    for row in tqdm(
        methods[~methods.missing & methods.arm.isin(DECODERS.names())].itertuples(), disable=None
    ):
        network = Network(
            row.dataset, row.clipped, row.arm, tuple(map(int, row.widths.split("x"))), int(row.seed)
        )
        trained = packed.denoiser(folder, row.method, row.weights_sha256).network
        untrained = _untrained(network.settings(recipe), given.data_root)
        pictures = _pictures(row.dataset, given.data_root)
        for when, net, checksum in (
            ("initial", untrained, None),
            ("trained", trained, row.weights_sha256),
        ):
            found, power = measure(net, pictures, row.clipped)
            known = {
                "method": row.method,
                "dataset": row.dataset,
                "clipped": row.clipped,
                "arm": row.arm,
            }
            known |= {
                "widths": row.widths,
                "seed": row.seed,
                "when": when,
                "weights_sha256": checksum,
            }
            rows.append(known | found)
            spectra.append(pd.DataFrame(_points(power)).assign(method=row.method, when=when))
    facts = {
        name: value
        for name, value in provenance.describe().items()
        if name in ("protocol", "commit", "torch")
    }
    frame = pd.DataFrame(rows).assign(**facts, command=given.command)
    with whole_file(folder / "checkerboard.csv") as partial:
        frame.reindex(columns=list(CHECKERBOARD)).to_csv(partial, index=False, float_format="%.6g")
    with whole_file(folder / "spectra.parquet") as partial:
        pd.concat(spectra).astype({"power": "float32"}).to_parquet(
            partial, compression="zstd", index=False
        )
    print(frame.groupby(["when", "arm"])[[*tables.METERS]].mean().round(4).to_string())


def _untrained(settings: Settings, root: Path | None) -> AnySize:
    return checkerboard.settle(loop.untrained(settings), settling_batches(settings, root))


def settling_batches(settings: Settings, root: Path | None) -> list[Tensor]:
    """Return the noisy training batches, (N, C, H, W) each, for `checkerboard.settle`."""
    return _batches(settings.dataset, settings.clip, settings.batch, settings.sigma, root)


@functools.cache
def _batches(
    dataset: str, clip: bool, size: int, sigma: tuple[float, float], root: Path | None
) -> list[Tensor]:
    """Make the noisy batches, (size, C, H, W) each, that are equal for every arm and seed."""
    batches = Batches(
        datasets.load(dataset, "train", root),
        size=size,
        channels=1,
        patch=0,
        noise="gaussian",
        sigma=sigma,
        clip=clip,
        seed=0,
        device=torch.device("cpu"),
    )
    return [batches(step)[1] for step in range(SETTLING)]


@functools.cache
def _pictures(dataset: str, root: Path | None) -> datasets.Pictures:
    return datasets.load(dataset, "test", root).spread(PICTURES)


@torch.inference_mode()
def measure(
    network: AnySize, pictures: datasets.Pictures, clip: bool
) -> tuple[dict[str, Any], np.ndarray]:
    """Compute the checkerboard metrics and the mean power spectrum of the residual, (H, W)."""
    mirror = network.net
    assert isinstance(mirror, Mirror)
    codes, residuals, cleans = [], [], []
    for clean, _, noisy in noisy_batches(pictures, Corruption("gaussian", SIGMA, clip)):
        codes.append(mirror.encode(noisy)[0].mean((0, 2, 3)))
        residuals.append(network(noisy) - clean)
        cleans.append(clean)
    residual, clean = torch.cat(residuals), torch.cat(cleans)
    stages, picture, picture_4 = checkerboard.phases(network, torch.stack(codes).mean(0))
    nyquist, period_4, blocks = metrics.peaks(residual, clean)
    found = {f"stage_{number}": value for number, value in enumerate(stages, 1)}
    found |= {"picture": picture, "picture_period_4": picture_4}
    found |= {"nyquist": nyquist, "residual_period_4": period_4, "flat_blocks": blocks}
    return found, metrics.spectrum(residual).numpy()


def _points(power: np.ndarray) -> dict[str, np.ndarray]:
    rows, columns = np.indices(power.shape)
    return {"row": rows.ravel(), "column": columns.ravel(), "power": power.ravel()}
