"""Table of one run for readers, made from the tidy CSV alone: on the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from bench import labels
from bench.paths import RESULTS
from bench.schema import COLUMNS, FILES, INVALID
from bench.scoring import methods
from bench.tables_io import frames
from bench.tables_io.markdown import piped, plain
from denoise.datasets import DATASETS
from denoise.files.atomic import whole_file

CAMERA = RESULTS / "camera"
COSTS = ("Parameters", "M MACs", "CPU ms", "CPU images/s", "GPU ms", "GPU images/s")


def write(frame: pd.DataFrame, folder: Path) -> list[Path]:
    """Write table.csv (every column) and table.md (the readable form), each atomically."""
    table, readable = folder / "table.csv", folder / "table.md"
    with whole_file(table) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g")
    with whole_file(readable) as partial:
        partial.write_text(markdown(read(table)))  # from the CSV, so that both show the same digits
    return [table, readable]


def read(path: Path) -> pd.DataFrame:
    """Read the tidy table of a CSV that `write` made.

    Columns missing in an older file are empty, except `status`, which becomes "ok".

    Raises
    ------
    ValueError
        The file is missing.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such table; `python -m bench --out {path.parent}` makes one")
    frame = pd.read_csv(path, dtype=frames.TEXTS)
    return frame.assign(status=frame.get("status", "ok")).reindex(columns=list(COLUMNS))


def wide(frame: pd.DataFrame, dataset: str, score: str = "psnr_db") -> pd.DataFrame:
    """Arrange one dataset for readers: a row per method, a column per noise level, the costs.

    An invalid score is shown as that word, and its method comes last.
    """
    rows = frame[frame.dataset == dataset]
    shown = rows[score].astype(object).mask(_invalid(rows), INVALID)
    table = rows.assign(shown=shown).pivot(index="method", columns="sigma", values="shown")
    table.columns = [labels.level(sigma) for sigma in table.columns]
    costs = rows.drop_duplicates("method").set_index("method")
    if not rows.sigma.any():
        # no noise besides the noise of the images
        table.columns = ["PSNR" if score == "psnr_db" else "SSIM"]
    if score == "psnr_db" and DATASETS[dataset].facts.get("measure") == "rmse":
        table["RMSE"] = [f"{value:.4f}" for value in costs.rmse[table.index]]
    table.insert(0, "Method", costs.label)
    measured = [costs.parameters, costs.macs / 1e6, costs.cpu_ms_p50, costs.cpu_images_per_s]
    measured += [costs.gpu_ms_p50, costs.gpu_images_per_s]
    for name, column in zip(COSTS, measured, strict=True):
        table[name] = column
    means = rows.groupby("method")[score].agg(lambda scores: scores.mean(skipna=False))
    order = means.sort_values(ascending=False).index
    return table.loc[order].reset_index(drop=True)


def markdown(frame: pd.DataFrame) -> str:
    """Write the table in Markdown.

    Per dataset: comparison of decoders, PSNR with costs, SSIM, settings.
    """
    by_dataset = {name: frame[frame.dataset == name] for name in frame.dataset.unique()}
    parts = [said for said in map(verdict, by_dataset.values()) if said]
    for dataset, rows in by_dataset.items():
        trained = (
            "; in parentheses: the training set of a network"
            if rows.trained_on.notna().any()
            else ""
        )
        by_level = " by noise level sigma" * bool(rows.sigma.any())
        parts += [f"#### {dataset}", f"PSNR in dB{by_level}, and costs{trained}:"]
        scores = wide(frame, dataset)
        parts += [
            pipes(scores.drop(columns=[name for name in COSTS if scores[name].isna().all()])),
            *_reasons(rows),
        ]
        shown = wide(frame, dataset, "ssim").drop(columns=list(COSTS))
        parts += [f"SSIM{by_level}:", pipes(shown, digits=4)]
        parts.append(settings(rows))
    return "\n\n".join(parts) + "\n"


def settings(rows: pd.DataFrame) -> str:
    """Describe the protocol of one dataset's rows in two sentences."""
    row = rows.iloc[0]
    added = (
        f"{row.noise} noise, {'clipped to [0, 1]' if row.clipped else 'unclipped'}, draw "
        f"{row.draw:.0f}"
    )
    added = added if rows.sigma.any() else "no added noise"
    gpu = "no GPU" if pd.isna(row.gpu) else row.gpu
    timed = rows.batch.notna().any()
    return (  # counts are floats if published rows, which have none, are in the same file
        f"{row.pictures:,.0f} {row.split} images of {row.height:.0f}x{row.width:.0f}; {added}; "
        f"PSNR per image, data_range 1; SSIM: {row.ssim_convention}. "
        f"{'Times' if timed else 'Computed on'}: {row.cpu}, {row.cpu_threads:.0f} threads, "
        f"{row.cpu_isa}; {gpu}; {row['dtype']}, {row.memory_layout}, {row.compile_mode}, "
        f"torch {row.torch}"
        + (f"; ms for one image, images/s in batches of {rows.batch.max():.0f}." if timed else ".")
    )


def verdict(rows: pd.DataFrame) -> str:
    """Compare the decoders trained on this dataset, at sigma 0.4 or the middle level.

    If no decoder was trained on it, compare all decoders.
    """
    levels = sorted(rows.sigma.unique())
    sigma = 0.4 if 0.4 in levels else levels[len(levels) // 2]
    at = rows[(rows.sigma == sigma) & rows.decoder.notna() & ~_invalid(rows)]
    # skip the noise-conditional and self-ensemble variants
    at = at[at.method.map(methods.plain) == at.method]
    name = rows.iloc[0].dataset
    own = at[at.trained_on == DATASETS[name].facts.get("training", name)]
    ranked = (own if len(own) else at).sort_values("psnr_db", ascending=False)
    # there, one decoder appears in several uses
    if len(ranked) < 2 or DATASETS[name].facts.get("correlated"):
        return ""
    best = ranked.iloc[0]
    gaps = [(best.psnr_db - row.psnr_db, plain(row.label)) for row in ranked.iloc[1:].itertuples()]
    others = ", ".join(f"{gap:.2f} dB over {label}" for gap, label in gaps)
    return (
        f"On {plain(name)} at sigma {labels.level(sigma)}: **{plain(best.label)}** reaches "
        f"{best.psnr_db:.2f} dB (± {best.psnr_ci95_db:.2f} over images), {others}. "
        "One training seed each."
    )


def _invalid(rows: pd.DataFrame) -> pd.Series:
    return rows.status.str.startswith(INVALID)


def _reasons(rows: pd.DataFrame) -> list[str]:
    """Write one line for each row without a score."""
    return [
        f"{plain(row.label)} at sigma {row.sigma:g}: {row.status}."
        for row in rows[_invalid(rows)].itertuples()
    ]


def update() -> None:
    """Write the readable form of each committed table beside it, and the page on the columns."""
    made = {RESULTS / "README.md": columns_text()}
    made |= {
        path.with_suffix(".md"): markdown(read(path)) for path in sorted(RESULTS.rglob("table.csv"))
    }
    for path, text in made.items():
        with whole_file(path) as partial:
            partial.write_text(text)


def columns_text() -> str:
    """Write the page on the result files and the meaning of each column."""
    parts = [
        "# Results",
        "`make table` makes `table.csv` here, in `photographs` and in `camera` (the shipped "
        "networks). Other files are made by these commands: "
        "`tuning.csv` by `python -m bench tune`, in `camera` with `--jpeg`, "
        "`rescore.csv` by `python -m bench rescore --out bench/results`, `levels.csv` by "
        "`python -m bench levels`, `speed` by `python -m bench speed --out bench/results/speed`, "
        "`scale` by `python -m bench scale --out bench/results/scale`, `reach` by "
        "`python -m bench reach --optimizers muon --out bench/results/reach`, "
        "`early` by `python -m bench early`, "
        "`photo-trials.csv` by `python -m bench trials` from the cards of trainings. "
        "`python -m bench report` makes this page and every `table.md` from them. Each other "
        "folder is a grid of one recipe. `python -m bench grid` trains and scores it; `collect`, "
        "`checkerboard` and `costs` write its data; `report` makes everything for readers; "
        "`verify` scores random cells again.",
    ]
    for file, columns in FILES.items():
        lines = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in columns.items())
        parts.append(f"## `{file}`\n\n| column | meaning |\n|---|---|\n{lines}")
    return "\n\n".join(parts) + "\n"


def pipes(table: pd.DataFrame, digits: int = 2) -> str:
    """Render a Markdown table; counts have thousands separators, times three figures."""
    shown = table.copy()
    for column in shown.columns[1:]:
        form = "{:,.0f}" if column == "Parameters" or column.endswith("/s") else f"{{:,.{digits}f}}"
        text = labels.three_figures if column.endswith("ms") else form.format
        shown[column] = [_text(value, text) for value in shown[column]]
    return piped(shown, scores=True)


def _text(value: str | float, text: Callable[[float], str]) -> str:
    if isinstance(value, str):
        return value
    return "" if pd.isna(value) else text(value)
