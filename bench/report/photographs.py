"""Shipped networks for photographs and pages, from their committed tables and cards."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from bench import labels
from bench.report import benchmark_table, figures, pages
from bench.schema import LEVELS
from bench.scoring import published
from bench.scoring.methods import CLEAN, CORRELATED, ENSEMBLE
from bench.tables_io import frames
from bench.tables_io.markdown import piped
from denoise.datasets import DATASETS
from denoise.models import weights
from denoise.noise_level import ESTIMATORS
from denoise.train.settings import Settings

PART = "photographs and pages"
SHORT = "photographs in short"
TABLE = benchmark_table.RESULTS / "photographs" / "table.csv"
CAMERA = benchmark_table.CAMERA / "table.csv"
LEVELS_FILE = benchmark_table.RESULTS / "levels.csv"
CURVES = pages.FIGURES / "training-shipped.png"
NETWORKS = ("photo-gray", "photo-color", "document")
CHECK = "dncnn-gray-25"  # network of a paper, for one level, trained like the shipped networks
CHECK_SIGMA, CHECK_SET, CHECK_PAPER = 25 / 255, "bsd68", "published DnCNN-S (one network a level)"
FLOORS = ("black", "mean")  # a photograph is far from both
COSTS = ("Parameters", "M MACs", "CPU ms")
IN_SHORT = {  # test set, sigma and reference of each network in the README
    "photo-gray": ("bsd68", 25 / 255, "published DnCNN-B (blind)"),
    "photo-color": ("cbsd68", 25 / 255, "published CDnCNN-B (blind)"),
    "document": ("documents", 0.0, "noisy"),
}


def update() -> None:
    """Write the tables and sentences into their pages, and draw the validation scores."""
    frame = benchmark_table.read(TABLE)
    pages.update(pages.PHOTOGRAPHS, PART, part(frame, benchmark_table.read(CAMERA)))
    pages.update(pages.README, SHORT, short(frame))
    figures.write(figures.curves(cards()), CURVES, stamp())


def part(frame: pd.DataFrame, correlated: pd.DataFrame) -> str:
    """Write the page's part: gaps to papers, trainings, a table per dataset, sigma estimates."""
    drawn = pages.image(
        pages.PHOTOGRAPHS, CURVES, "Validation PSNR by the number of training images, per training"
    )
    estimates = levels(frames.read_csv(LEVELS_FILE, LEVELS))
    parts = [
        *distances(frame),
        check(frame),
        trainings(),
        *tables(frame),
        *camera(correlated),
        drawn,
        estimates,
    ]
    return "\n\n".join(parts) + "\n"


def short(frame: pd.DataFrame) -> str:
    """Write the README's table: a row per shipped network, with the score and one reference."""
    rows = []
    for name, (dataset, sigma, reference) in IN_SHORT.items():
        at = frame[(frame.dataset == dataset) & np.isclose(frame.sigma, sigma)].set_index("method")
        own, other = at.loc[name], at.loc[reference]
        noise = f", sigma {labels.level(sigma)}" if sigma else ""
        rows.append(
            {
                "Network": f"`{name}`",
                "Test images": f"{labels.dataset(dataset)}{noise}",
                "PSNR (dB)": f"{own.psnr_db:.2f}",
                "Reference (dB)": f"{other.label}: {other.psnr_db:.2f}",
                "Difference": f"{own.psnr_db - other.psnr_db:+.2f}",
                "Parameters": f"{own.parameters:,.0f}",
            }
        )
    return piped(pd.DataFrame(rows))


def distances(frame: pd.DataFrame) -> list[str]:
    """Write one sentence per dataset: the PSNR gaps of the best blind network to published ones.

    A dataset measured on a part of its images is left out, because their mean differs.
    """
    said = []
    for dataset, rows in frame.groupby("dataset", sort=False):
        if rows.pictures.max() != published.PICTURES.get(dataset):
            continue
        scores = rows.pivot(index="method", columns="sigma", values="psnr_db")
        best = scores[scores.index.isin(NETWORKS)].mean(axis=1).idxmax()
        levels = ", ".join(labels.level(sigma) for sigma in scores.columns)
        for anchor in (
            row for row in scores.index if row.startswith("published") and "blind" in row
        ):
            of = rows[rows.method == anchor].label.iloc[0].removesuffix(", published")
            text = (
                f"{labels.dataset(dataset)} at sigma {levels}: `{best}` minus {of}: "
                f"{_gaps(scores, best, anchor)} dB"
            )
            if best + ENSEMBLE in scores.index:
                text += f"; with `--ensemble`: {_gaps(scores, best + ENSEMBLE, anchor)} dB"
            said.append(f"{text}.")
    return said


def _gaps(scores: pd.DataFrame, method: str, anchor: str) -> str:
    return ", ".join(f"{gap:+.2f}" for gap in scores.loc[method] - scores.loc[anchor])


def check(frame: pd.DataFrame) -> str:
    """Compare DnCNN, trained in this project's loop, with the score in its paper."""
    at = frame[(frame.dataset == CHECK_SET) & np.isclose(frame.sigma, CHECK_SIGMA)].set_index(
        "method"
    )
    own, paper, level = at.psnr_db[CHECK], at.psnr_db[CHECK_PAPER], labels.level(CHECK_SIGMA)
    size = f"{at.parameters[CHECK] / 1e6:.2f} M parameters"
    return (
        f"Check of the training loop: `{CHECK}`, the paper's network of {size} trained here for "
        f"{level} alone, scores {own:.2f} dB at that level on {labels.dataset(CHECK_SET)}, "
        f"{own - paper:+.2f} dB from the {paper:.2f} dB of the paper. It was trained for no other "
        "level."
    )


def trainings() -> str:
    """List the training lengths and training data of each network."""
    lines = []
    for name, card in cards().items():
        stages = []
        for images, training in weights.history(card):
            settings = Settings.of(training)
            what = (
                f"{images:,} crops of {settings.patch}x{settings.patch} from "
                f"{DATASETS[settings.dataset].label}"
            )
            kept = " with frozen normalization statistics (`--norm frozen`)" * (
                settings.norm == "frozen"
            )
            stages.append(
                f"{what} by {settings.optimizer.capitalize()}{kept}, {_long(training)} on "
                f"{_where(training)}"
            )
        lines.append(f"- `{name}`: {'; then '.join(stages)}.")
    return "\n".join(lines)


def _long(card: dict[str, Any]) -> str:
    hours = card["seconds"] / 3600
    return f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"


def _where(card: dict[str, Any]) -> str:
    ran = card["run_on"]
    if ran["device"] != "cpu":
        return f"one {ran['device']}"
    return labels.counted(ran["threads"], "processor thread")


def tables(frame: pd.DataFrame) -> list[str]:
    """Write one table per dataset, with PSNR by sigma and the measured costs.

    The last entry names the machine.
    """
    parts = []
    for dataset in frame.dataset.unique():
        rows = frame[(frame.dataset == dataset) & ~frame.method.isin(FLOORS)]
        # without added noise, a method that takes sigma as an input changes nothing
        if not rows.sigma.any():
            rows = rows[~rows.told_sigma]
        shown = benchmark_table.wide(rows, dataset)
        levels = [column for column in shown.columns if column not in benchmark_table.COSTS]
        kept = [*levels, *(column for column in COSTS if shown[column].notna().any())]
        measured = rows[rows.status != published.PUBLISHED].iloc[0]
        said = f"**{labels.dataset(dataset)}**, {measured.pictures:.0f} test images"
        if rows.sigma.any():
            said += f", {'clipped' if measured.clipped else 'unclipped'} Gaussian noise"
        parts.append(f"{said}: PSNR in dB.\n\n{benchmark_table.pipes(shown[kept])}")
    timed = frame.dropna(subset="cpu_ms_p50").iloc[0]
    return [
        *parts,
        f"CPU ms: one image, {timed.cpu}, {timed.cpu_threads:.0f} threads, {timed['dtype']}.",
    ]


def camera(frame: pd.DataFrame) -> list[str]:
    """State the PSNR gain on images with correlated noise, with the table of all methods."""
    ours = next(name for name in CORRELATED if name.endswith(CLEAN))
    shown = (
        frame.drop_duplicates("method").set_index("method")[["label"]].set_axis(["Method"], axis=1)
    )
    gains, sets = [], {}
    for dataset, rows in frame.groupby("dataset", sort=False):
        at, name = rows.set_index("method"), DATASETS[dataset].label
        gained = at.psnr_db[ours] - at.psnr_db
        worst = at.worst_gain_db.round(2) + 0.0  # not "-0.00"
        gains.append(
            f"{gained['noisy']:+.2f} dB over the noisy input (worst image {worst[ours]:+.2f} dB) "
            f"and {gained['blur']:+.2f} dB over a blur on {name}"
        )
        sets[name] = at.pictures.max()
        shown[name], shown[f"{name}: lowest gain"] = at.psnr_db, worst
    shown = shown.loc[shown[[*sets]].mean(axis=1).sort_values(ascending=False).index]
    counts = " and ".join(f"{count:.0f} images of {name}" for name, count in sets.items())
    return [
        f"**Correlated noise**, {counts}: PSNR in dB, and the lowest gain of an image over its "
        "noisy input. A noisy JPEG has white noise of sigma 25/255 and quality 90, 4:2:0. Every "
        "method is blind. *Estimated sigma* is scikit-image's estimate times the best factor on "
        "noisy JPEG files of BSDS500 (`python -m bench tune --jpeg`).",
        benchmark_table.pipes(shown.reset_index(drop=True)),
        f"`photo-color` as `python -m denoise` uses it gains {'; '.join(gains)}.",
    ]


def levels(frame: pd.DataFrame) -> str:
    """Tabulate the errors of the sigma estimates: a row per dataset and estimator."""
    cells = frame.assign(
        error=[f"{row.rmse_255:.2f} ({row.bias_255:+.2f})" for row in frame.itertuples()],
        Dataset=frame.dataset.map(labels.dataset),
        Estimator=[ESTIMATORS[name].label for name in frame.estimator],
    )
    wide = cells.pivot(index=["Dataset", "Estimator"], columns="sigma_255", values="error")
    return (
        "**Sigma estimated from the noisy image alone**: root mean square error (bias) by true "
        f"sigma, all in units of 1/255.\n\n{piped(wide.reset_index())}"
    )


def cards() -> dict[str, dict[str, Any]]:
    """Load the card of each network."""
    return {
        name: json.loads(weights.locate(name).with_suffix(".json").read_text())
        for name in (*NETWORKS, CHECK)
    }


def stamp() -> str:
    """Return the stamp of the training curves: the hash of the cards."""
    return figures.stamp(
        *(weights.locate(name).with_suffix(".json") for name in (*NETWORKS, CHECK))
    )
