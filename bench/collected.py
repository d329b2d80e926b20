"""Collected results as the report reads them: one grid, its costs, and what was taught beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench import collect, labels, tutorial_rows
from bench.bodies import BODIES, Body
from bench.captions import CAPTIONS, SEVERAL
from bench.columns import DIFFERENCES, METHODS, SUMMARY
from bench.recipe import Recipe
from bench.summary import both_ways

TIMED_BATCH = 128  # pictures a call behind the time of a picture in figures


@dataclass(frozen=True)
class Results:
    """What the report is made from; `differences` has each pair in both orders."""

    folder: Path
    recipe: Recipe
    methods: pd.DataFrame
    summary: pd.DataFrame
    differences: pd.DataFrame

    @staticmethod
    def read(folder: Path) -> Results:
        """Read collected results; raises ValueError where a file is missing, cut short or of another schema."""
        schemas = {"methods": METHODS, "summary": SUMMARY, "differences": DIFFERENCES}
        frames = {name: collect.read_csv(folder / f"{name}.csv", schema) for name, schema in schemas.items()}
        frames["differences"] = both_ways(frames["differences"])
        return Results(folder, Recipe.read(folder), **frames)

    @property
    def body(self) -> Body:
        """What the decoders stand in."""
        return BODIES[self.recipe.body]

    @property
    def trained(self) -> list[tuple[str, bool]]:
        """The datasets and clampings that networks were trained on."""
        there = self.summary[self.summary.budget.notna()]
        return list(dict.fromkeys(zip(there.trained_on, there.trained_clipped, strict=True)))

    @property
    def shown(self) -> tuple[str, bool]:
        """The training set and clamping that stand for all: those of the body, the first where they are missing."""
        return self.body.shown if self.body.shown in self.trained or not self.trained else self.trained[0]

    @property
    def budgets(self) -> list[str]:
        """What was held equal between arms that were scored."""
        return list(dict.fromkeys(self.summary.budget.dropna()))

    def caption(self, kind: str) -> str:
        """How to read a figure of that kind."""
        several = SEVERAL if len(self.budgets) > 1 else ""
        return CAPTIONS[kind].format(budget=labels.BUDGETS[labels.asked(self.budgets)[-1]], several=several)

    def card_files(self) -> list[Path]:
        """The cost cards, a file a machine and device."""
        return sorted(self.folder.glob("costs-*.csv"))

    def costs(self) -> pd.DataFrame:
        """Every cost of an arm (down) at a budget, each named as the axis of a figure."""
        return named_costs(self.methods, [collect.read_costs(path) for path in self.card_files()])

    def taught(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows of the tutorials' networks and the scores of each picture; empty where none belong to this body."""
        return tutorial_rows.read(self.folder.parent / "tutorials") if self.body.tutorials else tutorial_rows.none()


def figure_name(kind: str, dataset: str, clipped: bool) -> str:
    """The file of a figure about one training set and clamping."""
    return f"{kind}-{dataset}-{'clipped' if clipped else 'unclipped'}.png"


def named_costs(methods: pd.DataFrame, cards: list[pd.DataFrame]) -> pd.DataFrame:
    """Every cost of an arm (down) at a budget, each named as the axis of a figure."""
    networks = methods[methods.budgets.notna()].drop_duplicates(["arm", "widths"])
    of_budget = networks.assign(budget=networks.budgets.str.split()).explode("budget").set_index(["arm", "budget"])
    costs = pd.DataFrame(
        {"MACs (millions, 28x28)": of_budget.macs / 1e6, "Parameters (thousands)": of_budget.parameters / 1e3}
    )
    for card in cards:
        timed = (card.batch == TIMED_BATCH) & (card.cpu_threads == card.cpu_threads.max())
        at = card[timed & card.budgets.notna()]  # a user's own network is on no budget
        rate = at.assign(budget=at.budgets.str.split()).explode("budget").set_index(["arm", "budget"]).images_per_s
        costs[f"µs a picture by {TIMED_BATCH} ({_machine(at.iloc[0])})"] = 1e6 / rate
    return costs.astype(float)


def _machine(row: pd.Series) -> str:
    return row.gpu if row.device == "cuda" else f"{row.cpu}, {labels.counted(row.cpu_threads, 'thread')}"
