"""The Benchmark tab: committed results as sortable tables, figures, and the conclusion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from demo.compute.samples import samples
from demo.guard.refusals import refusal
from demo.tabs import photo, photo_events
from demo.tabs.compare import FIRST, Compare, show
from demo.widgets.controls import LIVE, MODEL, PRIVATE
from denoise import datasets

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "bench" / "results" / "table.csv"
PHOTOGRAPHS = ROOT / "bench" / "results" / "photographs" / "table.csv"
REPORT = ROOT / "bench" / "results" / "small" / "report.md"
FIGURES = ROOT / "docs" / "figures"
# keys of the page's datasets in file names of figures
SETS = {"MNIST, clipped": "mnist-clipped", "notMNIST, clipped": "notmnist-clipped"}
LAST = "Training"  # last heading of the report on the page; figures and tables follow it
KINDS = {
    "psnr": (
        "PSNR by noise level, with 95 % intervals, and the difference from upsampling "
        "nearest + conv 3x3"
    ),
    "pareto": "Quality against cost, at equal channels, parameters and MACs",
}
COLUMNS = {  # columns of the table on the page, and their columns in the file
    "Images": "dataset",
    "Method": "label",
    "sigma": "sigma",
    "PSNR (dB)": "psnr_db",
    "± (95 %)": "psnr_ci95_db",
    "SSIM": "ssim",
    "Parameters": "parameters",
    "M MACs": "macs",
    "CPU ms": "cpu_ms_p50",
}
SETTING = ("Images", "sigma")  # columns of a row that set the state of another tab
WIDTHS = ["15%", "27%", "7%", "9%", "8%", "7%", "10%", "8%", "9%"]
FLOORS = ("black", "mean")  # constant outputs, which are far from any photograph
SHOWN_BY = {
    "bsd68": "camera.png",
    "set12": "camera.png",
    "cbsd68": "astronaut.png",
    "documents": "page.png",
}
"""Sample of the Photo tab for the images of each dataset."""

# Gradio gives the filter box a placeholder and a title, but no name for screen readers.
NAMED = """() => setTimeout(() =>
  document.querySelectorAll("#scores input, #photo-scores input").forEach(
    (box) => box.setAttribute("aria-label", "Filter the table")), 300)"""
DIGITS = {"PSNR (dB)": 2, "± (95 %)": 2, "SSIM": 4, "M MACs": 2, "CPU ms": 3}


def table() -> pd.DataFrame:
    """Return scores of shipped networks on their training domains, and of untrained methods."""
    rows = pd.read_csv(TABLE)
    rows = rows[
        (rows.trained_on.isna() | (rows.trained_on == rows.dataset)) & rows.dataset.isin(_names())
    ]
    shown = _shown(rows)
    # the training set stands in the next column
    shown["Method"] = shown.Method.str.replace(r" \(.*\)$", "", regex=True)
    return shown


def photographs() -> pd.DataFrame:
    """Return all scores on photographs and pages, measured and published.

    Sigma is on the 0-255 scale, as in papers.
    """
    rows = pd.read_csv(PHOTOGRAPHS)
    rows = rows[~rows.method.isin(FLOORS) & ~(rows.told_sigma & (rows.sigma == 0))]
    # The column is too narrow for a full label.
    short = rows.method.replace(
        {":told": ", sigma given", ":ensemble": ", self-ensemble"}, regex=True
    )
    return _shown(
        rows.assign(sigma=rows.sigma_255, label=rows.label.where(rows.trained_on.isna(), short))
    )


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.sort_values(["dataset", "sigma", "psnr_db"], ascending=[True, True, False])
    shown = rows[list(COLUMNS.values())].set_axis(list(COLUMNS), axis=1)
    shown["Images"] = shown.Images.map(lambda name: datasets.DATASETS[name].label)
    shown["M MACs"] /= 1e6
    return shown.round(DIGITS).reset_index(drop=True)


def _names() -> set[str]:
    return {name.partition("-")[0] for name in SETS.values()}


def verdict() -> tuple[str, dict[str, str]]:
    """Return the short conclusion in Markdown, and the text below each heading up to the tables."""
    short, *sections = REPORT.read_text().split("\n## ")
    texts: dict[str, str] = {}
    for section in sections:
        title, text = section.split("\n", 1)
        texts[title] = text.strip()
        if title == LAST:
            break
    return short.split("\n", 1)[1].strip(), texts


def picker(tab: str) -> Callable[[gr.SelectData], tuple[dict[str, object], object]]:
    """Return a handler that keeps a selected row's setting and names it on the button."""

    def pick(event: gr.SelectData) -> tuple[dict[str, object], object]:
        row = dict(zip(COLUMNS, event.row_value, strict=True))
        kept = {name: row[name] for name in SETTING}
        label = f"Show this setting in {tab}: {kept['Images']}, sigma {kept['sigma']:g}"
        return kept, gr.update(value=label, interactive=True)

    return pick


def _picked(row: dict[str, Any] | None, names: Iterable[str]) -> tuple[str, float]:
    """Return the dataset, one of `names`, and the level of a kept row.

    Raise gradio.Error if no valid row is kept.
    """
    labels = {datasets.DATASETS[name].label: name for name in names}
    try:
        chosen = row or {}
        return labels[chosen["Images"]], float(chosen["sigma"])
    except (KeyError, TypeError, ValueError):
        raise refusal(ValueError("no row is chosen: choose a row of the table first")) from None


def choose(row: dict[str, object] | None) -> tuple[object, ...]:
    """Return the Compare tab's inputs for a kept row, sample and noise, and select the tab."""
    name, sigma = _picked(row, _names())
    of_family = [sample for sample in samples() if sample.family == name]
    # prefer a real image
    image: np.ndarray = min(of_family, key=lambda sample: sample.rendered).image
    keep = gr.skip()  # keep the decoders and the view
    return (
        image,
        FIRST["noise"],
        True,
        sigma,
        FIRST["seed"],
        name,
        keep,
        keep,
        gr.Tabs(selected="compare"),
    )


def choose_photograph(row: dict[str, object] | None) -> tuple[object, ...]:
    """Return the Photo tab's inputs for a kept row, sample and noise, and select the tab."""
    name, sigma = _picked(row, SHOWN_BY)
    image, task, kind = photo_events.sample(SHOWN_BY[name])
    level = photo_events.for_task(task) | {"value": sigma}
    return (
        image,
        task,
        photo_events.for_kind(kind),
        level,
        photo_events.FIRST["seed"],
        *photo_events.whole(),
        photo_events.FIRST["percent"],
        gr.Tabs(selected="photo"),
    )


def figure(kind: str, of: str) -> str:
    """Return the file of a figure."""
    return str(FIGURES / f"{kind}-{SETS[of]}.png")


def tab(compare: Compare, cleaned: photo.Photo, tabs: gr.Tabs) -> None:
    """Add the tab to the Blocks in construction.

    A button shows a selected row in the Compare or the Photo tab.
    """
    short, sections = verdict()
    gr.Markdown("## Conclusion\n\n" + short, elem_id="answer")
    of = gr.Radio(list(SETS), value=next(iter(SETS)), label="Figures for")
    panels = []
    for kind, text in KINDS.items():
        gr.Markdown(f"{text}.")
        panels.append(
            gr.Image(
                figure(kind, of.value),
                format="png",
                alt_text=text,
                label=text,
                show_label=False,
                interactive=False,
                buttons=["fullscreen"],
                container=False,
            )
        )
    of.input(lambda chosen: [figure(kind, chosen) for kind in KINDS], of, panels, **PRIVATE, **LIVE)
    gr.Markdown(
        "## All scores\n\nScores of the networks of this page, which are larger than the networks "
        "above and trained once each. Choose a row; the button below the table shows its "
        "setting in Compare."
    )
    row, button = _dataframe(table(), "Scores of the shipped networks", "scores", "Compare")
    button.click(choose, row, [*compare.inputs, tabs], **PRIVATE, **LIVE).success(
        show, compare.inputs, compare.outputs, concurrency_id=MODEL, **PRIVATE, **LIVE
    )
    gr.Markdown(
        "## Photographs and pages\n\nSigma is on the 0-255 scale; the noise is not clipped. Rows "
        "marked *published* are scores from papers. Choose a row; the button below the table "
        "shows its noise in Photo, where the network denoises blind."
    )
    row, button = _dataframe(
        photographs(), "Scores on photographs and pages", "photo-scores", "Photo"
    )
    button.click(choose_photograph, row, [*cleaned.inputs, tabs], **PRIVATE, **LIVE).success(
        photo_events.follow, cleaned.inputs, cleaned.outputs, **photo.QUEUE, **PRIVATE, **LIVE
    )
    for title, text in sections.items():
        with gr.Accordion(title, open=False):
            gr.Markdown(text)


def _dataframe(shown: pd.DataFrame, label: str, name: str, tab: str) -> tuple[gr.JSON, gr.Button]:
    """Add a table; return its selected row's state, and the button that shows the row in a tab."""
    table = gr.Dataframe(
        styled(shown),
        interactive=False,
        show_search="filter",
        label=label,
        elem_id=name,
        max_height=420,
        column_widths=WIDTHS,
    )
    row = gr.JSON(visible=False)
    button = gr.Button(f"Show a setting in {tab}: choose a row first", interactive=False, size="md")
    table.select(picker(tab), None, [row, button], queue=False, **PRIVATE, **LIVE)
    return row, button


def styled(shown: pd.DataFrame) -> Styler:
    """Format the table: equal numbers of decimals within a column, right-aligned."""
    whole = (shown.sigma % 1 == 0).all()
    digits = {**DIGITS, "sigma": 0 if whole else 1, "Parameters": 0}
    forms = {column: f"{{:,.{count}f}}" for column, count in digits.items()}
    return shown.style.format(forms, na_rep="–").set_properties(
        subset=list(forms), **{"text-align": "right"}
    )
