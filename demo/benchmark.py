"""The Benchmark tab: the committed results as a table to sort and filter, figures, and the verdict in sentences."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import numpy as np
import pandas as pd

from demo import photo
from demo.compare import FIRST, Compare, show
from demo.inputs import LIVE, MODEL, PRIVATE
from demo.samples import samples
from denoise import datasets

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "bench" / "results" / "table.csv"
PHOTOGRAPHS = ROOT / "bench" / "results" / "photographs" / "table.csv"
REPORT = ROOT / "bench" / "results" / "small" / "report.md"
FIGURES = ROOT / "docs" / "figures"
SETS = {"MNIST, clipped": "mnist-clipped", "notMNIST, clipped": "notmnist-clipped"}  # as the page's networks know them
LAST = "How it was measured"  # heading of the report, after which come figures and tables
KINDS = {
    "psnr": "PSNR by level of the noise, with 95 % intervals, and the difference from upsampling nearest + conv 3x3",
    "pareto": "Quality against cost, at equal channels, parameters and MACs",
}
COLUMNS = {  # of the table on the page, and where each comes from
    "Pictures": "dataset",
    "Method": "label",
    "sigma": "sigma",
    "PSNR (dB)": "psnr_db",
    "± (95 %)": "psnr_ci95_db",
    "SSIM": "ssim",
    "Parameters": "parameters",
    "M MACs": "macs",
    "CPU ms": "cpu_ms_p50",
}
WIDTHS = ["15%", "27%", "7%", "9%", "8%", "7%", "10%", "8%", "9%"]
FLOORS = ("black", "mean")  # a photograph is far from both
SHOWN_BY = {"bsd68": "camera.png", "set12": "camera.png", "cbsd68": "astronaut.png", "documents": "page.png"}
"""The sample of the Photo tab that stands for the pictures of a set."""

# Gradio gives the box a placeholder and a title, but no name for those who hear the page.
NAMED = """() => setTimeout(() => document.querySelectorAll("#scores input, #photo-scores input").forEach(
  (box) => box.setAttribute("aria-label", "Filter the table")), 300)"""
DIGITS = {"PSNR (dB)": 2, "± (95 %)": 2, "SSIM": 4, "M MACs": 2, "CPU ms": 3}


def table() -> pd.DataFrame:
    """Every score of the shipped networks on the pictures that they were trained for, and of what needs no training."""
    rows = pd.read_csv(TABLE)
    rows = rows[(rows.trained_on.isna() | (rows.trained_on == rows.dataset)) & rows.dataset.isin(_names())]
    shown = _shown(rows)
    shown["Method"] = shown.Method.str.replace(r" \(.*\)$", "", regex=True)  # what it was trained on stands beside it
    return shown


def photographs() -> pd.DataFrame:
    """Every score on photographs and pages, with those of papers; sigma is on the 0-255 scale, as in papers."""
    rows = pd.read_csv(PHOTOGRAPHS)
    rows = rows[~rows.method.isin(FLOORS) & ~(rows.told_sigma & (rows.sigma == 0))]
    # The column has no room for all of a label.
    short = rows.method.replace({":told": ", told sigma", ":ensemble": ", ensemble"}, regex=True)
    return _shown(rows.assign(sigma=rows.sigma_255, label=rows.label.where(rows.trained_on.isna(), short)))


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.sort_values(["dataset", "sigma", "psnr_db"], ascending=[True, True, False])
    shown = rows[list(COLUMNS.values())].set_axis(list(COLUMNS), axis=1)
    shown["Pictures"] = shown.Pictures.map(lambda name: datasets.DATASETS[name].label)
    shown["M MACs"] /= 1e6
    return shown.round(DIGITS).reset_index(drop=True)


def _names() -> set[str]:
    return {name.partition("-")[0] for name in SETS.values()}


def verdict() -> tuple[str, dict[str, str]]:
    """The answer in short, in Markdown, and what is said below each heading, up to the tables."""
    short, *sections = REPORT.read_text().split("\n## ")
    said: dict[str, str] = {}
    for section in sections:
        title, text = section.split("\n", 1)
        said[title] = text.strip()
        if title == LAST:
            break
    return short.split("\n", 1)[1].strip(), said


def choose(shown: pd.DataFrame, event: gr.SelectData) -> tuple[object, ...]:
    """The setting of a row, for the Compare tab: a sample of its pictures, its noise, and the tab itself."""
    row = dict(zip(shown.columns, event.row_value, strict=True))
    (name,) = (name for name in _names() if datasets.DATASETS[name].label == row["Pictures"])
    picture: np.ndarray = next(sample.picture for sample in samples() if sample.family == name)
    keep = gr.skip()  # the decoders and the view
    setting = FIRST["noise"], True, float(row["sigma"]), FIRST["seed"], name
    return picture, *setting, keep, keep, gr.Tabs(selected="compare")


def choose_photograph(shown: pd.DataFrame, event: gr.SelectData) -> tuple[object, ...]:
    """The setting of a row, for the Photo tab: a sample like its pictures, its noise, and the tab itself."""
    row = dict(zip(shown.columns, event.row_value, strict=True))
    (name,) = (name for name in SHOWN_BY if datasets.DATASETS[name].label == row["Pictures"])
    picture, task, kind = photo.sample(SHOWN_BY[name])
    level = photo.for_task(task) | {"value": float(row["sigma"])}
    return picture, task, kind, level, photo.FIRST["seed"], gr.Tabs(selected="photo")


def figure(kind: str, of: str) -> str:
    """The file of a figure."""
    return str(FIGURES / f"{kind}-{SETS[of]}.png")


def tab(compare: Compare, cleaned: photo.Photo, tabs: gr.Tabs) -> None:
    """Put the tab into the Blocks that are being built; a chosen row is shown in the Compare or the Photo tab."""
    short, sections = verdict()
    gr.Markdown("## The answer so far\n\n" + short)
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
        "## Every score\n\nOf the networks that this page runs, larger than those above and trained once each. "
        "Choose a row to see its setting in Compare."
    )
    shown = _dataframe(table(), "Scores of the shipped networks", "scores")
    shown.select(choose, shown, [*compare.inputs, tabs], **PRIVATE, **LIVE).success(
        show, compare.inputs, compare.outputs, concurrency_id=MODEL, **PRIVATE, **LIVE
    )
    gr.Markdown(
        "## Photographs and pages\n\nSigma is on the 0-255 scale, the noise not clamped. Rows marked *published* are "
        "what papers report. Choose a row to see its noise in "
        "Photo, where the network that ships for such pictures cleans it, not told its level."
    )
    shown = _dataframe(photographs(), "Scores on photographs and pages", "photo-scores")
    shown.select(choose_photograph, shown, [*cleaned.inputs, tabs], **PRIVATE, **LIVE).success(
        photo.show, cleaned.inputs, cleaned.outputs, concurrency_id=MODEL, **PRIVATE, **LIVE
    )
    for title, text in sections.items():
        with gr.Accordion(title, open=False):
            gr.Markdown(text)


def _dataframe(shown: pd.DataFrame, label: str, name: str) -> gr.Dataframe:
    return gr.Dataframe(
        shown, interactive=False, show_search="filter", label=label, elem_id=name, max_height=420, column_widths=WIDTHS
    )
