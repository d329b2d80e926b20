"""The page: assembly of its tabs, and the options of its server."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo.compute import answer, photographs, warm
from demo.compute.worker import alone
from demo.guard import calls, uploads
from demo.guard.body_limit import LARGEST_FILE, BodyLimit
from demo.guard.calls import Calls
from demo.guard.gate import Gate
from demo.guard.packed import Packed
from demo.tabs import (
    benchmark,
    blind_test,
    compare,
    film,
    learn,
    photo,
    photo_events,
    photo_hint,
    train,
)
from demo.widgets import api_help, before_after, copy_link, labs, lazy
from demo.widgets.checked_blocks import Guarded
from demo.widgets.controls import LIVE, PRIVATE
from demo.widgets.head import TITLE, Head
from demo.widgets.on_demand import OnDemand
from demo.widgets.permalink import Links
from demo.widgets.templates import read, render

INTRODUCTION = render("widgets/introduction.html", title=TITLE, answer=answer.headline())
WAITING = 64  # events that wait at most: one of each of 20 visitors, and room
# Events at once. One thread computes. Between two operations, a long job lets all jobs that wait go
# first: many are served in one such gap.
AT_ONCE = 16
SCRIPTS = (
    "widgets/busy.js",
    "widgets/before_after.js",
    "widgets/photo_viewer.js",
    "widgets/comparison.js",
    "widgets/lens.js",
    "controls.js",
    "widgets/permalink.js",
    *labs.SCRIPTS,
)
STYLES = (
    "page.css",
    "widgets/introduction.css",
    "widgets/busy.css",
    "widgets/comparison.css",
    "tabs/compare.css",
    "tabs/photo.css",
    "widgets/before_after.css",
    "widgets/array_html.css",
    "widgets/thumbnails.css",
    "tabs/benchmark.css",
    "tabs/train.css",
    "widgets/blind_board.css",
)


@alone
def build() -> gr.Blocks:
    """Build the Blocks; run only one small network here, so that the port opens at once."""
    uploads.folder()  # before a component writes into Gradio's default folder
    with Guarded(title=TITLE, fill_width=True, analytics_enabled=False) as page:
        gr.HTML(copy_link.element(), elem_id="copy", padding=False)
        gr.HTML(INTRODUCTION, elem_id="introduction")
        links = Links(page, "compare")
        with gr.Tabs(elem_id=copy_link.TABS) as tabs:
            with gr.Tab("Compare", id="compare") as opened:
                compared = compare.tab()
            links.join(opened, compare.linked(compared))
            with gr.Tab("Film", id="film") as film_opened:
                filmed = film.tab()
            links.join(film_opened)
            with gr.Tab("Train", id="train") as opened:
                trained = train.tab()
            links.join(opened, trained)
            with gr.Tab("Photo", id="photo") as photo_opened:
                cleaned = photo.tab()
            links.join(photo_opened, photo.linked(cleaned))
            photo_hint.connect(compared.hint, cleaned, tabs)
            with gr.Tab("Benchmark", id="benchmark") as opened:
                scored = benchmark.tab(compared, cleaned, tabs)
            links.join(opened, scored)
            with gr.Tab("Blind test", id="blind") as opened:
                tested = blind_test.tab()
            links.join(opened, tested)
            with gr.Tab("Learn", id="learn") as opened:
                explained = learn.tab()
            links.join(opened, explained)
        with gr.Accordion("Use from a program (API)", open=False) as help_opened:
            lines = gr.Markdown(api_help.text())
        address = gr.Textbox(visible=False)
        # Only the browser knows the page's address if there is a proxy.
        here = "() => [location.origin + location.pathname.replace(/[^/]*$/, '')]"
        help_opened.expand(api_help.text, address, lines, js=here, queue=False, **PRIVATE)
        lazy.defer(page)  # first: a later event of an opened tab waits for it
        _first_results(page, links, compared)
        film.connect(film_opened, compared, filmed)
        _first_photograph(photo_opened, links, cleaned)
    # The REST route would skip the queue and its limit.
    return page.queue(api_open=False, max_size=WAITING, default_concurrency_limit=AT_ONCE)


def _first_results(page: gr.Blocks, links: Links, compared: compare.Compare) -> None:
    """Register the load events: more samples, and the result of a permalink.

    An invalid permalink leaves the first result, which the page opens with.
    """

    def offered() -> object:
        prepare()
        return compare.offered()

    page.load(offered, None, compared.gallery, queue=False, **PRIVATE, **LIVE)
    links.connect()


def _first_photograph(tab: gr.Tab, links: Links, cleaned: photo.Photo) -> None:
    """Show the first photograph when its tab opens, unless a permalink sets another."""

    def opened(status: str | None, request: gr.Request) -> object:
        return gr.skip() if links.sets("photo", request) else photo_events.opened(status, request)

    tab.select(opened, cleaned.line, cleaned.outputs, queue=False, **PRIVATE, **LIVE)


def prepare() -> None:
    """Start loading the networks and computing the first results in the background."""
    first = (compare.first, compare.offered, photo_events.first)
    warm.begin(*first, networks=photographs.NETWORKS)


def launch_options() -> dict[str, Any]:
    """Return the options of `launch`: checked calls, limited uploads, no tracebacks, no logs."""
    return {
        "theme": _theme(),
        "head": labs.templates()
        + before_after.element()
        + copy_link.template()
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
