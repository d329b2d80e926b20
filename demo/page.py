"""The page: its tabs put together, and how it is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo import (
    api,
    benchmark,
    board,
    calls,
    compare,
    grids,
    learn,
    photo,
    photo_events,
    photo_hint,
    uploads,
    warm,
    wipe,
)
from demo.calls import Calls
from demo.compute import alone
from demo.gate import Gate
from demo.guarded import Guarded
from demo.head import TITLE, Head
from demo.inputs import LIVE, MODEL, PRIVATE
from demo.limits import LARGEST_FILE, BodyLimit

INTRODUCTION = f"""# {TITLE}
Upsampling followed by a convolution, or a transposed convolution? The networks below share encoder, data, noise and
training; only the upsampling stage differs. **Turn the noise up and compare**, or clean a photograph of yours.
"""
CONTROLS = Path(__file__).parent / "controls.js"
LOOKS = Path(__file__).parent / "controls.css"

# Gradio's own semibold file lacks most letters (5 kB), so words came out in two fonts; its bold file is whole.
FONT = "".join(
    f"""@font-face {{ font-family: "Source Sans Pro"; font-weight: {weight};
  src: url("static/fonts/SourceSansPro/SourceSansPro-Bold.woff2") format("woff2"); }}
"""
    for weight in (600, 700)
)

# The colour of the chosen tab fails the contrast that WCAG AA asks for; the colour of links passes.
TABS = 'button[role="tab"][aria-selected="true"] { color: var(--link-text-color) !important; }'

STYLED = (board, compare, photo, wipe, grids, benchmark)


@alone
def build() -> gr.Blocks:
    """Build the Blocks; no network runs here but a small one, so that the port opens at once."""
    uploads.folder()  # before a component puts anything into Gradio's usual one
    with Guarded(title=TITLE, fill_width=True, analytics_enabled=False) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Tabs() as tabs:
            with gr.Tab("Compare", id="compare"):
                compared = compare.tab()
            with gr.Tab("Photo", id="photo"):
                cleaned = photo.tab()
            photo_hint.connect(compared.hint, cleaned, tabs)
            with gr.Tab("Benchmark", id="benchmark") as opened:
                benchmark.tab(compared, cleaned, tabs)
            opened.select(None, js=benchmark.NAMED)
            with gr.Tab("Learn", id="learn"):
                learn.tab()
        with gr.Accordion("Ask it from a program", open=False):
            lines = gr.Markdown(api.text())
        address = gr.Textbox(visible=False)
        # The browser knows where the page is open, whatever stands between it and this machine.
        here = "() => [location.origin + location.pathname.replace(/[^/]*$/, '')]"
        page.load(api.text, address, lines, js=here, queue=False, **PRIVATE)
        _first_results(page, compared, cleaned)
    # The REST route would skip the queue and its bound.
    return page.queue(api_open=False, max_size=16)


def _first_results(page: gr.Blocks, compared: compare.Compare, cleaned: photo.Photo) -> None:
    """Show what the tabs open with once the page is there, and what a link asks for."""
    at_once = {"queue": False, **PRIVATE, **LIVE}
    page.load(prepare, **at_once)
    page.load(compare.opening, None, compared.outputs, **at_once)
    page.load(photo_events.first, None, cleaned.outputs, **at_once)
    page.load(compare.offered, None, compared.gallery, **at_once)
    page.load(
        compare.restore, None, [*compared.inputs, *compared.outputs], concurrency_id=MODEL, **PRIVATE, **LIVE
    ).failure(compare.first, None, compared.outputs, **at_once)  # fmt: skip


def prepare() -> None:
    """Begin in the background with the first results and with the search for the quickest way to run networks."""
    warm.begin(compare.first, photo_events.first, compare.offered)


def launch_options() -> dict[str, Any]:
    """What `launch` is given, here and in a Space: checked calls, bounded uploads, no raw errors, nothing recorded."""
    return {
        "theme": _theme(),
        "head": f"{board.SCRIPT}\n<script>{CONTROLS.read_text()}</script>",
        "css": FONT + TABS + LOOKS.read_text() + "".join(part.CSS for part in STYLED),
        "max_file_size": LARGEST_FILE,
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": ["api"],
        "state_session_capacity": calls.KEPT,
        "ssr_mode": False,  # a second server would answer, without these checks
        "app_kwargs": {
            "middleware": [Middleware(layer) for layer in (Gate, BodyLimit, Calls, Head)],
            "lifespan": uploads.swept,
        },
    }


def _theme() -> gr.Theme:
    # The default colours of these fail the contrast that WCAG AA asks for.
    return gr.themes.Default(primary_hue="blue").set(
        body_text_color_subdued="*neutral_600",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_700",
        checkbox_border_color="*neutral_500",
        checkbox_border_color_dark="*neutral_400",
    )
