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

from bench import collect, cost_tables, figures, labels, render, sentences, tables, tutorial_rows
from bench.budgets import BUDGETS, REFERENCE
from bench.columns import CHECKERBOARD, COSTS, DIFFERENCES, METHODS, SUMMARY
from bench.grid import Selection
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
        "Which decoder?",
        [sentences.in_short(results.differences), _recipe(results.recipe), missing(results)],
        verdicts(results),
        _captioned(results),
        list(every_table(results)),
    )
    own = [table.cells.assign(table=table.title) for table in tables.own(results.summary, results.methods)]
    return {
        folder / "report.md": render.markdown(report),
        folder / "report.html": render.page(report),
        folder / "report.tex": "\n\n".join(render.latex(table) for table in report.tables) + "\n",
        folder / "report.csv": pd.concat(own).to_csv(index=False),
        README: with_answer(README.read_text(), results),
    }


def _captioned(results: Results) -> list[Picture]:
    """The figures, with what is to be seen on each."""
    said = {"examples.png": "Test pictures under noise, and what each arm makes of them (seed 0, equal channels)."}
    for dataset, clipped in _trained(results.summary):
        end = f"{dataset}-{'clipped' if clipped else 'unclipped'}.png"
        where = f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"
        said[f"psnr-{end}"] = f"{where}: PSNR by noise level at equal MACs, and the difference from nearest + conv 3x3."
        said[f"pareto-{end}"] = f"{where}: PSNR against each cost, every arm at every budget, and the Pareto front."
    if (results.folder / "spectra.parquet").is_file():
        said["spectra.png"] = (
            "Power spectra of the residual, and less that of nearest + conv 3x3. A checkerboard of period 2 would "
            "stand at the corners and at the middles of the sides, one of period 4 halfway from there to the middle."
        )
    there = Path(os.path.relpath(FIGURES, results.folder))
    return [Picture(there / name, caption) for name, caption in said.items()]


def pictures(results: Results) -> Iterator[tuple[str, figures.Figure, str]]:
    """Every figure that needs the results alone: its name, itself, and the stamp of its data."""
    folder = results.folder
    cards = _card_files(folder)
    drawn_from = figures.stamp(*(folder / f"{name}.csv" for name in ("methods", "summary", "differences")), *cards)
    costs = _costs(results.methods, [collect.read_csv(path, COSTS) for path in cards])
    for dataset, clipped in _trained(results.summary):
        end = f"{dataset}-{'clipped' if clipped else 'unclipped'}.png"
        both = results.summary, results.differences
        yield f"psnr-{end}", figures.psnr_against_sigma(*both, dataset, clipped), drawn_from
        yield f"pareto-{end}", figures.quality_against_cost(*both, costs, dataset, clipped), drawn_from
    spectra, meters = folder / "spectra.parquet", folder / "checkerboard.csv"
    if spectra.is_file():
        networks = _alike(collect.read_csv(meters, CHECKERBOARD))
        yield "spectra.png", figures.spectra(pd.read_parquet(spectra), networks), figures.stamp(spectra, meters)


def _card_files(folder: Path) -> list[Path]:
    """The cost cards, a file a machine and device."""
    return sorted(folder.glob("costs-*.csv"))


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
    yield tables.question(results.differences)
    yield from tables.own(results.summary, results.methods)
    yield from tables.crossed(results.summary)
    yield from tables.carried(results.summary, None)
    for noise in NOISES.names():
        if noise != "gaussian":
            yield from tables.carried(results.summary, noise)
    meters = results.folder / "checkerboard.csv"
    if meters.is_file():
        yield tables.checkerboards(_alike(collect.read_csv(meters, CHECKERBOARD)))
    taught = _taught(results)
    if taught:
        yield tables.tutorials(taught[0])
    for path in _card_files(results.folder):
        yield from cost_tables.costs(collect.read_csv(path, COSTS))


def _alike(meters: pd.DataFrame) -> pd.DataFrame:
    """The networks that differ in the arm alone: one training set and clamping, equal channels, seeds that all have."""
    dataset, clipped = SHOWN
    rows = meters[(meters.dataset == dataset) & (meters.clipped == clipped)]
    rows = rows[rows.widths == rows[rows.arm == REFERENCE].widths.iloc[0]]
    seeds = set.intersection(*(set(of_arm) for _, of_arm in rows.groupby("arm").seed))
    return rows[rows.seed.isin(seeds)]


def verdicts(results: Results) -> dict[str, list[str]]:
    """The answer in sentences, below the training set that they speak of; the mean over the levels, each budget."""
    said = {}
    for dataset, clipped in _trained(results.summary):
        differences = results.differences
        rows = differences[(differences.trained_on == dataset) & (differences.trained_clipped == clipped)]
        both = [sentences.verdicts(rows, budget) for budget in BUDGETS]
        heading = f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"
        said[heading] = [sentence for pairs, leaders in both for sentence in (*pairs, *leaders)]
    taught = _taught(results)
    if taught:
        said["Recipe or decoder"] = tutorial_rows.worth(*taught)
    return said


def _taught(results: Results) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """The rows of the tutorials' networks and their scores, where there are any."""
    folder = results.folder.parent / "tutorials"
    return tutorial_rows.read(folder) if (folder / "tutorials.csv").is_file() else None


def missing(results: Results) -> str:
    """What of the plan has not been computed: the grid (every arm and budget, three seeds), the tutorials' networks."""
    taught = _taught(results)
    untaught = tutorial_rows.missing(taught[0]) if taught else []
    if untaught:
        return f"{_missing_networks(results)} Of the tutorials' networks are missing: {', '.join(untaught)}."
    return _missing_networks(results)


def _missing_networks(results: Results) -> str:
    planned = {network.name for network in Selection().networks(results.recipe, possible=True)}
    lacking = results.methods[results.methods.missing & results.methods.method.isin(planned)]
    if lacking.empty:
        return "Every network of the plan (three seeds) is there."
    parts = [
        f"{len(rows)} on {labels.dataset(dataset)} {'clipped' if clipped else 'unclipped'}"
        for (dataset, clipped), rows in lacking.groupby(["dataset", "clipped"], sort=False)
    ]
    return f"Missing: {len(lacking)} of the {len(planned)} networks of the plan: {', '.join(parts)}."


def with_answer(text: str, results: Results) -> str:
    """The README's `text` with the answer between its two marks."""
    if BEGIN not in text or END not in text:
        raise ValueError(f"the README has no place for the answer: {BEGIN} ... {END}")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{_answer(results)}\n{END}{rest.partition(END)[2]}"


def _answer(results: Results) -> str:
    dataset, clipped = SHOWN
    end = f"{dataset}-{'clipped' if clipped else 'unclipped'}.png"
    costs = _costs(results.methods, [collect.read_csv(path, COSTS) for path in _card_files(results.folder)])
    both = tables.question(results.differences), tables.overview(results.summary, costs, dataset, clipped)
    parts = [sentences.in_short(results.differences)]
    parts += [f"**{table.title}.** {table.note}\n\n{render.pipes(table.cells)}" for table in both]
    parts += [
        f"![PSNR by noise level for every decoder at equal MACs](docs/figures/psnr-{end})",
        f"![Quality against cost for every decoder at every budget](docs/figures/pareto-{end})",
        _recipe(results.recipe),
        missing(results),
    ]
    return "\n\n".join(parts) + "\n"


def _recipe(recipe: Recipe) -> str:
    return (
        f"Autoencoders of width {recipe.width} and depth {recipe.depth}, each trained once, blind over sigma 0 to 0.6, "
        f"on {recipe.images:,} pictures (batch {recipe.batch}, Adam, highest learning rate {recipe.lr:g}, cosine), "
        "the same pictures and noise in the same order for every arm of a seed."
    )


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
