"""Layout of a grid's working folder: weights, scores of each image, locks.

Every file is written atomically.

FOLDER/recipe.json                 training settings of all networks
FOLDER/weights/NAME.safetensors    a trained network, with its card NAME.json
FOLDER/scores/SUITE/NAME.parquet   PSNR and SSIM of each image under each test corruption of a suite
FOLDER/curves/NAME.csv             scores of every training length of a network
FOLDER/locks/NAME.lock             lock held by the run that works on NAME
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import filelock
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.schema import PROVENANCE
from bench.sweep.recipe import Recipe
from denoise.files import json_files
from denoise.files.atomic import whole_file

TYPES = {
    "dataset": "string",
    "split": "string",
    "noise": "string",
    "clipped": "bool",
    "sigma": "float64",
    "draw": "int64",
    "picture": "string",
    "psnr_db": "float32",
    "ssim": "float32",
}
"""Columns of one method's scores: `bench.schema.SCORES` without the method.

There is one row per image and corruption.
"""
FACTS = dict.fromkeys(PROVENANCE, str | None) | {"weights_sha256": str | None}
"""Metadata of a score file: provenance and the checksum of the weights."""


class Store:
    """One folder of results, safe for several runs at once.

    Raises
    ------
    ValueError
        The folder holds a grid of another recipe.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder, self.recipe = folder, recipe
        if (folder / "recipe.json").exists() and (found := Recipe.read(folder)) != recipe:
            raise ValueError(
                f"{folder} holds networks of another recipe ({found}): use another folder"
            )

    def claim(self) -> None:
        """Write the recipe to the folder unless a recipe is there."""
        if not (self.folder / "recipe.json").exists():
            self.recipe.write(self.folder)

    def weights(self, name: str) -> Path:
        """Return the path of a network's weights."""
        return self.folder / "weights" / f"{name}.safetensors"

    def scores(self, suite: str, name: str) -> Path:
        """Return the path of a method's scores in a suite."""
        return self.folder / "scores" / suite / f"{name}.parquet"

    def curve(self, name: str) -> Path:
        """Return the path of a network's scores by training length."""
        return self.folder / "curves" / f"{name}.csv"

    def trained(self, name: str) -> bool:
        """Return True if the network is complete: its card is written after its weights."""
        return self.weights(name).with_suffix(".json").exists()

    def lock(self, name: str) -> filelock.FileLock:
        """Return the lock of `name`.

        The operating system releases a held lock if its process dies.
        """
        path = self.folder / "locks" / f"{name}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(path)


def write_scores(path: Path, frame: pd.DataFrame, facts: dict[str, Any]) -> None:
    """Write the scores of one method; `facts` is stored as JSON metadata."""
    table = pa.Table.from_pandas(frame[list(TYPES)].astype(TYPES), preserve_index=False)
    table = table.replace_schema_metadata(
        {**(table.schema.metadata or {}), b"facts": json.dumps(facts).encode()}
    )
    with whole_file(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def read_scores(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read the scores of one method and the facts that were written with them.

    Raises
    ------
    ValueError
        The file is truncated, or has other columns.
    """
    if path.is_dir():
        raise ValueError(f"{path}: a folder, not a file; the folder is not changed")
    try:
        table = pq.read_table(path)
        frame = table.to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{path}: malformed Parquet file ({error}): remove the file to score again"
        ) from error
    facts = (table.schema.metadata or {}).get(b"facts")
    if list(table.column_names) != list(TYPES) or facts is None:
        raise ValueError(
            f"{path}: columns are {table.column_names}, expected {list(TYPES)}; "
            "the file is not changed"
        )
    held = json_files.parse(facts, f"{path}: metadata")
    json_files.check(held, FACTS, f"{path}: metadata", needed=FACTS)
    try:
        return frame.astype(TYPES), held
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{path}: a column has values of another type ({error}); the file is not changed"
        ) from error
