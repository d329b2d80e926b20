"""`python -m bench rescore`: scores of the same outputs under several PSNR and SSIM conventions."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from bench import provenance
from bench.schema import INVALID, RESCORE
from bench.scoring import benchmark, methods, quality, user_model
from bench.scoring.conventions import CONVENTIONS, score
from bench.tables_io.markdown import piped
from denoise import datasets
from denoise.files.atomic import whole_file
from denoise.noise import check_level

PREFERRED = ("mnist", "notmnist")
SCORES = {"psnr_db": ("PSNR in dB", 2), "ssim": ("SSIM", 4)}


def main(given: argparse.Namespace) -> None:
    """Score each network under each convention; write rescore.csv and print the tables."""
    logging.getLogger("bench").setLevel(
        logging.DEBUG if given.verbose or given.methods else logging.NOTSET
    )
    conventions = [CONVENTIONS[name].name for name in given.convention or CONVENTIONS.names()]
    conventions = list(dict.fromkeys(conventions))
    levels = [check_level(sigma, "gaussian") for sigma in given.sigma]
    if given.pictures < 0:
        raise ValueError(f"--pictures is {given.pictures}; it must be 0 (all) or more")
    brought = [user_model.load(text) for text in given.model]
    arms = methods.find(given.methods, brought, untrained=False)
    sets, left_out = benchmark.available(_datasets(given), given.data_root)
    if left_out:
        raise datasets.MissingData("; ".join(left_out.values()))
    user_model.check(brought, sets)
    parts = []
    able = {
        name: benchmark.build(arms, training, torch.device("cpu"))
        for name, (training, _) in sets.items()
    }
    benchmark.announce(arms, able)
    for name, (_, test) in sets.items():
        pictures, denoisers = test.spread(given.pictures or None), able[name]
        for sigma in levels:
            corruption = quality.Corruption("gaussian", sigma, not given.unclipped)
            parts.append(rescore(denoisers, pictures, corruption, conventions))
    frame = pd.concat(parts, ignore_index=True)
    file = write(frame.assign(**provenance.describe(), command=given.command), given.out)
    print(readable(frame, {arm.name: arm.label for arm in arms}))
    print("written:", file)


def rescore(
    denoisers: dict[str, Callable[[Tensor, float], Tensor]],
    pictures: datasets.Pictures,
    corruption: quality.Corruption,
    conventions: list[str],
) -> pd.DataFrame:
    """Denoise each image once with each denoiser and score the output under each convention.

    Returns
    -------
    pandas.DataFrame
        One row per method and convention: corruption, method, convention, psnr_db, ssim, with the
        names of `bench.schema`. Both scores are NaN if an estimate is not finite.
    """
    batches = list(quality.noisy_batches(pictures, corruption))
    rows = []
    for method, denoise in tqdm(
        denoisers.items(), unit=" methods", desc=pictures.name, disable=None
    ):
        pairs = [
            (quality.clean_up(denoise, noisy, corruption.sigma), clean)
            for clean, _, noisy in batches
        ]
        rows += [
            {"method": method, "convention": convention, **score(convention, pairs)}
            for convention in conventions
        ]
    settings = {
        "dataset": pictures.name,
        "split": pictures.split,
        "pictures": len(pictures),
        "noise": corruption.noise,
        "clipped": corruption.clip,
        "sigma": corruption.sigma,
        "draw": corruption.draw,
    }
    return pd.DataFrame([settings | row for row in rows])


def write(frame: pd.DataFrame, folder: Path) -> Path:
    """Write rescore.csv atomically."""
    file = folder / "rescore.csv"
    with whole_file(file) as partial:
        frame.reindex(columns=list(RESCORE)).to_csv(partial, index=False, float_format="%.6g")
    return file


def wide(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Arrange one dataset and sigma: one row per method, one column per convention, the spread."""
    order = frame.convention.unique()
    scores = frame.pivot(index="method", columns="convention", values=column)[order].loc[
        frame.method.unique()
    ]
    return scores.assign(spread=scores.max(axis=1, skipna=False) - scores.min(axis=1, skipna=False))


def readable(frame: pd.DataFrame, labels: dict[str, str]) -> str:
    """Write PSNR and SSIM of every dataset and sigma in Markdown, then describe each convention."""
    parts = []
    for (dataset, sigma), rows in frame.groupby(["dataset", "sigma"], sort=False):
        row = rows.iloc[0]
        clipped = "clipped to [0, 1]" if row.clipped else "unclipped"
        parts.append(
            f"#### {dataset}, {row.pictures:,} {row.split} images, {row.noise} noise "
            f"{sigma:g}, {clipped}"
        )
        for column, (title, digits) in SCORES.items():
            scores = wide(rows, column)
            shown = scores.map(
                lambda value, digits=digits: INVALID if pd.isna(value) else f"{value:.{digits}f}"
            )
            # infinite scores have no spread
            shown["spread"] = shown.spread.where(scores.spread.notna(), "")
            shown.insert(0, title, [labels[method] for method in shown.index])
            parts.append(piped(shown, scores=True))
    parts.append(
        "\n".join(f"{name}: {CONVENTIONS[name].label}" for name in frame.convention.unique())
    )
    return "\n\n".join(parts)


def _datasets(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the requested datasets, else the available ones of `PREFERRED`, else glyphs.

    Glyphs are always available.
    """
    if given.datasets:
        return tuple(given.datasets)
    return tuple(name for name in PREFERRED if datasets.present(name, given.data_root)) or (
        "glyphs",
    )
