"""Chart and tables of scores: custom elements that are loaded when their tab is opened."""

from __future__ import annotations

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
    """An element that shows one entry of `scores.json`, and hands on what a visitor asks.

    Events: `select` asks for the output of a point; the answer is the component's value, as JSON.
    `submit` opens a setting in Compare, `apply` in Photo; the event data is the setting.

    Parameters
    ----------
    element : str
        "score-chart" or "score-table".
    name : str
        Entry of `scores.json`.
    """

    def __init__(self, element: str, name: str) -> None:
        super().__init__(
            "",
            html_template=f'<{element} data-scores="{name}"><p>Loading the scores…</p></{element}>',
            js_on_load=templates.read("widgets/scores.js"),
            apply_default_css=False,
            elem_id=name,
        )

    def get_block_name(self) -> str:
        """Return the name of Gradio's component in the browser."""
        return "html"
