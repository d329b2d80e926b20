"""The Train tab: two decoders trained from scratch while the visitor watches."""

from __future__ import annotations

import tempfile
from pathlib import Path

import gradio as gr
from gradio.components import Component
from gradio.data_classes import FileData

from demo.compute.race import BACKBONES, LINE_LENGTH, OWN, SECONDS, SIGMAS
from demo.tabs import train_events
from demo.tabs.train_events import add, drawn_last, failed, follow, stop
from demo.widgets import training_board
from demo.widgets.controls import LIVE, PRIVATE, TYPED_SEED, Seed
from demo.widgets.drawing_pad import DrawingPad
from demo.widgets.drawings import Drawings
from demo.widgets.permalink import Linked, unchanged
from demo.widgets.training_board import READY, TrainingBoard

ARCHIVE = "trained.zip"
SETTINGS = ("first", "second", "backbone", "images", "sigma", "blind", "seconds", "seed")
"""Names of the settings in a link, in the order of `follow`, which also takes the drawings."""
QUEUE = {"concurrency_id": "train", "concurrency_limit": LINE_LENGTH + 1}
"""A queue apart from the other tabs: the tab has a waiting line of its own, which it shows.

One event more than the line holds, because the line refuses an event only once it runs.
"""
# On a phone the board is below the buttons.
SEEN = """() => {
  const board = document.querySelector("#training-board");
  if (innerWidth <= 720) board.scrollIntoView({ block: "start" });
}"""


class TrainedFiles(gr.DownloadButton):
    """A `gr.DownloadButton` that offers the bytes of an archive."""

    is_template = True  # the browser draws it as its base class

    def postprocess(self, value: bytes | None) -> FileData | None:
        """Write the archive to download."""
        if value is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / ARCHIVE
            path.write_bytes(value)
            return FileData(path=self.move_resource_to_block_cache(path), orig_name=ARCHIVE)


def tab() -> Linked:
    """Add the tab to the Blocks in construction; return its settings for links."""
    gr.Markdown(
        "Two networks that differ only in the decoder start from random weights and see the same "
        "images with the same noise. Watch both outputs sharpen, and which one leads."
    )
    with gr.Row(elem_id="train"):
        with gr.Column(scale=2, min_width=320):
            inputs, pad, drawn, add_button = _settings()
        with gr.Column(scale=5, min_width=320):
            with gr.Row():
                go = gr.Button("Train", variant="primary", min_width=120)
                end = gr.Button("Stop", interactive=False, min_width=120)
            board = TrainingBoard(
                training_board.state(train_events.opening(), READY, "ready"),
                elem_id="training-board",
                label="Training",
            )
            file = TrainedFiles("Download both networks (ZIP of safetensors)", interactive=False)
    outputs = [board, go, end, file]
    data = inputs[3]
    go.click(None, js=SEEN)
    go.click(follow, inputs, outputs, show_progress="hidden", **QUEUE, **PRIVATE).failure(
        failed, None, outputs, queue=False, **PRIVATE, **LIVE
    )
    end.click(stop, None, None, queue=False, **PRIVATE, **LIVE)
    add_button.click(add, [pad, drawn], [drawn, pad], queue=False, **PRIVATE, **LIVE).success(
        lambda: OWN, None, data, queue=False, **PRIVATE, **LIVE
    )
    drawn.input(drawn_last, drawn, data, queue=False, **PRIVATE, **LIVE)
    return Linked(dict(zip(SETTINGS, inputs, strict=False)), [], unchanged)


def _settings() -> tuple[list[Component], DrawingPad, Drawings, gr.Button]:
    """Make the inputs of `follow`, in its order, the pad and its button."""
    usual = train_events.first()
    with gr.Group():
        one, other = (
            gr.Dropdown(train_events.labels(), value=name, label=label, filterable=False)
            for name, label in zip(usual.decoders, ("First decoder", "Second decoder"), strict=True)
        )
        networks = [(label, name) for name, label in BACKBONES.items()]
        backbone = gr.Radio(networks, value=usual.backbone, label="Network around the decoder")
        data = gr.Radio(
            train_events.sources(), value=usual.data, label="Images", info=train_events.absent()
        )
    with gr.Accordion("Draw your own images", open=False):
        pad = DrawingPad("training-pad")
        button = gr.Button("Add this drawing", size="sm")
        drawn = Drawings()
    with gr.Group(elem_id="train-settings"):
        sigma = gr.Slider(*SIGMAS, usual.sigma, step=0.05, label="Noise level sigma (of [0, 1]) ")
        blind = gr.Checkbox(usual.blind, label="All levels from 0 to this one")
        seconds = gr.Slider(*SECONDS, usual.seconds, step=5, label="Seconds, for both together")
        seed = Seed(usual.seed, label="Seed of weights, order and noise", **TYPED_SEED)
    return [one, other, backbone, data, sigma, blind, seconds, seed, drawn], pad, drawn, button
