"""Results of the tutorials' networks: files on disk and sentences about them.

RESULTS/tutorials.csv    one row per network and recipe
RESULTS/scores.parquet   PSNR and SSIM of each image
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pandas as pd

from bench import labels
from bench.schema import SCORES, TUTORIALS
from bench.stats import intervals
from bench.sweep.tutorials import RECIPES, TUTORIALS_BY_NAME
from bench.tables_io.frames import read_csv, read_parquet
from denoise.files.atomic import whole_file


def read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the rows and the scores of each image; both are empty if the folder has none.

    Raises
    ------
    ValueError
        A file is truncated or has another schema; the message names it, and the file is not
        changed.
    """
    if not (folder / "tutorials.csv").exists():
        return none()
    rows = read_csv(folder / "tutorials.csv", TUTORIALS)
    scores = read_parquet(folder / "scores.parquet", SCORES)
    lacking = sorted(set(rows.network + "-" + rows.recipe) - set(scores.method))
    if lacking:
        raise ValueError(
            f"{folder}: scores.parquet lacks {lacking[0]} of tutorials.csv; no file is changed"
        )
    return rows, scores


def none() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return empty tables of rows and scores."""
    return pd.DataFrame(columns=list(TUTORIALS)), pd.DataFrame(columns=list(SCORES))


def write(folder: Path, rows: pd.DataFrame, scores: pd.DataFrame) -> None:
    """Write both files, each atomically."""
    with whole_file(folder / "scores.parquet") as partial:
        scores.to_parquet(partial, compression="zstd", index=False)
    with whole_file(folder / "tutorials.csv") as partial:
        rows.to_csv(partial, index=False, float_format="%.6g")


def refuse_shorter_training(
    frame: pd.DataFrame, chosen: list[tuple[str, str]], share: float, folder: Path
) -> None:
    """Raise ValueError if a trial would replace a row trained on more images."""
    for row in frame.itertuples():
        if (row.network, row.recipe) in chosen and row.share > share:
            raise ValueError(
                f"{folder} holds {row.network} by the {row.recipe} recipe with --share "
                f"{row.share:g}; --share {share:g} would replace a longer training: give another "
                "--results"
            )


def with_scores(scores: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Replace one network's scores by its new ones."""
    kept = scores[~scores.method.isin(new.method.unique())]
    return new if kept.empty else pd.concat([kept, new], ignore_index=True)


def with_row(frame: pd.DataFrame, row: dict[str, Any]) -> pd.DataFrame:
    """Add a row, or replace the row of the same network and recipe; sort by network and recipe."""
    older = (frame.network == row["network"]) & (frame.recipe == row["recipe"])
    new = pd.DataFrame([row]).reindex(columns=list(TUTORIALS))
    kept = frame[~older]
    whole = new if kept.empty else pd.concat([kept, new], ignore_index=True)
    order = {
        (name, recipe): place
        for place, (name, recipe) in enumerate(itertools.product(TUTORIALS_BY_NAME, RECIPES))
    }
    places = [order[key] for key in zip(whole.network, whole.recipe, strict=True)]
    return whole.iloc[pd.Series(places).argsort()].reset_index(drop=True)


def missing(rows: pd.DataFrame) -> list[str]:
    """List the networks and recipes without a full training, as "K1 (own)"."""
    there = set(zip(rows.network[rows.share == 1], rows.recipe[rows.share == 1], strict=True))
    planned = itertools.product(TUTORIALS_BY_NAME, RECIPES)
    return [f"{name} ({recipe})" for name, recipe in planned if (name, recipe) not in there]


def worth(rows: pd.DataFrame, scores: pd.DataFrame) -> list[str]:
    """State in sentences the gain from the recipe and from the decoder.

    Rows trained on a fraction of the images are left out. Intervals are over images, from one
    training of each network.
    """
    whole = rows[rows.share == 1].set_index(["network", "recipe"])
    psnrs = scores.pivot(index="picture", columns="method", values="psnr_db")
    sentences = []
    for name in TUTORIALS_BY_NAME:
        if {(name, "own"), (name, "project")} <= set(whole.index):
            own, project = whole.loc[(name, "own")], whole.loc[(name, "project")]
            sentences.append(
                f"{name}, {labels.dataset(own.dataset)} at sigma {own.sigma:g}: this project's "
                f"recipe scores {_gap(psnrs, f'{name}-project', f'{name}-own')} than its own, "
                f"after {project.images_seen / 1e6:.2f} instead of {own.images_seen / 1e6:.2f} "
                "million images."
            )
    for recipe, whose in (("own", "their own recipe"), ("project", "this project's recipe")):
        if {("K2", recipe), ("K2_resize", recipe)} <= set(whole.index):
            gap = _gap(psnrs, f"K2_resize-{recipe}", f"K2-{recipe}")
            sentences.append(
                f"K2', which upsamples before it convolves, scores {gap} than K2, by {whose}."
            )
    return sentences + [
        f"{name} by its own recipe reaches a cross-entropy of {whole.bce[(name, 'own')]:.4f} "
        f"on the test images; published: {tutorial.known_bce:.4f}."
        for name, tutorial in TUTORIALS_BY_NAME.items()
        if tutorial.known_bce and (name, "own") in whole.index
    ]


def _gap(psnrs: pd.DataFrame, first: str, second: str) -> str:
    """Format the first method's PSNR gain over the second: "0.31 dB [0.24, 0.38] more"."""
    one, other = psnrs[[first, second]].dropna().to_numpy(float).T[:, None]
    found = intervals.difference(one, other)
    word, low, high = (
        ("more", found.low, found.high) if found.mean >= 0 else ("less", -found.high, -found.low)
    )
    return f"{abs(found.mean):.2f} dB [{low:.2f}, {high:.2f}] {word}"
