"""Tables for readers from the summary: a row per method, a column per level or budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from bench import labels
from bench.report.sentences import PAIR
from bench.stats.intervals import MARGIN
from bench.sweep.budgets import BUDGETS, CEILINGS, REFERENCE
from bench.sweep.summary import own_noise
from bench.sweep.tutorials import PROJECT
from denoise.decoders import DECODERS

CEILING = " (ceiling)"
"""Suffix of the methods above the arms in a table."""


@dataclass(frozen=True)
class Table:
    """Table with a title, a note that explains the numbers, and cells as text."""

    title: str
    note: str
    cells: pd.DataFrame


MARKED = (
    f"Against {labels.in_text(REFERENCE)}: + better, − worse, = equal within "
    f"{MARGIN:g} dB, ? undecided."
)
"""Note on the signs of the verdicts."""


def marks(differences: pd.DataFrame) -> pd.Series:
    """Return the sign of every arm's verdict against the reference, by budget and arm."""
    rows = differences[(differences.other == REFERENCE) & (differences.levels == "all")]
    return rows.set_index(["budget", "arm"]).verdict.map(labels.MARKS)


def own(summary: pd.DataFrame, differences: pd.DataFrame, methods: pd.DataFrame) -> Iterator[Table]:
    """Yield tables of every method on its training corruption.

    Each mean has half its 95 % interval.
    """
    rows = summary[own_noise(summary)]
    gaps = differences[own_noise(differences)]
    for (dataset, clipped), found in rows.groupby(["trained_on", "clipped"], sort=False):
        signs = marks(gaps[(gaps.trained_on == dataset) & (gaps.clipped == clipped)])
        for budget in BUDGETS:
            arms = found[found.budget == budget]
            if arms.empty:
                continue
            yield Table(
                (
                    f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}, "
                    f"{labels.BUDGETS[budget]}"
                ),
                f"{design_note(arms)} {MARKED}",
                _wide(
                    pd.concat([arms, found[found.budget.isna()]]),
                    signs[budget] if budget in signs else pd.Series(dtype=object),
                    _costs(methods, budget),
                ),
            )


def question(differences: pd.DataFrame) -> Table:
    """Build the table of the question: its two arms on every training set, at each budget."""
    first, second = PAIR
    rows = differences[
        own_noise(differences) & (differences.arm == first) & (differences.other == second)
    ]
    levels, rows = labels.span(rows.levels), rows[rows.levels == "all"]
    asked, cells = labels.asked(rows.budget), []
    for (dataset, clipped), found in rows.groupby(["trained_on", "clipped"], sort=False):
        line: dict[str, str | int] = {
            "Trained and tested on": (
                f"{labels.dataset(dataset)}, {'clipped' if clipped else 'unclipped'}"
            )
        }
        for budget in asked:
            row = found[found.budget == budget].iloc[:1]
            line[_capital(labels.BUDGETS[budget])] = "" if row.empty else _verdict(row.iloc[0])
        line["Seeds"] = int(found.seeds.min())
        cells.append(line)
    note = (
        "PSNR of upsampling nearest + conv 3x3 minus PSNR of transposed conv 3x3, in dB, mean over "
        f"{levels}, with its 95 % interval. The last word names the better "
        f"decoder, or says that both are equal within {MARGIN:g} dB, or that it is undecided."
    )
    if "channels" in asked:
        note += " At equal parameters, both are the networks of equal channels."
    return Table("Nearest + conv against transposed conv", note, pd.DataFrame(cells))


def _verdict(row: pd.Series) -> str:
    gap, low, high = (
        round(value, 2) + 0.0 for value in (row.psnr_db, row.psnr_db_low, row.psnr_db_high)
    )
    word = {"better": "nearest", "worse": "transposed"}.get(row.verdict, row.verdict)
    return f"{gap:+.2f} [{low:.2f}, {high:.2f}] {word if row.seeds > 1 else '(one training)'}"


def overview(
    summary: pd.DataFrame,
    differences: pd.DataFrame,
    costs: pd.DataFrame,
    dataset: str,
    clipped: bool,
) -> Table:
    """Build the table of every arm at every budget on one training set, with its costs.

    Parameters
    ----------
    summary, differences : pandas.DataFrame
    costs : pandas.DataFrame
        One row per arm and budget (its index), one column per cost, named for readers; NaN if not
        measured.
    dataset : str
    clipped : bool
    """
    rows = summary[
        own_noise(summary) & (summary.trained_on == dataset) & (summary.clipped == clipped)
    ]
    levels, rows = labels.span(rows.levels), rows[rows.levels == "all"]
    trained, floors = rows[rows.budget.notna()], rows[rows.budget.isna()]
    means = trained.pivot(index="arm", columns="budget", values="psnr_db")
    gaps = differences[own_noise(differences) & (differences.trained_on == dataset)]
    signs = marks(gaps[gaps.clipped == clipped])
    order = sorted(means.index, key=lambda arm: (arm in CEILINGS, -means.loc[arm].dropna().iloc[0]))
    cells = pd.DataFrame({"Method": [_labelled(arm) for arm in order]}, index=order)
    for budget in [budget for budget in BUDGETS if budget in means]:
        shown = [
            f"{means[budget][arm]:.2f} {signs.get((budget, arm), '')}".strip() for arm in order
        ]
        cells[_capital(labels.BUDGETS[budget])] = [text.replace("nan", "") for text in shown]
    first = labels.asked(trained.budget)[0]
    at = [(arm, "parameters" if arm in CEILINGS else first) for arm in order]
    for cost in costs:
        values = costs[cost].reindex(pd.MultiIndex.from_tuples(at)).to_numpy()
        cells[cost] = ["" if pd.isna(value) else f"{value:.1f}" for value in values]
    floors = floors.sort_values("psnr_db", ascending=False)
    without = ", ".join(
        f"{labels.in_text(row.arm)} {row.psnr_db:.2f}" for row in floors.itertuples()
    )
    note = (
        f"Mean PSNR in dB over {levels}, {_seeds(trained)}, "
        f"{trained.pictures.max():,} test images. {MARKED} "
        f"Costs are those at {labels.BUDGETS[first]}. Without training: "
        f"{without}."
    )
    where = f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"
    title = "every budget" if means.shape[1] > 1 else "quality and cost"
    return Table(f"{where}, {title}", note, cells.reset_index(drop=True))


def _labelled(arm: str) -> str:
    return labels.arm(arm).label + (CEILING if arm in CEILINGS else "")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def level_heading(levels: str) -> str:
    """Return the heading of a column of these levels."""
    return "Mean" if levels == "all" else labels.level(float(levels))


def level_order(levels: str) -> float:
    """Return the sort key of a column: by number, with the mean last."""
    return float("inf") if levels == "all" else float(levels)


def _wide(rows: pd.DataFrame, signs: pd.Series, costs: pd.DataFrame) -> pd.DataFrame:
    order = rows[rows.levels == "all"].sort_values("psnr_db", ascending=False, na_position="last")
    means = rows.pivot(index="arm", columns="levels", values="psnr_db")
    half = rows.assign(half=rows.psnr_db_high - rows.psnr_db).pivot(
        index="arm", columns="levels", values="half"
    )
    cells = pd.DataFrame(index=order.arm)
    cells["Method"] = [_labelled(arm) for arm in order.arm]
    for level in sorted(means.columns, key=level_order):
        cells[level_heading(level)] = with_interval(means[level], half[level]).reindex(order.arm)
    for arm, status in zip(order.arm, order.status, strict=True):
        if status != "ok":
            cells.loc[arm, "Mean"] = "invalid"
    cells["Verdict"] = [signs.get(arm, "") for arm in order.arm]
    ssim = order.set_index("arm").ssim
    cells["SSIM"] = ["" if pd.isna(value) else f"{value:.4f}" for value in ssim]
    for column, form in (("Parameters", "{:,.0f}"), ("M MACs", "{:.2f}")):
        cells[column] = [
            "" if pd.isna(v) else form.format(v) for v in costs.reindex(order.arm)[column]
        ]
    return cells.reset_index(drop=True)


def _costs(methods: pd.DataFrame, budget: str) -> pd.DataFrame:
    rows = methods[
        methods.budgets.fillna("").str.split().map(lambda on: budget in on)
    ].drop_duplicates("arm")
    return pd.DataFrame(
        {"Parameters": rows.parameters.to_numpy(), "M MACs": rows.macs.to_numpy() / 1e6},
        index=rows.arm,
    )


def with_interval(means: pd.Series, half: pd.Series) -> pd.Series:
    """Format means as text, each with half its interval if it has one."""
    return pd.Series(
        [
            "" if pd.isna(mean) else f"{mean:.2f}" + ("" if pd.isna(width) else f" ± {width:.2f}")
            for mean, width in zip(means, half, strict=True)
        ],
        index=means.index,
    )


def design_note(rows: pd.DataFrame) -> str:
    """Write the note on a table's numbers: units, intervals, seeds and test images."""
    return (
        f"PSNR in dB (± half the 95 % interval); {_seeds(rows)}, {rows.pictures.max():,} test "
        "images."
    )


def _seeds(rows: pd.DataFrame) -> str:
    """Write the number of training seeds behind a mean, with the arms that have fewer."""
    most = int(rows.seeds.max())
    fewer = rows[rows.seeds < most].drop_duplicates("arm")
    less = ", ".join(f"{labels.arm(row.arm).label}: {row.seeds}" for row in fewer.itertuples())
    return labels.counted(most, "training seed") + (f" ({less})" if less else "")


def _measured(value: float) -> str:
    return labels.three_figures(value) if abs(value) > ROUNDING else "0"


ROUNDING = 1e-9  # rounding error of float32 if phases are equal
METERS = {  # column of checkerboard.csv: heading
    "stage_1": "Stage 1",
    "stage_2": "Stage 2",
    "picture": "Image",
    "picture_period_4": "Image/4",
    "nyquist": "Nyquist",
    "residual_period_4": "Residual/4",
}


def checkerboards(meters: pd.DataFrame) -> Table:
    """Build the table of checkerboard metrics of every arm, mean over the seeds.

    Parameters
    ----------
    meters : pandas.DataFrame
        Rows of one training set and clamping; every arm has the same channels and seeds.
    """
    means = meters.groupby(["arm", "when"])[[*METERS]].mean()
    arms = [arm for arm in DECODERS.names() if (meters.arm == arm).any()]
    cells = pd.DataFrame({"Method": [labels.arm(arm).label for arm in arms]})
    for when in ("initial", "trained"):
        for column, shown in METERS.items():
            cells[f"{shown}, {when}"] = [_measured(means.loc[(arm, when), column]) for arm in arms]
    row = meters.iloc[0]
    note = (
        f"{labels.dataset(row.dataset)}, {labels.noise('gaussian', row.clipped)}, mean over "
        f"{labels.counted(meters.seed.nunique(), 'training seed')}, the same for every arm. "
        "Stage 1 and Stage 2: output of one upsampling stage for a constant code; variance over "
        "the four phases of each 2x2 cell, relative to the squared mean. Max-unpooling has 3 there "
        "by construction, because three of four values are zero. Image: the same for the whole "
        "decoder. Image/4: the remaining variance over the 16 phases of each 4x4 cell, from the "
        "first stage. Nyquist: energy of the residual at the Nyquist frequencies relative to "
        "their neighbors, on flat blocks (1: no pattern). Residual/4: the same at period 4. "
        "Initial: untrained weights, with normalization statistics of their own activations."
    )
    return Table("Checkerboards at equal channels", note, cells)


def tutorials(rows: pd.DataFrame) -> Table:
    """Build the table of the tutorials' networks under both recipes."""
    cells = pd.DataFrame({"Network": [labels.arm(name).label for name in rows.network]})
    cells.insert(0, "Id", rows.network)
    cells["Recipe"] = rows.recipe
    cells["Data"] = [labels.dataset(name) for name in rows.dataset]
    cells["sigma"] = rows.sigma.map("{:g}".format)
    cells["PSNR"] = with_interval(rows.psnr_db, rows.psnr_db_high - rows.psnr_db)
    for column, shown, form in (
        ("ssim", "SSIM", "{:.4f}"),
        ("bce", "BCE", "{:.4f}"),
        ("mse", "MSE", "{:.4f}"),
        ("images_seen", "Images seen", "{:,.0f}"),
        ("parameters", "Parameters", "{:,.0f}"),
    ):
        cells[shown] = rows[column].map(form.format)
    cells["M MACs"] = (rows.macs / 1e6).map("{:.2f}".format)
    cells["Known result"] = rows.known.fillna("")
    precision = ", ".join(rows.train_precision.unique())
    note = (
        f"Whole test split ({rows.pictures.max():,} images), clipped noise, PSNR in dB (± half the "
        "95 % interval over images), one training each. Own recipe: loss, learning rate, batch, "
        "epochs, noise and initial weights as published. Two things differ: 55,000 training images "
        "(5,000 are held out), and PyTorch's Adam, which restarts in K1's second stage. Project's "
        "recipe: new noise in every batch, cross-entropy, cosine schedule from "
        f"{PROJECT['lr']:g}. Trained in {precision}."
    )
    return Table("The tutorials' networks, by their own recipes and by the project's", note, cells)
