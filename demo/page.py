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
from demo.guard.packed import Packed
from demo.tabs import benchmark, compare, film, learn, photo, photo_events, photo_hint, train
from demo.widgets import api_help, before_after, labs, lazy
from demo.widgets.checked_blocks import Guarded
from demo.widgets.controls import LIVE, MODEL, PRIVATE
from demo.widgets.head import TITLE, Head
from demo.widgets.on_demand import OnDemand
from demo.widgets.templates import read, render

INTRODUCTION = render("widgets/introduction.html", title=TITLE)
WAITING = 64  # events that wait at most: one of each of 20 visitors, and room
# Events at once: while one computes, in the only thread that does, others decode and encode images.
AT_ONCE = 4
SCRIPTS = (
    "widgets/busy.js",
    "widgets/before_after.js",
    "widgets/photo_viewer.js",
    "widgets/comparison.js",
    "widgets/lens.js",
    "controls.js",
    *labs.SCRIPTS,
)
STYLES = (
    "page.css",
    "widgets/busy.css",
    "widgets/comparison.css",
    "tabs/compare.css",
    "tabs/photo.css",
    "widgets/before_after.css",
    "widgets/array_html.css",
    "widgets/thumbnails.css",
    "tabs/benchmark.css",
    "tabs/train.css",
)


@alone
def build() -> gr.Blocks:
    """Build the Blocks; run only one small network here, so that the port opens at once."""
    uploads.folder()  # before a component writes into Gradio's default folder
    with Guarded(title=TITLE, fill_width=True, analytics_enabled=False) as page:
        gr.HTML(INTRODUCTION, elem_id="introduction")
        with gr.Tabs() as tabs:
            with gr.Tab("Compare", id="compare"):
                compared = compare.tab()
            with gr.Tab("Film", id="film") as film_opened:
                filmed = film.tab()
            with gr.Tab("Train", id="train"):
                train.tab()
            with gr.Tab("Photo", id="photo") as photo_opened:
                cleaned = photo.tab()
            photo_hint.connect(compared.hint, cleaned, tabs)
            with gr.Tab("Benchmark", id="benchmark"):
                benchmark.tab(compared, cleaned, tabs)
            with gr.Tab("Learn", id="learn"):
                learn.tab()
        with gr.Accordion("Use from a program (API)", open=False) as help_opened:
            lines = gr.Markdown(api_help.text())
        address = gr.Textbox(visible=False)
        # Only the browser knows the page's address if there is a proxy.
        here = "() => [location.origin + location.pathname.replace(/[^/]*$/, '')]"
        help_opened.expand(api_help.text, address, lines, js=here, queue=False, **PRIVATE)
        _first_results(page, compared, cleaned)
        lazy.defer(page)  # first: a later event of an opened tab waits for it
        film.connect(film_opened, compared, filmed)
        line = cleaned.outputs[3]
        photo_opened.select(
            photo_events.opened, line, cleaned.outputs, queue=False, **PRIVATE, **LIVE
        )
    # The REST route would skip the queue and its limit.
    return page.queue(api_open=False, max_size=WAITING, default_concurrency_limit=AT_ONCE)


def _first_results(page: gr.Blocks, compared: compare.Compare, cleaned: photo.Photo) -> None:
    """Register the load events that show the first result, or the result of a permalink."""
    at_once = {"queue": False, **PRIVATE, **LIVE}

    def opened(request: gr.Request) -> tuple[object, ...]:
        """Return the first comparison, unless the request has a permalink, and the samples."""
        prepare()
        shown = compare.opening(request)
        results = shown if isinstance(shown, tuple) else (gr.skip(),) * len(compared.outputs)
        return *results, compare.offered()

    page.load(opened, None, [*compared.outputs, compared.gallery], **at_once)
    page.load(compare.opening_draws, None, compared.strip, **at_once)
    # Without a permalink, the browser asks for no second result.
    link = gr.Textbox("", visible=False)
    page.load(None, None, link, js="() => [location.search]", **PRIVATE)
    link.change(
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
    warm.begin(compare.first, compare.offered, compare.first_draws, photo_events.first)


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
                *(Middleware(layer) for layer in (Gate, Packed, BodyLimit, Calls, Head)),
                Middleware(OnDemand, parts=benchmark.PARTS),
            ],
            "lifespan": uploads.swept,
        },
    }


def _theme() -> gr.Theme:
    # Fonts of the visitor's system: Gradio's own take a third of the first load.
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    # Gradio's default colors of these parts fail the contrast of WCAG AA.
    return gr.themes.Default(primary_hue="blue", **fonts).set(
        body_text_color_subdued="*neutral_600",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_700",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
    )
