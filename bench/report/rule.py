"""A rule that names the decoder for a budget and a training length, and its regret elsewhere.

The rule is made from the comparison alone. It is checked on settings that were listed in
`bench/results/rule-settings.csv` before any of them was trained: other noise, widths and depths.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from bench import labels, paths
from bench.report import lengths
from bench.report.results import Results
from bench.report.tables import Table
from bench.schema import RULE_SETTINGS
from bench.sweep.budgets import REFERENCE
from bench.tables_io.frames import read_csv
from denoise.decoders import DECODERS

FILE = paths.RESULTS / "rule-settings.csv"
SIZE = ["width", "depth"]
SETTING = ["dataset", "clipped", *SIZE, "budget", "images"]
ALWAYS = (REFERENCE, "transposed_k4")
"""Arms whose constant choice the rule is compared with."""


def scores(results: Iterable[Results]) -> pd.DataFrame:
    """Return the mean PSNR of each decoder (columns) in each setting (rows, `SETTING`)."""
    parts = []
    for one in results:
        rows = lengths.of_budgets(one.methods, one.curves())
        parts.append(rows.assign(width=one.recipe.width, depth=one.recipe.depth))
    rows = pd.concat([pd.DataFrame(columns=[*SETTING, "arm", "psnr_db"]), *parts])
    rows = rows[rows.arm.isin(_comparable())]
    return rows.pivot_table(index=SETTING, columns="arm", values="psnr_db", aggfunc="mean")


def _comparable() -> list[str]:
    """List the decoders but unpooling, which knows more than the other decoders."""
    return [entry.name for entry in DECODERS if not entry.facts.get("needs_indices")]


def decide(known: pd.DataFrame) -> pd.DataFrame:
    """Name the decoder for each budget and length: the one with the smallest mean regret.

    `known` is the output of `scores` on the comparison. Decoders that a setting lacks are left out.
    Columns: budget, images, arm.
    """
    found = []
    for (budget, images), table in known.groupby(level=["budget", "images"]):
        whole = table.dropna(axis="columns")
        if len(whole.columns) > 1:
            regret = whole.rsub(whole.max(axis="columns"), axis="index").mean()
            found.append({"budget": budget, "images": images, "arm": regret.idxmin()})
    return pd.DataFrame(found, columns=["budget", "images", "arm"])


def chosen(rule: pd.DataFrame, budget: str, images: int) -> str:
    """Return the decoder that the rule names, at the nearest length on a log scale."""
    rows = rule[rule.budget == budget]
    if rows.empty:
        return REFERENCE
    return str(rows.arm.iloc[int(np.abs(np.log(rows.images / images)).argmin())])


def settings() -> pd.DataFrame:
    """Read the settings that were listed beforehand."""
    return read_csv(FILE, RULE_SETTINGS)


def regrets(rule: pd.DataFrame, held_out: pd.DataFrame) -> pd.DataFrame:
    """Return the regret in dB against the best decoder of each setting.

    Parameters
    ----------
    rule : pandas.DataFrame
        The output of `decide`.
    held_out : pandas.DataFrame
        The output of `scores` on the settings of the check.

    Returns
    -------
    pandas.DataFrame
        Columns of `SETTING`, best, rule (the decoder that it names), and the regret of the rule and
        of each of `ALWAYS`. Settings without all of these decoders are left out.
    """
    found = []
    for setting, of_setting in held_out.iterrows():
        assert isinstance(setting, tuple)  # its index has several levels
        place = dict(zip(SETTING, setting, strict=True))
        named = chosen(rule, place["budget"], place["images"])
        known = of_setting.dropna()
        if {named, *ALWAYS} <= set(known.index):
            best = known.max()
            found.append(
                place
                | {"best": known.idxmax(), "rule": named, "regret_rule": best - known[named]}
                | {f"regret_{arm}": best - known[arm] for arm in ALWAYS}
            )
    columns = [*SETTING, "best", "rule", "regret_rule", *(f"regret_{arm}" for arm in ALWAYS)]
    return pd.DataFrame(found, columns=columns)


def tables(results: Results, others: list[Results]) -> Iterable[Table]:
    """Yield the rule and its check; nothing before the settings of the check are trained."""
    known = scores([results])
    if known.empty or not FILE.is_file():
        return
    usual = known[known.index.get_level_values("clipped").astype(bool)]
    listed = pd.MultiIndex.from_frame(settings()[SETTING])
    whole = scores([results, *others])
    rule, held_out = decide(usual), whole[whole.index.isin(listed)]
    yield _rule(rule)
    checked = regrets(rule, held_out)
    if len(checked):
        yield _check(checked, len(listed))


def _rule(rule: pd.DataFrame) -> Table:
    cells = rule.assign(
        Budget=rule.budget.map(labels.BUDGETS),
        arm=[labels.arm(arm).label for arm in rule.arm],
        images=[f"{images:,} images" for images in rule.images],
    ).pivot(index="Budget", columns="images", values="arm")
    order = dict.fromkeys(f"{images:,} images" for images in sorted(rule.images))
    return Table(
        "Which decoder to choose",
        "The decoder with the smallest mean regret over the clipped training sets, by budget and "
        "training length. For 8-bit integers in ONNX Runtime, deploy it with `denoise.deploy`.",
        cells[list(order)].reset_index(),
    )


def _check(checked: pd.DataFrame, count: int) -> Table:
    names = {"regret_rule": "the rule"} | {
        f"regret_{arm}": f"always {labels.in_text(arm)}" for arm in ALWAYS
    }
    return Table(
        "Check of the rule",
        f"Regret in dB against the best decoder of each setting, on {len(checked)} of the {count} "
        "settings that were listed before they were trained (`bench/results/rule-settings.csv`).",
        pd.DataFrame(
            {
                "Choice": list(names.values()),
                "Mean regret": [f"{checked[name].mean():.3f}" for name in names],
                "Largest regret": [f"{checked[name].max():.3f}" for name in names],
            }
        ),
    )
