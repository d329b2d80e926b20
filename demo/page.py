"""The page: its tabs put together, and how it is served."""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo import api, benchmark, board, compare, grids, learn, photo, wipe
from demo.compute import alone
from demo.inputs import LIVE, MODEL, PRIVATE
from demo.limits import BodyLimit

TITLE = "Which decoder should a denoising autoencoder use?"
INTRODUCTION = f"""# {TITLE}
Upsampling followed by a convolution, or a transposed convolution? The networks below share encoder, data, noise and
training; only the upsampling stage differs. **Turn the noise up and compare**, or clean a photograph of yours.
"""
HOUR = 3_600  # seconds: nothing of a visitor is kept longer

# Gradio's own semibold file lacks most letters (5 kB), so words came out in two fonts; its bold file is whole.
FONT = "".join(
    f"""@font-face {{ font-family: "Source Sans Pro"; font-weight: {weight};
  src: url("static/fonts/SourceSansPro/SourceSansPro-Bold.woff2") format("woff2"); }}
"""
    for weight in (600, 700)
)

# The colour of the chosen tab fails the contrast that WCAG AA asks for; the colour of links passes.
TABS = 'button[role="tab"][aria-selected="true"] { color: var(--link-text-color) !important; }'


@alone
def build() -> gr.Blocks:
    """The Blocks, with a result in it before the first click."""
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=(HOUR // 6, HOUR)) as page:
        gr.Markdown(INTRODUCTION)
        with gr.Tabs() as tabs:
            with gr.Tab("Compare", id="compare"):
                compared = compare.tab()
            with gr.Tab("Photo", id="photo"):
                cleaned = photo.tab()
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
        page.load(
            compare.restore, None, [*compared.inputs, *compared.outputs], concurrency_id=MODEL, **PRIVATE, **LIVE
        )  # fmt: skip
    # The REST route would skip the queue and its bound.
    return page.queue(api_open=False, max_size=16)


def launch_options() -> dict[str, Any]:
    """What `launch` is given, here and in a Space: bounded uploads, no raw errors, nothing recorded."""
    return {
        "theme": _theme(),
        "head": board.SCRIPT,
        "css": FONT + TABS + board.CSS + compare.CSS + photo.CSS + wipe.CSS + grids.CSS,
        "max_file_size": "5mb",
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": ["api"],
        "app_kwargs": {"middleware": [Middleware(BodyLimit)]},
    }


def _theme() -> gr.Theme:
    # The default colours of these five fail the contrast that WCAG AA asks for.
    return gr.themes.Default(primary_hue="blue").set(
        body_text_color_subdued="*neutral_600",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_700",
    )
