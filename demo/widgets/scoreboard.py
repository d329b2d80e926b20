"""Chart and tables of scores: custom elements that are loaded when their tab is opened."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.widgets import on_demand, templates

PLOTLY = on_demand.of_package("plotly", "package_data/plotly.min.js")  # MIT license
SCRIPT = on_demand.script(
    *(f"widgets/{name}.js" for name in ("copying", "score_table", "score_chart")),
    table="widgets/score_table.html",
    chart="widgets/score_chart.html",
    card="widgets/score_card.html",
)
STYLE = on_demand.style("widgets/score_table.css", "widgets/score_chart.css")


class Scores(gr.HTML):
    """An element that shows one entry of `scores.json`, and passes on a visitor's request.

    Events: `select` asks for the output of a point; the answer is the component's value.
    `submit` opens a setting in Compare, `apply` in Photo; the event data is the setting.

    Parameters
    ----------
    element : str
        "score-chart" or "score-table".
    name : str
        Entry of `scores.json`.
    value : str
        The output of a point (`preview`), or the settings of a link, as JSON.
    **options
        Of `gradio.HTML`: Gradio builds the component anew at each update.
    """

    is_template = True  # the browser draws it as its base class

    def __init__(self, element: str, name: str, value: str = "", **options: Any) -> None:
        super().__init__(
            value,  # Gradio reads its default in the signature
            html_template=f'<{element} data-scores="{name}"><p>Loading the scores…</p></{element}>',
            js_on_load=templates.read("widgets/scores.js"),
            apply_default_css=False,
            elem_id=name,
            **options,
        )
