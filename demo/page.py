"""The page: assembly of its tabs, and the options of its server."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo.compute import warm
from demo.compute.worker import alone
from demo.guard import calls, uploads
from demo.guard.body_limit import LARGEST_FILE, BodyLimit
from demo.guard.calls import Calls
from demo.guard.gate import Gate
from demo.tabs import benchmark, compare, film, learn, photo, photo_events, photo_hint
from demo.widgets import api_help, before_after, labs
from demo.widgets.checked_blocks import Guarded
from demo.widgets.controls import LIVE, MODEL, PRIVATE
from demo.widgets.head import TITLE, Head
from demo.widgets.on_demand import OnDemand
from demo.widgets.templates import read

INTRODUCTION = f"""# {TITLE}
Upsampling followed by a convolution, or a transposed convolution? The networks below share encoder,
data, noise and training; only the upsampling stage differs. **Raise the noise and compare**, or
denoise a photograph of yours.
"""
SCRIPTS = (
    "widgets/before_after.js",
    "widgets/photo_viewer.js",
    "widgets/comparison.js",
    "widgets/lens.js",
    "controls.js",
    *labs.SCRIPTS,
)
STYLES = (
    "page.css",
    "widgets/comparison.css",
    "tabs/compare.css",
    "tabs/photo.css",
    "widgets/before_after.css",
    "widgets/array_html.css",
    "tabs/benchmark.css",
)


@alone
def build() -> gr.Blocks:
    """Build the Blocks; run only one small network here, so that the port opens at once."""
    uploads.folder()  # before a component writes into Gradio's default folder
    with Guarded(title=TITLE, fill_width=True, analytics_enabled=False) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Tabs() as tabs:
            with gr.Tab("Compare", id="compare"):
                compared = compare.tab()
            with gr.Tab("Training film", id="film") as film_opened:
                film.tab(compared, film_opened)
            with gr.Tab("Photo", id="photo"):
                cleaned = photo.tab()
            photo_hint.connect(compared.hint, cleaned, tabs)
            with gr.Tab("Benchmark", id="benchmark"):
                benchmark.tab(compared, cleaned, tabs)
            with gr.Tab("Learn", id="learn"):
                learn.tab()
        with gr.Accordion("Use from a program (API)", open=False):
            lines = gr.Markdown(api_help.text())
        address = gr.Textbox(visible=False)
        # Only the browser knows the page's address if there is a proxy.
        here = "() => [location.origin + location.pathname.replace(/[^/]*$/, '')]"
        page.load(api_help.text, address, lines, js=here, queue=False, **PRIVATE)
        _first_results(page, compared, cleaned)
    # The REST route would skip the queue and its limit.
    return page.queue(api_open=False, max_size=16)


def _first_results(page: gr.Blocks, compared: compare.Compare, cleaned: photo.Photo) -> None:
    """Register the load events that show the first results, or the results of a permalink."""
    at_once = {"queue": False, **PRIVATE, **LIVE}
    page.load(prepare, **at_once)
    page.load(compare.opening, None, compared.outputs, **at_once)
    page.load(compare.opening_draws, None, compared.strip, **at_once)
    page.load(photo_events.first, None, cleaned.outputs, **at_once)
    page.load(compare.offered, None, compared.gallery, **at_once)
    page.load(
        compare.restore,
        None,
        [*compared.inputs, *compared.outputs],
        concurrency_id=MODEL,
        **PRIVATE,
        **LIVE,
    ).success(compare.restore_draws, compared.drawn, compared.strip, **compare.DRAWS).failure(
        compare.first, None, compared.outputs, **at_once
    )


def prepare() -> None:
    """Start loading the networks and computing the first results in the background."""
    warm.begin(compare.first, photo_events.first, compare.first_draws, compare.offered)


def launch_options() -> dict[str, Any]:
    """Return the options of `launch`: checked calls, limited uploads, no tracebacks, no logs."""
    return {
        "theme": _theme(),
        "head": labs.templates()
        + before_after.element()
        + "\n".join(f"<script>\n{read(name)}</script>" for name in SCRIPTS),
        "css": "".join(map(read, STYLES)),
        "max_file_size": LARGEST_FILE,
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": ["api"],
        "state_session_capacity": calls.KEPT,
        "ssr_mode": False,  # a second server would respond, without these checks
        "app_kwargs": {
            "middleware": [
                *(Middleware(layer) for layer in (Gate, BodyLimit, Calls, Head)),
                Middleware(OnDemand, parts=benchmark.PARTS),
            ],
            "lifespan": uploads.swept,
        },
    }


def _theme() -> gr.Theme:
    # Gradio's default colors of these parts fail the contrast of WCAG AA.
    return gr.themes.Default(primary_hue="blue").set(
        body_text_color_subdued="*neutral_600",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_700",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
    )
