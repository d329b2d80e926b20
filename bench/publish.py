"""Everything for readers, made from the collected results and from nothing else.

RESULTS/report.md, report.html, report.tex   the sentences and every table
RESULTS/report.csv                           the tables of the arms, one below the other
docs/figures/*.png                           figures, each stamped with the hash of its data
README.md                                    the answer, one table and two figures
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench import (
    answer,
    collect,
    cost_tables,
    figures,
    labels,
    render,
    sentences,
    tables,
    transfer_tables,
    tutorial_rows,
)
from bench.budgets import REFERENCE
from bench.columns import DIFFERENCES, METHODS, SUMMARY
from bench.quality import Corruption, noisy_batches
from bench.recipe import Recipe
from bench.render import Picture, Report
from bench.summary import both_ways
from bench.tables import Table
from denoise import datasets, engine
from denoise.files import whole_file
from denoise.metrics import psnr
from denoise.noise import NOISES

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FIGURES = ROOT / "docs" / "figures"
BEGIN, END = "<!-- answer: made by `python -m bench report`, do not edit -->", "<!-- end of answer -->"
SHOWN = ("mnist", True)  # the training set and clamping of the README's table and figures
EXAMPLES, EXAMPLE_SIGMA = 4, 0.4  # pictures of the strips, and their noise
CAPTIONS = {  # what is to be seen on each kind of figure, and how to read it
    "examples": (
        f"Test pictures under clipped noise of sigma {EXAMPLE_SIGMA} and what each arm makes of them (seed 0, equal "
        "channels). Below each its PSNR: one picture says nothing of an arm."
    ),
    "psnr": (
        "Left: PSNR by noise level at equal MACs; where curves lie on one another, the arms differ by less than a line "
        "is wide. Right: the difference from nearest + conv 3x3, each arm moved a little aside. An interval that "
        "leaves out the line at 0 is a difference, of this pair and level."
    ),
    "pareto": (
        "PSNR (mean over the levels) against each cost: higher is better, further left is cheaper. The marker is the "
        "budget; a network that is on several is drawn once. A bar is the interval of the difference from nearest + "
        "conv 3x3 at the same budget: where it reaches that arm's point, the two tie. Dashed: what nothing cheaper "
        "reaches."
    ),
    "spectra": (
        "Power spectra of the residual, the middle being the lowest frequency; below, less that of nearest + conv 3x3. "
        "A checkerboard of period 2 would stand at the corners and at the middles of the sides, one of period 4 "
        "halfway from there to the middle."
    ),
}
TIMED_BATCH = 128  # pictures a call behind the time of a picture in figures
log = logging.getLogger("bench")


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


def texts(results: Results) -> dict[Path, str]:
    """Every text of the report, by the file that it belongs into."""
    folder = results.folder
    report = Report(
        "Which decoder should a denoising autoencoder use?",
        sentences.in_short(results.differences),
        tables.question(results.differences),
        _said(results),
        _captioned(results),
        list(every_table(results)),
    )
    own = [table.cells.assign(table=table.title) for table in tables.own(results.summary, results.methods)]
    return {
        folder / "report.md": render.markdown(report),
        folder / "report.html": render.page(report),
        folder / "report.tex": "\n\n".join(render.latex(table) for table in (report.answer, *report.tables)) + "\n",
        folder / "report.csv": pd.concat(own).to_csv(index=False),
        README: with_answer(README.read_text(), results),
    }


def _said(results: Results) -> dict[str, list[str]]:
    """The answer in sentences below headings, then how it was measured."""
    said = answer.verdicts(results.differences, results.methods)
    worth = tutorial_rows.worth(*_taught(results))
    if worth:
        said["Recipe or decoder"] = worth
    said["How it was measured"] = [
        answer.method(results.recipe),
        answer.missing(results.methods, results.recipe, _taught(results)[0]),
    ]
    return said


def _captioned(results: Results) -> list[Picture]:
    """The figures, with what is to be seen on each and how to read it."""
    there = Path(os.path.relpath(FIGURES, results.folder))
    shown = [Picture(there / "examples.png", "Test pictures and every arm's answer", CAPTIONS["examples"])]
    for dataset, clipped in _trained(results.summary):
        end = f"{dataset}-{'clipped' if clipped else 'unclipped'}.png"
        where = f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"
        shown += [
            Picture(there / f"psnr-{end}", f"PSNR by noise level: {where}", f"{where}. {CAPTIONS['psnr']}"),
            Picture(there / f"pareto-{end}", f"Quality against cost: {where}", f"{where}. {CAPTIONS['pareto']}"),
        ]
    if (results.folder / "spectra.parquet").is_file():
        shown.append(Picture(there / "spectra.png", "Power spectra of the residuals", CAPTIONS["spectra"]))
    return shown


def pictures(results: Results) -> Iterator[tuple[str, figures.Figure, str]]:
    """Every figure that needs the results alone: its name, itself, and the stamp of its data."""
    folder = results.folder
    data = (*(folder / f"{name}.csv" for name in ("methods", "summary", "differences")), *_card_files(folder))
    drawn_from = figures.stamp(*data)
    costs = _read_costs(results)
    for dataset, clipped in _trained(results.summary):
        end = f"{dataset}-{'clipped' if clipped else 'unclipped'}.png"
        both = results.summary, results.differences
        yield f"psnr-{end}", figures.psnr_against_sigma(*both, dataset, clipped), drawn_from
        yield f"pareto-{end}", figures.quality_against_cost(*both, costs, dataset, clipped), drawn_from
    spectra, meters = folder / "spectra.parquet", folder / "checkerboard.csv"
    if spectra.is_file():
        networks = _alike(collect.read_meters(meters))
        yield "spectra.png", figures.spectra(pd.read_parquet(spectra), networks), figures.stamp(spectra, meters)


def _card_files(folder: Path) -> list[Path]:
    """The cost cards, a file a machine and device."""
    return sorted(folder.glob("costs-*.csv"))


def _read_costs(results: Results) -> pd.DataFrame:
    return _costs(results.methods, [collect.read_costs(path) for path in _card_files(results.folder)])


def _costs(methods: pd.DataFrame, cards: list[pd.DataFrame]) -> pd.DataFrame:
    """Every cost of an arm (down) at a budget, each named as the axis of a figure."""
    networks = methods[methods.budgets.notna()].drop_duplicates(["arm", "widths"])
    of_budget = networks.assign(budget=networks.budgets.str.split()).explode("budget").set_index(["arm", "budget"])
    costs = pd.DataFrame(
        {"MACs (millions)": of_budget.macs / 1e6, "Parameters (thousands)": of_budget.parameters / 1e3}
    )
    for card in cards:
        timed = (card.batch == TIMED_BATCH) & (card.cpu_threads == card.cpu_threads.max())
        at = card[timed & card.budgets.notna()]  # a user's own network is on no budget
        rate = at.assign(budget=at.budgets.str.split()).explode("budget").set_index(["arm", "budget"]).images_per_s
        costs[f"µs a picture by {TIMED_BATCH} ({_machine(at.iloc[0])})"] = 1e6 / rate
    return costs.astype(float)


def _machine(row: pd.Series) -> str:
    return row.gpu if row.device == "cuda" else f"{row.cpu}, {labels.counted(row.cpu_threads, 'thread')}"


def example(results: Results, root: Path | None) -> tuple[str, figures.Figure, str]:
    """A few test pictures under noise and what each arm makes of them: seed 0, equal channels.

    Raises
    ------
    MissingData
        The dataset is not there.
    """
    dataset, clipped = SHOWN
    clean, _, noisy = next(
        noisy_batches(
            datasets.load(dataset, "test", root).spread(EXAMPLES), Corruption("gaussian", EXAMPLE_SIGMA, clipped)
        )
    )
    there = results.methods[~results.methods.missing & (results.methods.seed == 0)]
    there = there[(there.dataset == dataset) & (there.clipped == clipped) & there.budgets.str.contains("channels")]
    images = {"Clean": clean, "Noisy": noisy}
    for row in there.itertuples():
        denoiser = engine.load(results.folder / "weights" / f"{row.method}.safetensors", "cpu")
        images[labels.arm(row.arm).label] = denoiser.estimate(noisy)
    scores = {name: psnr(preds, clean, data_range=1.0).numpy() for name, preds in images.items() if name != "Clean"}
    shown = {name: preds[:, 0].numpy() for name, preds in images.items()}
    stamp = figures.stamp(results.folder / "methods.csv")
    return "examples.png", figures.strips(shown, scores), stamp


def every_table(results: Results) -> Iterator[Table]:
    """The tables of the report, in its order."""
    costs = _read_costs(results)
    for dataset, clipped in _trained(results.summary):
        yield tables.overview(results.summary, costs, dataset, clipped)
    yield from tables.own(results.summary, results.methods)
    yield from transfer_tables.crossed(results.summary)
    yield from transfer_tables.carried(results.summary, None)
    for noise in NOISES.names():
        if noise != "gaussian":
            yield from transfer_tables.carried(results.summary, noise)
    meters = results.folder / "checkerboard.csv"
    if meters.is_file():
        yield tables.checkerboards(_alike(collect.read_meters(meters)))
    taught, _ = _taught(results)
    if len(taught):
        yield tables.tutorials(taught)
    for path in _card_files(results.folder):
        yield from cost_tables.costs(collect.read_costs(path))


def _alike(meters: pd.DataFrame) -> pd.DataFrame:
    """The networks that differ in the arm alone: one training set and clamping, equal channels, seeds that all have."""
    dataset, clipped = SHOWN
    rows = meters[(meters.dataset == dataset) & (meters.clipped == clipped)]
    rows = rows[rows.widths == rows[rows.arm == REFERENCE].widths.iloc[0]]
    seeds = set.intersection(*(set(of_arm) for _, of_arm in rows.groupby("arm").seed))
    return rows[rows.seed.isin(seeds)]


def _taught(results: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the tutorials' networks and the scores of each picture; empty where there are none yet."""
    return tutorial_rows.read(results.folder.parent / "tutorials")


def with_answer(text: str, results: Results) -> str:
    """The README's `text` with the answer between its two marks."""
    if BEGIN not in text or END not in text:
        raise ValueError(f"the README has no place for the answer: {BEGIN} ... {END}")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{_answer(results)}\n{END}{rest.partition(END)[2]}"


def _answer(results: Results) -> str:
    dataset, clipped = SHOWN
    end = f"{dataset}-{'clipped' if clipped else 'unclipped'}.png"
    overview = tables.overview(results.summary, _read_costs(results), dataset, clipped)
    parts = [sentences.in_short(results.differences)]
    for table in (tables.question(results.differences), overview):
        parts.append(f"**{table.title}.** {table.note}\n\n{render.pipes(table.cells)}")
    parts += [
        f"![PSNR by noise level for every decoder at equal MACs](docs/figures/psnr-{end})",
        CAPTIONS["psnr"],
        f"![Quality against cost for every decoder at every budget](docs/figures/pareto-{end})",
        CAPTIONS["pareto"],
        answer.method(results.recipe),
        answer.missing(results.methods, results.recipe, _taught(results)[0]),
    ]
    return "\n\n".join(parts) + "\n"


def _trained(summary: pd.DataFrame) -> list[tuple[str, bool]]:
    there = summary[summary.budget.notna()]
    return list(dict.fromkeys(zip(there.trained_on, there.trained_clipped, strict=True)))


def write(results: Results, root: Path | None) -> list[Path]:
    """Write every text and figure, each whole or not at all; returns the files.

    The strips of examples need the pictures themselves: without them the old ones stay.
    """
    written = []
    for path, text in texts(results).items():
        with whole_file(path) as partial:
            partial.write_text(text)
        written.append(path)
    drawn = list(pictures(results))
    try:
        drawn.append(example(results, root))
    except datasets.MissingData as error:
        log.warning("the example pictures stay as they are: %s", error)
    for name, figure, stamp in drawn:
        figures.write(figure, FIGURES / name, stamp)
        written.append(FIGURES / name)
    return written
