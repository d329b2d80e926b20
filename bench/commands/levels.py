"""`python -m bench levels`: the error of sigma estimates from the noisy image alone."""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from tqdm import tqdm

from bench import provenance
from bench.report import photographs
from bench.schema import LEVELS
from bench.scoring.quality import Corruption, noisy_batches
from denoise import datasets
from denoise.files.atomic import whole_file
from denoise.noise_level import ESTIMATORS

SIGMAS = (0, 5, 10, 15, 25, 50, 75, 100)  # sigma, times 255
DATASETS = ("bsd68", "set12", "cbsd68")
UNITS = 255


def main(given: argparse.Namespace) -> None:
    """Measure every estimator on each dataset and sigma; write levels.csv."""
    rows = []
    for name in given.datasets or DATASETS:
        pictures = datasets.load(name, "test", given.data_root).spread(given.pictures or None)
        for sigma in tqdm(SIGMAS, desc=name, disable=None):
            rows += _rows(pictures, sigma)
    facts = {**provenance.describe(), "command": given.command}
    frame = pd.DataFrame(rows).assign(**facts).reindex(columns=list(LEVELS))
    target = given.out / "levels.csv"
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.4g")
    print(photographs.levels(frame))
    print("written:", target)


def _rows(pictures: datasets.Pictures, sigma: int) -> list[dict[str, object]]:
    found: dict[str, list[float]] = {name: [] for name in ESTIMATORS.names()}
    seconds: dict[str, list[float]] = {name: [] for name in ESTIMATORS.names()}
    for _, _, noisy in noisy_batches(pictures, Corruption("gaussian", sigma / UNITS, clip=False)):
        for image in noisy:
            for estimator in ESTIMATORS:
                began = time.perf_counter()
                found[estimator.name].append(estimator.build(image) * UNITS)
                seconds[estimator.name].append(time.perf_counter() - began)
    errors = {name: np.array(values) - sigma for name, values in found.items()}
    return [
        {
            "dataset": pictures.name,
            "pictures": len(pictures),
            "sigma_255": sigma,
            "estimator": name,
            "bias_255": error.mean(),
            "rmse_255": np.sqrt(np.mean(error**2)),
            "worst_255": np.abs(error).max(),
            "cpu_ms_p50": 1e3 * np.median(seconds[name]),
        }
        for name, error in errors.items()
    ]
