"""Report for readers, made from the collected results alone.

RESULTS/report.md                            the sentences and every table
RESULTS/report.html, report.tex              the same on demand; git ignores them
RESULTS/report.csv                           the tables of the arms, concatenated
docs/figures/*.png                           figures, each stamped with the hash of its data
docs/answer.md or docs/photographs.md        summary, tables and figures of each training set
README.md                                    the short answer, one table and one figure
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from bench import labels
from bench.report import (
    answer,
    cost_tables,
    factors,
    figures,
    in_short,
    length_figure,
    lengths,
    pages,
    rate_table,
    render,
    rule,
    sentences,
    tables,
    transfer_tables,
)
from bench.report.captions import CAPTIONS
from bench.report.examples import example
from bench.report.pages import FIGURES
from bench.report.render import Picture, Report
from bench.report.results import Results, figure_name
from bench.report.tables import Table
from bench.sweep import collect, rates, tutorial_rows
from bench.sweep.budgets import REFERENCE
from denoise import datasets
from denoise.files.atomic import whole_file
from denoise.noise import NOISES

log = logging.getLogger("bench")


def texts(results: Results) -> dict[Path, str]:
    """Return every text of the report by its file."""
    folder = results.folder
    report = Report(
        results.body.question,
        sentences.headline(results.differences),
        sentences.summary(results.differences),
        tables.question(results.differences),
        _sections(results),
        _captioned(results),
        list(every_table(results)),
    )
    own = [
        table.cells.assign(table=table.title)
        for table in tables.own(results.summary, results.differences, results.methods)
    ]
    mark = results.body.mark
    page = pages.OF_MARK[mark]
    made = {
        folder / "report.md": render.markdown(report),
        folder / "report.html": render.page(report),
        folder / "report.tex": "\n\n".join(
            render.latex(table) for table in (report.answer, *report.tables)
        )
        + "\n",
        folder / "report.csv": pd.concat(own).to_csv(index=False),
        page: pages.with_part(page.read_text(), mark, answer.text(results, page)),
    }
    if page == pages.ANSWER:
        short = pages.with_part(pages.README.read_text(), in_short.PART, in_short.text(results))
        made[pages.README] = short
    return made


def _sections(results: Results) -> dict[str, list[str]]:
    """Return the results in sentences by heading, followed by the training settings."""
    sections = answer.verdicts(results.differences, results.methods)
    worth = tutorial_rows.worth(*results.tutorials())
    if worth:
        sections["Recipe or decoder"] = worth
    if len(rows := results.by_length()):
        sections["Training length"] = [*lengths.sentences(rows), lengths.converged(rows)]
    sections["Training"] = [
        answer.recipe(results.recipe),
        answer.missing(results.methods, results.recipe, results.tutorials()[0]),
    ]
    return sections


def _captioned(results: Results) -> list[Picture]:
    """Return the figures with their captions."""
    there = Path(os.path.relpath(FIGURES, results.folder))
    of_example = CAPTIONS["examples"].format(
        noise=labels.noise("gaussian", results.shown[1]),
        sigma=labels.level(results.body.example_sigma),
        budget=labels.BUDGETS[labels.asked(results.budgets)[0]],
    )
    name = figure_name("examples", *results.shown)
    shown = [Picture(there / name, "Test images and the output of every arm", of_example)]
    for dataset, clipped in results.trained:
        where = f"{labels.dataset(dataset)}, {labels.noise('gaussian', clipped)}"
        for kind, title in (("psnr", "PSNR by noise level"), ("pareto", "Quality against cost")):
            name = figure_name(kind, dataset, clipped)
            shown.append(
                Picture(there / name, f"{title}: {where}", f"{where}. {results.caption(kind)}")
            )
    if len(factors.spans(results, [])):
        shown.append(Picture(there / factors.NAME, "What matters more", CAPTIONS["factors"]))
    for clipped in length_panels(results):
        name = length_figure.name(clipped)
        shown.append(Picture(there / name, "Scores by training length", CAPTIONS["lengths"]))
    if (results.folder / "spectra.parquet").is_file():
        name = figure_name("spectra", *results.shown)
        shown.append(Picture(there / name, "Power spectra of the residuals", CAPTIONS["spectra"]))
    return shown


def pictures(results: Results) -> Iterator[tuple[str, figures.Figure, str]]:
    """Yield the name, the figure and the stamp of every figure drawn from the results alone."""
    folder = results.folder
    data = (
        *(folder / name for name in ("methods.csv", "summary.csv", "differences.parquet")),
        *results.card_files(),
    )
    drawn_from = figures.stamp(*data)
    costs = results.costs()
    for dataset, clipped in results.trained:
        where, both = (dataset, clipped), (results.summary, results.differences)
        yield figure_name("psnr", *where), figures.psnr_against_sigma(*both, *where), drawn_from
        yield (
            figure_name("pareto", *where),
            figures.quality_against_cost(*both, costs, *where),
            drawn_from,
        )
    for clipped, rows in length_panels(results).items():
        drawn = length_figure.by_length(rows, labels.asked(results.budgets)[0])
        yield length_figure.name(clipped), drawn, length_figure.stamp(*results.curve_files())
    others = factors.siblings(results)
    if len(found := factors.spans(results, others)):
        yield factors.NAME, factors.drawn(found), factors.stamp(results, others)
    spectra, meters = folder / "spectra.parquet", folder / "checkerboard.csv"
    if spectra.is_file():
        networks = alike(collect.read_meters(meters), *results.shown)
        drawn = figures.spectra(pd.read_parquet(spectra), networks)
        yield figure_name("spectra", *results.shown), drawn, figures.stamp(spectra, meters)


def length_panels(results: Results) -> dict[bool, pd.DataFrame]:
    """Return the scores by training length of each clamping that has them."""
    rows = results.by_length()
    return {bool(clipped): part for clipped, part in rows.groupby("clipped", sort=False)}


def every_table(results: Results) -> Iterator[Table]:
    """Yield the tables of the report in order."""
    costs = results.costs()
    for dataset, clipped in results.trained:
        yield tables.overview(results.summary, results.differences, costs, dataset, clipped)
    yield from tables.own(results.summary, results.differences, results.methods)
    if len(rows := results.by_length()):
        yield lengths.table(rows)
        yield from rate_table.tables(rates.table(), results.recipe)
    others = factors.siblings(results)
    if len(found := factors.spans(results, others)):
        yield factors.table(found)
    yield from rule.tables(results, others)
    yield from transfer_tables.crossed(results.summary)
    yield from transfer_tables.carried(results.summary, None)
    for noise in NOISES.names():
        if noise != "gaussian":
            yield from transfer_tables.carried(results.summary, noise)
    meters = results.folder / "checkerboard.csv"
    if meters.is_file():
        yield tables.checkerboards(alike(collect.read_meters(meters), *results.shown))
    of_tutorials, _ = results.tutorials()
    if len(of_tutorials):
        yield tables.tutorials(of_tutorials)
    for path in results.card_files():
        yield from cost_tables.costs(collect.read_costs(path))


def alike(meters: pd.DataFrame, dataset: str, clipped: bool) -> pd.DataFrame:
    """Select the networks of one training set, equal channels and common seeds.

    These networks differ in the arm alone.
    """
    rows = meters[(meters.dataset == dataset) & (meters.clipped == clipped)]
    rows = rows[rows.widths == rows[rows.arm == REFERENCE].widths.iloc[0]]
    seeds = set.intersection(*(set(of_arm) for _, of_arm in rows.groupby("arm").seed))
    return rows[rows.seed.isin(seeds)]


def write(results: Results, root: Path | None) -> list[Path]:
    """Write every text and figure, each atomically; return the files.

    The example strips need the images of the dataset. If it is missing, the old strips stay.
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
        log.warning("the example images stay as they are: %s", error)
    for name, figure, stamp in drawn:
        figures.write(figure, FIGURES / name, stamp)
        written.append(FIGURES / name)
    return written
