"""`python -m bench checkerboard`: both meters for every network of the results, at initialisation and trained."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from bench import checkerboard, collect, provenance
from bench.columns import CHECKERBOARD
from bench.grid import Network
from bench.quality import Corruption, noisy_batches
from bench.recipe import Recipe
from denoise import datasets, train, weights
from denoise.decoders import DECODERS
from denoise.files import whole_file
from denoise.models import AnySize, Mirror

PICTURES = 500
SIGMA = 0.4


def main(given: argparse.Namespace) -> None:
    folder: Path = given.results
    methods, _ = collect.read(folder)
    recipe = Recipe.read(folder)
    rows, spectra = [], []
    for row in tqdm(methods[~methods.missing & methods.arm.isin(DECODERS.names())].itertuples(), disable=None):
        network = Network(row.dataset, row.clipped, row.arm, tuple(map(int, row.widths.split("x"))), int(row.seed))
        trained, _ = weights.read(folder / "weights" / f"{row.method}.safetensors")
        pictures = datasets.load(row.dataset, "test", given.data_root).spread(PICTURES)
        for when, net in (("initial", train.untrained(network.settings(recipe)).eval()), ("trained", trained)):
            found, power = measure(net, pictures, row.clipped)
            known = {"method": row.method, "dataset": row.dataset, "clipped": row.clipped, "arm": row.arm}
            rows.append(known | {"widths": row.widths, "seed": row.seed, "when": when} | found)
            spectra.append(pd.DataFrame(_points(power)).assign(method=row.method, when=when))
    facts = {name: value for name, value in provenance.describe().items() if name in ("protocol", "commit", "torch")}
    frame = pd.DataFrame(rows).assign(**facts, command=given.command)
    with whole_file(folder / "checkerboard.csv") as partial:
        frame.reindex(columns=list(CHECKERBOARD)).to_csv(partial, index=False, float_format="%.6g")
    with whole_file(folder / "spectra.parquet") as partial:
        pd.concat(spectra).astype({"power": "float32"}).to_parquet(partial, compression="zstd", index=False)
    print(frame.groupby(["when", "arm"])[["stage_1", "stage_2", "picture", "nyquist"]].mean().round(4))


@torch.inference_mode()
def measure(network: AnySize, pictures: datasets.Pictures, clip: bool) -> tuple[dict[str, Any], np.ndarray]:
    """Both meters, and the mean power spectrum of the residual, (H, W)."""
    mirror = network.net
    assert isinstance(mirror, Mirror)
    codes, residuals, cleans = [], [], []
    for clean, _, noisy in noisy_batches(pictures, Corruption("gaussian", SIGMA, clip)):
        codes.append(mirror.encode(noisy)[0].mean((0, 2, 3)))
        residuals.append(network(noisy) - clean)
        cleans.append(clean)
    residual, clean = torch.cat(residuals), torch.cat(cleans)
    stages, picture = checkerboard.phases(network, torch.stack(codes).mean(0))
    ratio, blocks = checkerboard.nyquist(residual, clean)
    found = {f"stage_{number}": value for number, value in enumerate(stages, 1)}
    found |= {"picture": picture, "nyquist": ratio, "flat_blocks": blocks}
    return found, checkerboard.spectrum(residual).numpy()


def _points(power: np.ndarray) -> dict[str, np.ndarray]:
    rows, columns = np.indices(power.shape)
    return {"row": rows.ravel(), "column": columns.ravel(), "power": power.ravel()}
