"""Trainings that support a choice of settings: one row each, with settings and scores."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

import pandas as pd

from bench.schema import PHOTO_TRIALS
from bench.tables_io.frames import read_csv
from denoise import cli
from denoise.files import json_files
from denoise.files.atomic import whole_file
from denoise.registry import ALIASES
from denoise.train.settings import Settings

FILE = "photo-trials.csv"
LEVELS = (0, 15, 25, 50)  # sigma, times 255
TOLERANCE = 1e-4  # of sigma, as rounded in cards
CARD = {
    "settings": dict,
    "validation_psnr": dict[str, float | None],
    "started_from": dict | None,
    "run_on": dict[str, str | int],
    "versions": dict[str, str],
    "sha256": str,
}
"""Entries of a card that a row is made from."""


def add(cards: list[Path], folder: Path) -> pd.DataFrame:
    """Add one row per card to the file of `folder`; return all rows.

    A new row replaces a row of the same weights.

    Raises
    ------
    ValueError
        A file is no card, or the table has other columns; it is not changed.
    """
    target = folder / FILE
    rows = pd.DataFrame([_row(card) for card in cards]).reindex(columns=list(PHOTO_TRIALS))
    held = read_csv(target, PHOTO_TRIALS) if target.exists() else rows[:0]
    kept = held[~held.weights_sha256.isin(rows.weights_sha256)]
    frame = pd.concat([kept, rows]) if len(kept) else rows
    with whole_file(target) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")
    return frame


def row(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card's training as a row of the table."""
    settings = Settings.of(card)
    scores = {float(level): value for level, value in card["validation_psnr"].items()}
    found = {
        f"validation_psnr_{level}_db": next(
            (value for at, value in scores.items() if abs(at - level / 255) < TOLERANCE), math.nan
        )
        for level in LEVELS
    }
    present = {name: ALIASES.get(name, name) for name in PHOTO_TRIALS}  # columns keep old names
    return {
        **{name: getattr(settings, own) for name, own in present.items() if hasattr(settings, own)},
        **found,
        "start_sha256": (card["started_from"] or {}).get("sha256"),
        "precision": card["run_on"]["precision"],
        "torch": card["versions"]["torch"],
        "weights_sha256": card["sha256"],
        "command": shlex.join(["python", "-m", "denoise.train", *cli.words(settings)]),
    }


def _row(card: Path) -> dict[str, Any]:
    try:
        held = json_files.read(card)
        json_files.check(held, CARD, "it", needed=CARD)
        return row(held)
    except (KeyError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"{card}: malformed card ({problem}); valid: the .json beside trained weights"
        ) from error
