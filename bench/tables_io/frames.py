"""Result files as data frames, checked against the columns and types of the schema."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandas.api import types

COUNTS = ("seed", "parameters", "macs", "images_seen", "tests")
HASHES = ("commit", "protocol", "weights_sha256", "start_sha256")
VERSIONS = (
    "denoise", "python", "torch", "numpy", "scikit_image", "onnxruntime", "version"
)  # fmt: skip
TEXTS = dict.fromkeys(HASHES + VERSIONS, object)
"""Types of columns with text that may look like a number: a hash of digits, version 2.10."""
TYPES = {"levels": "string", "widths": "string"} | dict.fromkeys(COUNTS, "Int64") | TEXTS
FILLED = ("method", "dataset", "arm", "noise")  # columns without an empty cell
BOOLS = ("clipped", "trained_clipped", "told_sigma", "missing", "kept", "bias")
NUMBERS = {
    "tests", "seed", "parameters", "macs", "images_seen", "train_seconds", "validation_psnr_db",
    "seeds", "pictures", "groups", "seed_sd_db", "psnr_db", "psnr_db_low", "psnr_db_high",
    "ssim", "ssim_low", "ssim_high", "resolvable_db", "activations", "file_bytes", "peak_bytes",
    "peak_bytes_batch", "onnx_difference", "train_images_per_s", "train_batch", "batch",
    "ms_p50", "ms_p90", "calls", "images_per_s", "fraction_of_ceiling", "ceiling_matmul_tmacs",
    "ceiling_conv_tmacs", "ceiling_copy_gb_s", "cpu_threads", "stage_1", "stage_2",
    "picture_period_4", "nyquist", "residual_period_4", "flat_blocks", "sigma", "draw", "share",
    "bce", "mse", "sigma_255", "bias_255", "rmse_255", "worst_255", "cpu_ms_p50", "width",
    "depth", "lr", "images", "validation_psnr_0_db", "validation_psnr_15_db",
    "validation_psnr_25_db", "validation_psnr_50_db"
}  # fmt: skip
"""Numeric columns; empty cells are allowed."""


def check(frame: pd.DataFrame, schema: dict[str, str], path: Path) -> None:
    """Raise ValueError unless a file has the columns of its schema, of the right type."""
    names = list(frame)
    if names != list(schema):
        lacking = [name for name in schema if name not in names]
        strange = [str(name) for name in names if name not in schema]
        problems = "; ".join(
            f"{problem}: {', '.join(columns)}"
            for problem, columns in (("missing", lacking), ("unknown", strange))
            if columns
        )
        raise ValueError(
            f"{path}: columns differ from the schema ({problems or 'order'}); "
            "the file is not changed"
        )
    for name in schema if len(frame) else ():
        if wrong := _wrong(frame[name], name):
            raise ValueError(f"{path}: column {name} {wrong}; the file is not changed")


def _wrong(values: pd.Series, name: str) -> str:
    """Describe the error in the values of a column; empty if there is none."""
    if name in BOOLS and not types.is_bool_dtype(values):
        return "must hold only True and False"
    if name in NUMBERS and not types.is_numeric_dtype(values):
        odd = values[pd.to_numeric(values, errors="coerce").isna() & values.notna()]
        return (
            f"must hold numbers, but holds {odd.iloc[0]!r:.40}"
            if len(odd)
            else "must hold numbers, not text"
        )
    if name in FILLED and values.isna().any():
        return f"is empty in row {int(values.isna().to_numpy().argmax()) + 1}"
    return ""


def read_csv(path: Path, schema: dict[str, str]) -> pd.DataFrame:
    """Read a CSV of the results.

    Raises
    ------
    ValueError
        The file is missing, truncated or of another schema. The message names it, and the file is
        not changed.
    """
    refuse_missing(path)
    try:
        whole = path.read_bytes().endswith(b"\n")
        frame = pd.read_csv(path, dtype=TYPES)
    except (ValueError, TypeError, OverflowError) as error:  # the exceptions that pandas raises
        raise ValueError(f"{path}: malformed CSV ({error}); the file is not changed") from error
    check(frame, schema, path)
    if not whole:
        raise ValueError(f"{path}: the last line is truncated; the file is not changed")
    return frame


def read_parquet(path: Path, schema: dict[str, str]) -> pd.DataFrame:
    """Read a Parquet file of the results; raise ValueError as `read_csv` does."""
    refuse_missing(path)
    try:
        frame = pd.read_parquet(path)
    except Exception as error:
        raise ValueError(
            f"{path}: malformed Parquet file ({error}); the file is not changed"
        ) from error
    check(frame, schema, path)
    return frame


def refuse_missing(path: Path) -> None:
    """Raise ValueError unless the path is a file."""
    if path.is_dir():
        raise ValueError(f"{path}: a folder, not a file; the folder is not changed")
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file; `python -m bench --help` lists the command that makes it"
        )
