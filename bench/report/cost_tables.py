"""Cost card of a machine and device as a table for readers."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from bench import labels
from bench.report.tables import Table

CARD = {  # column of the cost card: heading, unit, format
    "parameters": ("Parameters", 1, "{:,.0f}"),
    "macs": ("M MACs", 1e6, "{:.2f}"),
    "activations": ("Activations", 1, "{:,.0f}"),
    "peak_bytes": ("Peak MB", 1e6, "{:.1f}"),
    "file_bytes": ("File kB", 1e3, "{:.1f}"),
}


def costs(cards: pd.DataFrame) -> Iterator[Table]:
    """Yield the tables of one machine and device, one per budget, with users' networks in each."""
    row = cards.iloc[0]
    machine = row.gpu if row.device == "cuda" else f"{row.cpu}, {row.cpu_isa}"
    on_budgets = cards.budgets.fillna("").str.split()
    for budget in labels.asked(name for name in on_budgets.explode().dropna() if name):
        arms = on_budgets.map(lambda names, budget=budget: budget in names)
        if not arms.any():
            continue
        on = cards[arms | cards.budgets.isna()]
        first = on.drop_duplicates("arm", keep="last").set_index("arm")
        names = [
            arm if pd.isna(named) else labels.arm(arm).label for arm, named in first.budgets.items()
        ]
        cells = pd.DataFrame({"Method": names}, index=first.index)
        for column, (shown, unit, form) in CARD.items():
            cells[shown] = _filled(first[column] / unit, form)
        for threads, of_threads in on.groupby("cpu_threads"):
            suffix = "" if row.device == "cuda" else f", {labels.counted(threads, 'thread')}"
            cells = cells.join(_rates(of_threads, suffix))
        cells["Deterministic (mode)"] = (
            first.deterministic + " (" + first.deterministic_mode + ")"
        ).fillna("")
        cells["ONNX"] = first.onnx.fillna("")
        yield Table(
            f"Costs on {machine}, {labels.BUDGETS[budget]}",
            _card_note(cards),
            cells.reset_index(drop=True),
        )


def _card_note(cards: pd.DataFrame) -> str:
    row = cards.iloc[0]
    ran = [row["dtype"], row.memory_layout, row.compile_mode, f"torch {row.torch}"]
    ran += [f"ONNX Runtime {version}" for version in cards.onnxruntime.dropna().unique()]
    ran += [f"TF32: {switches}" for switches in cards.tf32.dropna().unique()]
    return (
        f"{', '.join(ran)}; all networks take turns within one run. Peak: memory added by a batch "
        f"of {row.peak_bytes_batch}. Ceiling: the device's own rate of matrix products or "
        "convolutions, whichever is higher. Deterministic: repeated gradients are equal bit for "
        "bit (in parentheses: in torch's deterministic mode)."
    )


def _rates(rows: pd.DataFrame, suffix: str) -> pd.DataFrame:
    """Tabulate the rates of training and inference, and the best share of the ceiling."""
    arms = rows.groupby("arm", sort=False)
    cells = {"Training images/s" + suffix: _filled(arms.train_images_per_s.first(), "{:,.0f}")}
    for size, at in rows.set_index("arm").groupby("batch"):
        if size == 1:
            cells["ms p50 / p90" + suffix] = (
                at.ms_p50.map("{:.2f}".format) + " / " + at.ms_p90.map("{:.2f}".format)
            )
        else:
            cells[f"images/s, batch {size}{suffix}"] = at.images_per_s.map("{:,.0f}".format)
    cells["Of the ceiling" + suffix] = _filled(arms.fraction_of_ceiling.max(), "{:.0%}")
    return pd.DataFrame(cells)


def _filled(values: pd.Series, form: str) -> pd.Series:
    """Format each value as text; empty if missing."""
    return values.astype(object).map(lambda value: "" if pd.isna(value) else form.format(value))
