"""Tables for people, made from the summary: one a training set and clamping, a row a method, a column a level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from bench import labels
from bench.budgets import BUDGETS, CEILINGS
from bench.tutorials import PROJECT
from denoise.decoders import DECODERS
from denoise.noise import NOISES


@dataclass(frozen=True)
class Table:
    """A title, what the numbers mean, and the cells as text."""

    title: str
    note: str
    cells: pd.DataFrame


def own(summary: pd.DataFrame, methods: pd.DataFrame, *, intervals: bool = True) -> Iterator[Table]:
    """Every method on the corruption that it was trained for.

    Parameters
    ----------
    summary, methods : pandas.DataFrame
    intervals : bool
        Give each mean with the half width of its 95 % interval.
    """
    rows = summary[
        (summary.trained_on == summary.tested_on)
        & (summary.trained_clipped == summary.clipped)
        & (summary.noise == "gaussian")
    ]
    for (dataset, clipped), found in rows.groupby(["trained_on", "clipped"], sort=False):
        for budget in BUDGETS:
            arms = found[found.budget == budget]
            if arms.empty:
                continue
            yield Table(
                f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}, {labels.BUDGETS[budget]}",
                _note(arms),
                _wide(pd.concat([arms, found[found.budget.isna()]]), _costs(methods, budget), intervals),
            )


def carried(summary: pd.DataFrame, noise: str | None) -> Iterator[Table]:
    """How far networks carry: under a noise that they were not trained on, or (None) on other pictures and clamping.

    At equal channels; mean PSNR with its interval.
    """
    elsewhere = (summary.trained_on != summary.tested_on) | (summary.trained_clipped != summary.clipped)
    chosen = (summary.noise == noise) if noise else elsewhere
    rows = summary[chosen & (summary.budget == "channels")]
    for (dataset, clipped), found in rows.groupby(["trained_on", "trained_clipped"], sort=False):
        trained = f"trained on {labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"
        keys = found.apply(_tested, axis=1) if noise is None else found.levels.replace("all", "Mean")
        cells = found.assign(column=keys, half=found.psnr_db_high - found.psnr_db)
        wide, half = (cells.pivot(index="arm", columns="column", values=name) for name in ("psnr_db", "half"))
        order = wide.mean(axis=1).sort_values(ascending=False).index
        shown = pd.DataFrame({key: _with_interval(wide[key], half[key]) for key in dict.fromkeys(keys)}).loc[order]
        shown.insert(0, "Method", [labels.arm(arm).label for arm in order])
        title = f"{NOISES[noise].label} noise at test time" if noise else "Other pictures, other clamping"
        yield Table(f"{title}: {trained}", _note(found), shown)


def _tested(row: pd.Series) -> str:
    return f"{labels.dataset(row.tested_on)}, {'clipped' if row.clipped else 'unclipped'}, {row.levels}"


def _wide(rows: pd.DataFrame, costs: pd.DataFrame, intervals: bool) -> pd.DataFrame:
    order = rows[rows.levels == "all"].sort_values("psnr_db", ascending=False, na_position="last")
    means = rows.pivot(index="arm", columns="levels", values="psnr_db")
    half = rows.assign(half=rows.psnr_db_high - rows.psnr_db).pivot(index="arm", columns="levels", values="half")
    cells = pd.DataFrame(index=order.arm)
    cells["Method"] = [labels.arm(arm).label + (" (ceiling)" if arm in CEILINGS else "") for arm in order.arm]
    for level in sorted(means.columns):
        shown = "Mean" if level == "all" else level
        cells[shown] = _with_interval(means[level], half[level] if intervals else None).reindex(order.arm)
    for arm, status in zip(order.arm, order.status, strict=True):
        if status != "ok":
            cells.loc[arm, "Mean"] = "invalid"
    cells["Ties"] = order.set_index("arm").ties.fillna("")
    ssim = order.set_index("arm").ssim
    cells["SSIM"] = ["" if pd.isna(value) else f"{value:.4f}" for value in ssim]
    for column, form in (("Parameters", "{:,.0f}"), ("M MACs", "{:.2f}")):
        cells[column] = ["" if pd.isna(v) else form.format(v) for v in costs.reindex(order.arm)[column]]
    return cells.reset_index(drop=True)


def _costs(methods: pd.DataFrame, budget: str) -> pd.DataFrame:
    rows = methods[methods.budgets.fillna("").str.split().map(lambda on: budget in on)].drop_duplicates("arm")
    return pd.DataFrame(
        {"Parameters": rows.parameters.to_numpy(), "M MACs": rows.macs.to_numpy() / 1e6}, index=rows.arm
    )


def _with_interval(means: pd.Series, half: pd.Series | None) -> pd.Series:
    if half is None:
        return means.map(lambda mean: "" if pd.isna(mean) else f"{mean:.2f}")
    return pd.Series(
        [
            "" if pd.isna(mean) else f"{mean:.2f}" + ("" if pd.isna(width) else f" ± {width:.2f}")
            for mean, width in zip(means, half, strict=True)
        ],
        index=means.index,
    )


def _note(rows: pd.DataFrame) -> str:
    most = int(rows.seeds.max())
    fewer = rows[(rows.seeds < most) & (rows.levels == rows.levels.iloc[0])]
    less = "".join(f"; {labels.arm(row.arm).label}: {row.seeds}" for row in fewer.itertuples())
    return (
        "PSNR in dB (± half the 95 % interval); "
        f"{labels.counted(most, 'training seed')}{less}, {rows.pictures.max():,} test pictures."
    )


METERS = {  # column of the checkerboards: heading
    "stage_1": "Stage 1",
    "stage_2": "Stage 2",
    "picture": "Picture",
    "picture_period_4": "Picture/4",
    "nyquist": "Nyquist",
    "residual_period_4": "Residual/4",
}


def checkerboards(meters: pd.DataFrame) -> Table:
    """The meters of every arm, at initialisation and trained: the mean over the seeds.

    Parameters
    ----------
    meters : pandas.DataFrame
        Of one training set and clamping, each arm of the same channels and seeds.
    """
    means = meters.groupby(["arm", "when"])[[*METERS]].mean()
    arms = [arm for arm in DECODERS.names() if (meters.arm == arm).any()]
    cells = pd.DataFrame({"Method": [labels.arm(arm).label for arm in arms]})
    for when in ("initial", "trained"):
        for column, shown in METERS.items():
            cells[f"{shown}, {when}"] = [f"{means.loc[(arm, when), column]:.3g}" for arm in arms]
    row = meters.iloc[0]
    note = (
        f"{labels.dataset(row.dataset)}, {labels.noise('gaussian', row.clipped)}, mean over "
        f"{labels.counted(meters.seed.nunique(), 'training seed')}, the same for every arm. Stage 1 and 2: variance of "
        "the four phases of each 2x2 cell relative to the squared mean, of one upsampling stage's answer to a constant "
        "code. Max-unpooling has 3 there by construction: it puts each value at one of the four places and leaves the "
        "others zero. Picture: the same of the whole decoder's answer; Picture/4: the variance of the 16 phases of "
        "each 4x4 cell that this leaves, which the first stage makes. Nyquist: energy of the residual at the Nyquist "
        "frequencies relative to their neighbours, on flat blocks (1: none in particular); Residual/4: the same at "
        "period 4. Initial: untrained weights, with the normalisation statistics of their own activations."
    )
    return Table("Checkerboards at equal channels", note, cells)


CARD = {  # column of the cost card: heading, unit, form
    "parameters": ("Parameters", 1, "{:,.0f}"),
    "macs": ("M MACs", 1e6, "{:.2f}"),
    "activations": ("Activations", 1, "{:,.0f}"),
    "peak_bytes": ("Peak MB", 1e6, "{:.1f}"),
    "file_bytes": ("File kB", 1e3, "{:.1f}"),
}


def costs(cards: pd.DataFrame) -> Iterator[Table]:
    """The cost card of one machine and device: the arms at equal channels and at equal MACs, own networks in both."""
    row = cards.iloc[0]
    machine = row.gpu if row.device == "cuda" else f"{row.cpu}, {row.cpu_isa}"
    on_budgets = cards.budgets.fillna("").str.split()
    for budget in ("channels", "macs"):
        arms = on_budgets.map(lambda names, budget=budget: budget in names)
        if not arms.any():
            continue
        on = cards[arms | cards.budgets.isna()]
        first = on.drop_duplicates("arm", keep="last").set_index("arm")
        names = [arm if pd.isna(named) else labels.arm(arm).label for arm, named in first.budgets.items()]
        cells = pd.DataFrame({"Method": names}, index=first.index)
        for column, (shown, unit, form) in CARD.items():
            cells[shown] = _filled(first[column] / unit, form)
        for threads, of_threads in on.groupby("cpu_threads"):
            suffix = "" if row.device == "cuda" else f", {labels.counted(threads, 'thread')}"
            cells = cells.join(_rates(of_threads, suffix))
        cells["Deterministic (mode)"] = (first.deterministic + " (" + first.deterministic_mode + ")").fillna("")
        cells["ONNX"] = first.onnx.fillna("")
        yield Table(f"Costs on {machine}, {labels.BUDGETS[budget]}", _card_note(cards), cells.reset_index(drop=True))


def _card_note(cards: pd.DataFrame) -> str:
    row = cards.iloc[0]
    ran = [row["dtype"], row.memory_layout, row.compile_mode, f"torch {row.torch}"]
    ran += [f"ONNX Runtime {version}" for version in cards.onnxruntime.dropna().unique()]
    ran += [f"TF32: {switches}" for switches in cards.tf32.dropna().unique()]
    return (
        f"{', '.join(ran)}; all networks in turn within one run. Peak: added by a batch of {row.peak_bytes_batch}. "
        "Ceiling: the better of the device's own rates of matrix product and convolution. Deterministic: repeated "
        "gradients are equal bit for bit (the same under torch's deterministic mode)."
    )


def _rates(rows: pd.DataFrame, suffix: str) -> pd.DataFrame:
    """Training, times of one picture, pictures a second by number of pictures a call, the best share of the ceiling."""
    arms = rows.groupby("arm", sort=False)
    cells = {"Training images/s" + suffix: _filled(arms.train_images_per_s.first(), "{:,.0f}")}
    for size, at in rows.set_index("arm").groupby("batch"):
        if size == 1:
            cells["ms p50 / p90" + suffix] = at.ms_p50.map("{:.2f}".format) + " / " + at.ms_p90.map("{:.2f}".format)
        else:
            cells[f"images/s by {size}{suffix}"] = at.images_per_s.map("{:,.0f}".format)
    cells["Of the ceiling" + suffix] = _filled(arms.fraction_of_ceiling.max(), "{:.0%}")
    return pd.DataFrame(cells)


def _filled(values: pd.Series, form: str) -> pd.Series:
    """Each value as text; empty where there is none."""
    return values.astype(object).map(lambda value: "" if pd.isna(value) else form.format(value))


def tutorials(rows: pd.DataFrame) -> Table:
    """The tutorials' networks by both recipes."""
    cells = pd.DataFrame({"Network": [labels.arm(name).label for name in rows.network]})
    cells.insert(0, "Id", rows.network)
    cells["Recipe"] = rows.recipe
    cells["Data"] = [labels.dataset(name) for name in rows.dataset]
    cells["sigma"] = rows.sigma.map("{:g}".format)
    cells["PSNR"] = _with_interval(rows.psnr_db, rows.psnr_db_high - rows.psnr_db)
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
        f"Whole test split ({rows.pictures.max():,} pictures), clipped noise, PSNR in dB (± half the 95 % interval "
        "over pictures), one training each. Own: loss, rate, batch, epochs and noise as published, but 55,000 training "
        "pictures (5,000 are held out), PyTorch's initial weights and Adam, which starts anew in K1's second stage. "
        f"Project: fresh noise, cross-entropy, cosine schedule from {PROJECT['lr']:g}. Trained in {precision}."
    )
    return Table("The tutorials' networks, by their own recipes and by the project's", note, cells)
