"""Collected results as input of the report: one grid, its costs, and the tutorials' networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench import labels
from bench.report import lengths
from bench.report.captions import CAPTIONS, SEVERAL
from bench.schema import CURVES, DIFFERENCES, METHODS, SUMMARY
from bench.sweep import collect, tutorial_rows
from bench.sweep.backbones import BODIES, Body
from bench.sweep.recipe import Recipe
from bench.sweep.summary import both_ways
from bench.tables_io.frames import read_csv, read_parquet

LONG = "long"  # folder of longer trainings of a few seeds, beside the results
TIMED_BATCH = 128  # batch size behind the time per image in figures


@dataclass(frozen=True)
class Results:
    """Results that the report is made from; `differences` has each pair in both orders."""

    folder: Path
    recipe: Recipe
    methods: pd.DataFrame
    summary: pd.DataFrame
    differences: pd.DataFrame

    @staticmethod
    def read(folder: Path) -> Results:
        """Read collected results.

        Raise ValueError if a file is missing, truncated or of another schema.
        """
        return Results(
            folder,
            Recipe.read(folder),
            methods=read_csv(folder / "methods.csv", METHODS),
            summary=read_csv(folder / "summary.csv", SUMMARY),
            differences=both_ways(read_parquet(folder / "differences.parquet", DIFFERENCES)),
        )

    @property
    def body(self) -> Body:
        """Backbone of the recipe."""
        return BODIES[self.recipe.body]

    @property
    def trained(self) -> list[tuple[str, bool]]:
        """Datasets and clampings of the trained networks."""
        there = self.summary[self.summary.budget.notna()]
        return list(dict.fromkeys(zip(there.trained_on, there.trained_clipped, strict=True)))

    @property
    def shown(self) -> tuple[str, bool]:
        """Training set and clamping of the single figures: the backbone's, else the first."""
        return (
            self.body.shown
            if self.body.shown in self.trained or not self.trained
            else self.trained[0]
        )

    @property
    def budgets(self) -> list[str]:
        """Budgets of the scored arms."""
        return list(dict.fromkeys(self.summary.budget.dropna()))

    def caption(self, kind: str) -> str:
        """Return the caption of a kind of figure."""
        several = SEVERAL if len(self.budgets) > 1 else ""
        return CAPTIONS[kind].format(
            budget=labels.BUDGETS[labels.asked(self.budgets)[-1]], several=several
        )

    def curves(self) -> pd.DataFrame:
        """Read the scores of each network by training length; empty if the recipe has none."""
        path = self.folder / "curves.csv"
        return read_csv(path, CURVES) if path.is_file() else pd.DataFrame(columns=list(CURVES))

    def by_length(self) -> pd.DataFrame:
        """Return the scores by training length, also of the longer trainings in `LONG`.

        The output of `lengths.of_budgets`. A length that both folders have is listed once. Empty if
        the recipe has one length.
        """
        longer = self.folder.parent / LONG
        folders = [self, *([Results.read(longer)] if longer.is_dir() else [])]
        parts = [
            lengths.of_budgets(one.methods, one.curves())
            for one in folders
            if one.recipe.body == self.recipe.body
        ]
        rows = pd.concat([lengths.none(), *parts])
        rows = rows.drop_duplicates([*lengths.WHERE, "arm", "seed", "images"], ignore_index=True)
        return rows if rows.images.nunique() > 1 else lengths.none()

    def curve_files(self) -> list[Path]:
        """List the files behind `by_length`."""
        names = ("curves.csv", "methods.csv")
        found = [f / name for f in (self.folder, self.folder.parent / LONG) for name in names]
        return [path for path in found if path.is_file()]

    def card_files(self) -> list[Path]:
        """List the cost cards, one file per machine and device."""
        return sorted(self.folder.glob("costs-*.csv"))

    def costs(self) -> pd.DataFrame:
        """Return the costs by arm and budget (rows), one column per cost, named as an axis."""
        return named_costs(self.methods, [collect.read_costs(path) for path in self.card_files()])

    def tutorials(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Read the rows and scores of the tutorials' networks.

        Empty if the backbone's report has none.
        """
        return (
            tutorial_rows.read(self.folder.parent / "tutorials")
            if self.body.tutorials
            else tutorial_rows.none()
        )


def figure_name(kind: str, dataset: str, clipped: bool) -> str:
    """Return the file name of a figure about one training set and clamping."""
    return f"{kind}-{dataset}-{'clipped' if clipped else 'unclipped'}.png"


def named_costs(methods: pd.DataFrame, cards: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the costs by arm and budget (rows), one column per cost, named as an axis."""
    networks = methods[methods.budgets.notna()].drop_duplicates(["arm", "widths"])
    of_budget = (
        networks.assign(budget=networks.budgets.str.split())
        .explode("budget")
        .set_index(["arm", "budget"])
    )
    costs = pd.DataFrame(
        {
            "MACs (millions, 28x28)": of_budget.macs / 1e6,
            "Parameters (thousands)": of_budget.parameters / 1e3,
        }
    )
    for card in cards:
        timed = (card.batch == TIMED_BATCH) & (card.cpu_threads == card.cpu_threads.max())
        at = card[timed & card.budgets.notna()]  # a user's own network is on no budget
        rate = (
            at.assign(budget=at.budgets.str.split())
            .explode("budget")
            .set_index(["arm", "budget"])
            .images_per_s
        )
        costs[f"µs per image, batch {TIMED_BATCH} ({_machine(at.iloc[0])})"] = 1e6 / rate
    return costs.astype(float)


def _machine(row: pd.Series) -> str:
    return (
        row.gpu
        if row.device == "cuda"
        else f"{row.cpu}, {labels.counted(row.cpu_threads, 'thread')}"
    )
