"""README part on the shipped networks for photographs and pages, from their committed table and cards."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from bench import labels
from bench.report import benchmark_table, figures
from bench.report.readme import README, ROOT, with_part
from bench.schema import LEVELS
from bench.scoring import published
from bench.scoring.methods import CLEAN, CORRELATED, ENSEMBLE
from bench.tables_io import frames
from bench.tables_io.markdown import piped
from denoise.datasets import DATASETS
from denoise.files.atomic import whole_file
from denoise.models import weights
from denoise.noise_level import ESTIMATORS
from denoise.train.settings import Settings

PART = "photographs and pages"
TABLE = benchmark_table.RESULTS / "photographs" / "table.csv"
CAMERA = benchmark_table.CAMERA / "table.csv"
LEVELS_FILE = benchmark_table.RESULTS / "levels.csv"
CURVES = ROOT / "docs" / "figures" / "training-shipped.png"
NETWORKS = ("photo-gray", "photo-color", "document")
CHECK = "dncnn-gray-25"  # network of a paper, for one level, trained like the shipped networks
CHECK_SIGMA, CHECK_SET, CHECK_PAPER = 25 / 255, "bsd68", "published DnCNN-S (one network a level)"
FLOORS = ("black", "mean")  # a photograph is far from both
COSTS = ("Parameters", "M MACs", "CPU ms")


def update() -> None:
    """Write the tables and sentences into the README, and draw the validation scores during training."""
    text = with_part(
        README.read_text(), PART, part(benchmark_table.read(TABLE), benchmark_table.read(CAMERA))
    )
    with whole_file(README) as partial:
        partial.write_text(text)
    figures.write(figures.curves(cards()), CURVES, stamp())


def part(frame: pd.DataFrame, correlated: pd.DataFrame) -> str:
    """Write the README's part: gaps to papers, trainings, one table per dataset, errors of sigma estimates."""
    drawn = (
        "![Validation PSNR by the number of pictures seen, a line for each "
        f"training]({CURVES.relative_to(ROOT)})"
    )
    told = levels(frames.read_csv(LEVELS_FILE, LEVELS))
    parts = [
        *distances(frame),
        check(frame),
        trainings(),
        *tables(frame),
        *camera(correlated),
        drawn,
        told,
    ]
    return "\n\n".join(parts) + "\n"


def distances(frame: pd.DataFrame) -> list[str]:
    """Write one sentence per dataset: the PSNR gap of the best blind network to published blind ones, at each level.

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
                f"{labels.dataset(dataset)} at {levels}: `{best}` less {of}: "
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
        f"A check of the training loop: `{CHECK}`, the paper's network of {size}, trained by it for {level} alone, has "
        f"{own:.2f} dB there on {labels.dataset(CHECK_SET)}, {own - paper:+.2f} dB from the {paper:.2f} dB of the "
        "paper. At other levels it was never trained."
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
            kept = " under statistics that stay (`--norm kept`)" * (settings.norm == "kept")
            stages.append(
                f"{what} by {settings.optimiser.capitalize()}{kept}, {_long(training)} on "
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
        said = f"**{labels.dataset(dataset)}**, {measured.pictures:.0f} test pictures"
        if rows.sigma.any():
            said += f", {'clipped' if measured.clipped else 'unclipped'} Gaussian noise"
        parts.append(f"{said}: PSNR in dB.\n\n{benchmark_table.pipes(shown[kept])}")
    timed = frame.dropna(subset="cpu_ms_p50").iloc[0]
    return [
        *parts,
        f"CPU ms: one picture, {timed.cpu}, {timed.cpu_threads:.0f} threads, {timed['dtype']}.",
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
            f"{gained['noisy']:+.2f} dB over the noisy input (worst image {worst[ours]:+.2f} dB) and "
            f"{gained['blur']:+.2f} dB over a blur on {name}"
        )
        sets[name] = at.pictures.max()
        shown[name], shown[f"{name}: lowest gain"] = at.psnr_db, worst
    shown = shown.loc[shown[[*sets]].mean(axis=1).sort_values(ascending=False).index]
    counts = " and ".join(f"{count:.0f} images of {name}" for name, count in sets.items())
    return [
        f"**Correlated noise**, {counts}: PSNR in dB, and the lowest gain of an image over its noisy input. A noisy "
        "JPEG has white noise of sigma 25/255 and was saved at quality 90, 4:2:0. No method is told the level. "
        "*Estimated sigma* is that of scikit-image, times the factor that is best on noisy JPEG files of BSDS500 "
        "(`python -m bench tune --jpeg`).",
        benchmark_table.pipes(shown.reset_index(drop=True)),
        f"`photo-color` as `python -m denoise` uses it gains {'; '.join(gains)}.",
    ]


def levels(frame: pd.DataFrame) -> str:
    """Tabulate the errors of the sigma estimates: one row per dataset and estimator, one column per level."""
    cells = frame.assign(
        error=[f"{row.rmse_255:.2f} ({row.bias_255:+.2f})" for row in frame.itertuples()],
        Dataset=frame.dataset.map(labels.dataset),
        Estimator=[ESTIMATORS[name].label for name in frame.estimator],
    )
    wide = cells.pivot(index=["Dataset", "Estimator"], columns="sigma_255", values="error")
    return (
        "**The level of the noise, told from the noisy picture alone**: root mean square error (bias), all times "
        f"1/255.\n\n{piped(wide.reset_index())}"
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
