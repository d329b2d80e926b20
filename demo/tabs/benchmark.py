"""The Benchmark tab: the conclusion, a chart of the committed results, and tables of scores."""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import gradio as gr
import pandas as pd
from gradio.components import Component

from demo.compute import outputs, results, scores
from demo.compute.answers import HIGHEST
from demo.guard.refusals import refusal
from demo.tabs import photo, photo_events
from demo.tabs.compare import DRAWS, FIRST, Compare, redraw, show
from demo.widgets import on_demand, scoreboard, templates
from demo.widgets.controls import LIVE, MODEL, PRIVATE
from demo.widgets.permalink import SEPARATOR, SWITCH, Linked, choice
from demo.widgets.scoreboard import Scores
from denoise import datasets

TABLE = scores.RESULTS / "table.csv"
PHOTOGRAPHS = scores.RESULTS / "photographs" / "table.csv"
LAST = "Training"  # last heading of the report on the page; figures and tables follow it
COLUMNS = {  # columns of a table on the page, and their columns in the file
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
DIGITS = {
    "sigma": 1,
    "PSNR (dB)": 2,
    "± (95 %)": 2,
    "SSIM": 4,
    "Parameters": 0,
    "M MACs": 2,
    "CPU ms": 3,
}
NONE = "none"  # hidden methods of a link that hides none
OF_CHART = ("backbone", "cost", "scale", "set", "clip", "budgets", "level", "hidden")
SETTINGS = tuple(f"chart-{name}" for name in OF_CHART)
"""Names of the chart's settings in a link."""
NAMES = ("grid", "method", "tested_on", "level")  # names of a point of the chart
CHOSEN = list(inspect.signature(show).parameters).index("chosen")  # in the inputs of Compare
CHART, SHIPPED, OF_PHOTOGRAPHS = re.split(
    r"\n\n(?=## )", templates.read("tabs/benchmark.md").strip()
)
FLOORS = ("black", "mean")  # constant outputs, which are far from any photograph
SHOWN_BY = {
    "bsd68": "camera.png",
    "set12": "camera.png",
    "cbsd68": "astronaut.png",
    "documents": "page.png",
}
"""Sample of the Photo tab for the images of each dataset."""


def table() -> pd.DataFrame:
    """Return scores of shipped networks on their training domains, and of untrained methods."""
    rows = pd.read_csv(TABLE)
    own = rows.trained_on.isna() | (rows.trained_on == rows.dataset)
    rows = rows[own & rows.dataset.isin(rows.trained_on.dropna())]
    # the training set stands in the next column
    return _sorted(rows.assign(label=rows.label.str.replace(r" \(.*\)$", "", regex=True)))


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
    return _sorted(
        rows.assign(sigma=rows.sigma_255, label=rows.label.where(rows.trained_on.isna(), short))
    )


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    order = ["dataset", "sigma", "psnr_db"]
    rows = rows.assign(macs=rows.macs / 1e6).sort_values(order, ascending=[True, True, False])
    return rows[list(COLUMNS.values())].reset_index(drop=True)


def listed(rows: pd.DataFrame, label: str, tab: str) -> dict[str, Any]:
    """Return a table as the element `score-table` takes it.

    Each row has the setting that its button shows in a tab.
    """
    whole = (rows.sigma % 1 == 0).all()
    digits = DIGITS | ({"sigma": 0} if whole else {})
    columns = [
        {"name": name}
        | ({"digits": digits[name]} if name in digits else {})
        | ({"names": True} if name == "Method" else {})
        for name in COLUMNS
    ]
    return {
        "label": label,
        "tab": tab,
        "columns": columns,
        "rows": [_listed(number, row) for number, row in enumerate(rows.to_dict("records"))],
        "sorting": {"column": 0, "down": False},
    }


def _listed(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    images = datasets.DATASETS[row["dataset"]].label
    values = [images, *(row[column] for column in list(COLUMNS.values())[1:])]
    return {
        "key": str(number),
        "values": [None if pd.isna(value) else value for value in values],
        "setting": f"{images}, sigma {row['sigma']:g}",
        "opens": {"tested_on": row["dataset"], "sigma": row["sigma"]},
    }


def contents() -> dict[str, Any]:
    """Return the values of the tab's elements, by name."""
    return {
        "chart": chart(),
        "scores": listed(table(), "Scores of the shipped networks", "Compare"),
        "photo-scores": listed(photographs(), "Scores on photographs and pages", "Photo"),
    }


def chart() -> dict[str, Any]:
    """Return the points of the chart, and the tab that shows the points of each training set."""
    shown = scores.payload()
    for body in shown["bodies"]:
        for pair in body["sets"]:
            pair["opens"] = (
                "Compare"
                if pair["trained_on"] in results.families()
                else "Photo"
                if pair["tested_on"] in SHOWN_BY
                else ""
            )
    return shown


@functools.cache
def valid() -> dict[str, list[str]]:
    """Return the valid texts of each of `SETTINGS`, over all views of the chart."""
    shown = chart()
    bodies = shown["bodies"]
    scales = range(max(len(body["scales"]) for body in bodies))
    sets = (f"{pair['tested_on']}-{pair['trained_on']}" for body in bodies for pair in body["sets"])
    texts = (
        [body["name"] for body in bodies],
        list(dict.fromkeys(scale["group"] for body in bodies for scale in body["scales"])),
        list(map(str, scales)),
        list(dict.fromkeys(sets)),
        list(SWITCH),
        list(shown["budgets"]),
        [*dict.fromkeys(level["name"] for body in bodies for level in body["levels"]), scores.MEAN],
        [*shown["arms"], NONE],
    )
    return dict(zip(SETTINGS, texts, strict=True))


def parser(name: str) -> Callable[[str], str]:
    """Return the parser of one of `SETTINGS`; `SEPARATOR` joins several texts."""

    def parse(text: str) -> str:
        several = name in ("chart-budgets", "chart-hidden")
        for part in text.split(SEPARATOR) if several else [text]:
            choice(valid()[name], part)
        return text

    return parse


PARTS = {
    "plotly.js": scoreboard.PLOTLY,
    "tab.js": scoreboard.SCRIPT,
    "tab.css": scoreboard.STYLE,
    "scores.json": on_demand.data(contents),
}
"""Files that the tab loads when it is opened."""


def verdict() -> tuple[str, dict[str, str]]:
    """Return the short conclusion in Markdown, and the text below each heading up to the tables."""
    short, *sections = scores.REPORT.read_text().split("\n## ")
    texts: dict[str, str] = {}
    for section in sections:
        title, text = section.split("\n", 1)
        texts[title] = text.strip()
        if title == LAST:
            break
    return short.split("\n", 1)[1].strip(), texts


def preview(event: gr.EventData) -> str:
    """Return the output of a point of the chart for the sample, as JSON.

    The event data names the point by `NAMES`; its number `turn` comes back with the output.
    """
    asked = {name: str(event._data[name]) for name in NAMES}
    try:
        found = outputs.preview(**asked)
    except ValueError as error:  # no weights: the card says so, as nothing was pressed
        found = {"error": refusal(error).message}  # without a path of this machine
    return json.dumps({"asked": asked, "turn": int(event._data.get("turn", 0)), **found})


class Setting(NamedTuple):
    """The setting of a point of the chart or of a row of a table; a row has no arm."""

    trained_on: str
    tested_on: str
    clipped: bool
    sigma: float
    arm: str | None


def setting(given: Mapping[str, Any]) -> Setting:
    """Return the setting that the data of an event names.

    Raises
    ------
    LookupError, TypeError, ValueError
        No point of the chart and no row of a table has these names.
    """
    if "method" not in given:
        name = datasets.DATASETS[given["tested_on"]].name
        return Setting(name, name, bool(FIRST["clip"]), float(given["sigma"]), None)
    point = scores.find(*(str(given[name]) for name in NAMES))
    clipped, sigma = bool(point.clipped), float(point.levels)
    return Setting(point.trained_on, point.tested_on, clipped, sigma, point.arm)


def choose(chosen: list[str], event: gr.EventData) -> tuple[object, ...]:
    """Return the Compare tab's inputs for a point or a row, and select the tab.

    The decoder of a point joins the chosen decoders.
    """
    asked = setting(event._data)
    if asked.trained_on not in results.families():
        raise LookupError(f"Compare has no networks of {asked.trained_on}")
    more = asked.arm in results.every_arm() and asked.arm not in chosen
    return (
        outputs.sample(asked.tested_on)[0],
        FIRST["noise"],
        asked.clipped,
        min(asked.sigma, HIGHEST),
        FIRST["seed"],
        asked.trained_on,
        [*chosen, asked.arm] if more else gr.skip(),
        gr.skip(),  # keep the view
        gr.Tabs(selected="compare"),
    )


def choose_photograph(event: gr.EventData) -> tuple[object, ...]:
    """Return the Photo tab's inputs for a point or a row, sample and noise, and select the tab."""
    asked = setting(event._data)
    image, task, kind = photo_events.sample(SHOWN_BY[asked.tested_on])
    of_255 = asked.sigma if asked.arm is None else round(asked.sigma * 255)
    level = photo_events.for_task(task) | {"value": of_255}
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


def tab(compare: Compare, cleaned: photo.Photo, tabs: gr.Tabs) -> Linked:
    """Add the tab to the Blocks in construction; return its settings for links.

    A point of the chart, and a row of a table by its button, open in the Compare or the Photo tab.
    """
    short, sections = verdict()
    gr.Markdown("## Conclusion\n\n" + short, elem_id="answer")
    gr.Markdown(CHART)
    drawn = Scores("score-chart", "chart")
    drawn.select(preview, None, drawn, concurrency_id=MODEL, **PRIVATE, **LIVE)
    gr.Markdown(SHIPPED)
    shipped = Scores("score-table", "scores")
    gr.Markdown(OF_PHOTOGRAPHS)
    of_photographs = Scores("score-table", "photo-scores")
    opened = [*compare.inputs, tabs]
    for source in (drawn, shipped):
        source.submit(choose, compare.inputs[CHOSEN], opened, **PRIVATE, **LIVE).success(
            show, compare.inputs, compare.outputs, concurrency_id=MODEL, **PRIVATE, **LIVE
        ).success(redraw, compare.drawn, compare.strip, **DRAWS)
    for source in (drawn, of_photographs):
        source.apply(choose_photograph, None, [*cleaned.inputs, tabs], **PRIVATE, **LIVE).success(
            photo_events.follow, cleaned.inputs, cleaned.outputs, **photo.QUEUE, **PRIVATE, **LIVE
        )
    for title, text in sections.items():
        with gr.Accordion(title, open=False):
            gr.Markdown(text)

    def restored(values: Mapping[str, Any], _: gr.Request) -> Iterator[Mapping[Component, Any]]:
        given = {name: values[name] for name in SETTINGS if name in values}
        yield {drawn: json.dumps({"settings": given})}

    return Linked({name: parser(name) for name in SETTINGS}, [drawn], restored)
