"""Sentences of the report: the results on each training set, the training settings, and the missing networks."""

from __future__ import annotations

import pandas as pd

from bench import labels
from bench.report import sentences
from bench.report.sentences import PAIR
from bench.sweep import tutorial_rows
from bench.sweep.backbones import BODIES
from bench.sweep.budgets import BUDGETS
from bench.sweep.grid import Selection
from bench.sweep.recipe import Recipe


def verdicts(differences: pd.DataFrame, methods: pd.DataFrame) -> dict[str, list[str]]:
    """Write the results in sentences by training set: first the pair of the question, then the leading arms."""
    said = {}
    for (dataset, clipped), rows in differences.groupby(
        ["trained_on", "trained_clipped"], sort=False
    ):
        pairs, leaders = list[str](), list[str]()
        for budget in BUDGETS:
            pair, leader = sentences.verdicts(rows, budget)
            pairs += [_as_before(budget)] if pair and _same_networks(methods, budget) else pair
            leaders += leader
        said[f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"] = pairs + leaders
    return said


def _same_networks(methods: pd.DataFrame, budget: str) -> bool:
    """Return True if both arms of the question are, at this budget, the networks of equal channels."""
    return budget != "channels" and all(
        _on(methods, arm, budget).budgets.str.contains("channels").all() for arm in PAIR
    )


def _on(methods: pd.DataFrame, arm: str, budget: str) -> pd.DataFrame:
    """Return the networks of an arm on a budget."""
    rows = methods[(methods.arm == arm) & methods.budgets.notna()]
    return rows[rows.budgets.str.split().map(lambda names: budget in names)]


def _as_before(budget: str) -> str:
    """Write the sentence that replaces a second comparison of the same networks."""
    first, second = map(labels.in_text, PAIR)
    return f"At {labels.BUDGETS[budget]}, {first} and {second} are the networks of equal channels."


def method(recipe: Recipe) -> str:
    """Describe the training of the networks."""
    return (
        f"{BODIES[recipe.body].label} of width {recipe.width} and depth {recipe.depth}, each trained once, blind over "
        f"sigma {_levels(recipe)}, "
        f"on {recipe.images:,} pictures (batch {recipe.batch}, Adam, highest learning rate {recipe.lr:g}, cosine), "
        "the same pictures and noise in the same order for every arm of a seed."
    )


def _levels(recipe: Recipe) -> str:
    low, high = BODIES[recipe.body].training.get("sigma", (0.0, 0.6))
    return f"{low:g} to {labels.level(high)}"


def missing(methods: pd.DataFrame, recipe: Recipe, taught: pd.DataFrame) -> str:
    """List the missing networks of the plan: every arm and budget with three seeds, and the tutorials' networks.

    `taught` are the rows of the tutorials' networks.
    """
    untaught = tutorial_rows.missing(taught) if BODIES[recipe.body].tutorials else []
    of_tutorials = (
        f" Of the tutorials' networks are missing: {', '.join(untaught)}." if untaught else ""
    )
    planned = {network.name for network in Selection().networks(recipe, possible=True)}
    lacking = methods[methods.missing & methods.method.isin(planned)]
    if lacking.empty:
        return "Every network of the plan (three seeds) is there." + of_tutorials
    parts = [
        f"{len(rows)} on {labels.dataset(dataset)} {'clipped' if clipped else 'unclipped'}"
        for (dataset, clipped), rows in lacking.groupby(["dataset", "clipped"], sort=False)
    ]
    return (
        f"Missing: {len(lacking)} of the {len(planned)} networks of the plan: {', '.join(parts)}."
        + of_tutorials
    )
