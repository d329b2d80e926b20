"""Answer to the question of one backbone: sentences by training set, recipe, missing networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from bench import labels
from bench.report import (
    factors,
    length_figure,
    lengths,
    pages,
    rate_table,
    render,
    rule,
    sentences,
    tables,
)
from bench.report.captions import CAPTIONS
from bench.report.results import Results, figure_name
from bench.report.sentences import PAIR
from bench.report.tables import Table
from bench.sweep import rates, tutorial_rows
from bench.sweep.backbones import BODIES
from bench.sweep.budgets import BUDGETS
from bench.sweep.grid import Selection
from bench.sweep.recipe import Recipe


def text(results: Results, page: Path) -> str:
    """Write the part of a page: summary, tables and figures of each training set."""
    question = tables.question(results.differences)
    parts = [
        f"**{sentences.headline(results.differences)}**",
        sentences.summary(results.differences),
        f"**{question.title}.** {question.note}",
        render.pipes(question.cells),
        *(part for where in results.trained for part in _training_set(results, page, *where)),
        *_by_factor(results, page),
        *_by_length(results, page),
        recipe(results.recipe),
        missing(results.methods, results.recipe, results.tutorials()[0]),
    ]
    return "\n\n".join(parts)


def _titled(table: Table) -> Iterator[str]:
    """Yield the heading, the note and the cells of a table."""
    yield f"### {table.title}"
    yield table.note
    yield render.pipes(table.cells)


def _by_factor(results: Results, page: Path) -> Iterator[str]:
    """Yield table and figure of what matters more, then the rule; nothing without lengths."""
    others = factors.siblings(results)
    found = factors.spans(results, others)
    if found.empty:
        return
    table = factors.table(found)
    yield from _titled(table)
    yield pages.image(page, pages.FIGURES / factors.NAME, table.title)
    yield CAPTIONS["factors"]
    for table in rule.tables(results, others):
        yield from _titled(table)


def _by_length(results: Results, page: Path) -> Iterator[str]:
    """Yield the table, figures and sentences on training length; nothing for a single length."""
    rows = results.by_length()
    if rows.empty:
        return
    table = lengths.table(rows)
    yield from _titled(table)
    for clipped in dict.fromkeys(rows.clipped):
        yield pages.image(page, pages.FIGURES / length_figure.name(clipped), table.title)
    yield CAPTIONS["lengths"]
    yield " ".join([*lengths.sentences(rows), lengths.converged(rows)])
    for tuned in rate_table.tables(rates.table(), results.recipe):
        yield from _titled(tuned)


def _training_set(results: Results, page: Path, dataset: str, clipped: bool) -> Iterator[str]:
    """Yield the heading, the table and the two figures of a training set."""
    where = f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"
    overview = tables.overview(
        results.summary, results.differences, results.costs(), dataset, clipped
    )
    yield f"### {where}"
    yield overview.note
    yield render.pipes(overview.cells)
    shown = (dataset, clipped) == results.shown
    for kind, name in (("psnr", "PSNR by noise level"), ("pareto", "Quality against cost")):
        path = pages.FIGURES / figure_name(kind, dataset, clipped)
        yield pages.image(page, path, f"{name}: {where}")
        if shown:  # one caption serves the figures of every training set
            yield results.caption(kind)


def verdicts(differences: pd.DataFrame, methods: pd.DataFrame) -> dict[str, list[str]]:
    """Write the results by training set: the pair of the question, then the leaders."""
    found = {}
    for (dataset, clipped), rows in differences.groupby(
        ["trained_on", "trained_clipped"], sort=False
    ):
        pairs, leaders = list[str](), list[str]()
        for budget in BUDGETS:
            pair, leader = sentences.verdicts(rows, budget)
            pairs += [_as_before(budget)] if pair and _same_networks(methods, budget) else pair
            leaders += leader
        found[f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"] = pairs + leaders
    return found


def _same_networks(methods: pd.DataFrame, budget: str) -> bool:
    """Return True if both arms are the networks of equal channels at this budget."""
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


def recipe(recipe: Recipe) -> str:
    """Describe the training of the networks."""
    return (
        f"{BODIES[recipe.body].label} of width {recipe.width} and depth {recipe.depth}, trained "
        f"blind over sigma {_levels(recipe)} on {recipe.images:,} images: batch {recipe.batch}, "
        f"{recipe.optimizer.capitalize()}, schedule {recipe.schedule} from {recipe.lr:g}. Every "
        "arm of a seed sees the same images and the same noise in the same order."
    )


def _levels(recipe: Recipe) -> str:
    low, high = BODIES[recipe.body].training.get("sigma", (0.0, 0.6))
    return f"{low:g} to {labels.level(high)}"


def missing(methods: pd.DataFrame, recipe: Recipe, of_tutorials: pd.DataFrame) -> str:
    """List the missing networks of the plan: every arm and budget with three seeds, and tutorials.

    `of_tutorials` are the rows of the tutorials' networks.
    """
    untrained = tutorial_rows.missing(of_tutorials) if BODIES[recipe.body].tutorials else []
    lacking = f" Missing networks of tutorials: {', '.join(untrained)}." if untrained else ""
    planned = {network.name for network in Selection().networks(recipe)}
    left = methods[methods.missing & methods.method.isin(planned)]
    if left.empty:
        return "Every network of the plan (three seeds) is trained." + lacking
    parts = [
        f"{len(rows)} on {labels.dataset(dataset)} {'clipped' if clipped else 'unclipped'}"
        for (dataset, clipped), rows in left.groupby(["dataset", "clipped"], sort=False)
    ]
    return (
        f"Missing: {len(left)} of the {len(planned)} networks of the plan: {', '.join(parts)}."
        + lacking
    )
