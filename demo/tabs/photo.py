"""The Photo tab: an image of any size before and after denoising, and the output file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component
from gradio.data_classes import FileData

from demo.compute import parts
from demo.compute.images import read_file
from demo.compute.photographs import HIGHEST, KINDS
from demo.compute.strength import FULL
from demo.guard import uploads
from demo.guard.body_limit import LARGEST_FILE
from demo.tabs.photo_events import (
    AS_UPLOADED,
    FIRST,
    OF_PROGRAMS,
    SAMPLES,
    TASKS,
    WHOLE,
    arrived,
    blended,
    cancelled,
    caught_up,
    choose,
    emptied,
    failed,
    follow,
    for_part,
    for_task,
    from_link,
    sample,
    sample_name,
    show,
)
from demo.widgets.comparison import hint
from demo.widgets.controls import LIVE, PRIVATE, TYPED_SEED, Level, Seed
from demo.widgets.crop_frame import CropFrame
from demo.widgets.permalink import Linked
from denoise.images import image_files
from denoise.images.image_files import PictureFile

OUTPUT = "clean.png"
SOON = "Denoising the first photograph…"
OF_LARGE = ("part", "place")  # settings of large images, which are uploads
STRENGTH = "(percent) => PhotoViewer.setStrength(percent)"
QUEUE = {"concurrency_id": "photo", "concurrency_limit": 4}
"""A queue apart from Compare's queue.

Several events run at once, so that a small image need not wait for a large image.
"""


class Photo(NamedTuple):
    """The components that `follow` reads and writes, in its order."""

    inputs: list[Component]
    outputs: list[Component]

    @property
    def line(self) -> Component:
        """Status line above the images; it is empty until there is a result or a job."""
        return self.outputs[3]


class Photograph(gr.Image):
    """A `gr.Image` whose value is the uploaded file at full bit depth."""

    is_template = True  # the browser draws it as its base class

    def preprocess(self, payload: Any) -> PictureFile | None:
        """Decode the uploaded file."""
        return None if payload is None else read_file(uploads.path_of(payload), parts.LARGEST)


class CleanFile(gr.DownloadButton):
    """A `gr.DownloadButton` that offers a `PictureFile` as PNG, outside of the page's cache."""

    is_template = True  # the browser draws it as its base class

    def postprocess(self, value: PictureFile | None) -> FileData | None:
        """Write the file to download."""
        if value is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / OUTPUT
            image_files.write(value, path)
            return FileData(path=self.move_resource_to_block_cache(path), orig_name=OUTPUT)


def tab() -> Photo:
    """Add the tab to the Blocks in construction.

    The first result is computed after the page has opened.
    """
    with gr.Row(elem_id="photo"):
        with gr.Column(scale=2, min_width=320):
            gallery, picture = _sources()
            settings = _settings(FIRST, "photo")
        with gr.Column(scale=5, min_width=320):
            line = gr.HTML(label="Status", elem_id="status")
            cancel = gr.Button("Cancel", size="sm", elem_id="cancel")
            out = gr.HTML(hint(SOON), elem_id="wipe", label="Before and after")
            percent = Level(
                0,
                FULL,
                FULL,
                step=1,
                label="Strength in percent: 0 is the input, 100 the output of the network",
                elem_id="photo-strength",
            )
            file = CleanFile(
                "Download the output (PNG, full size and depth)",
                interactive=False,
                elem_id="photo-file",
            )
            data = gr.JSON({}, label="Scores", visible=False)
            token = gr.Textbox("", label="Result", visible=False)
    made = Photo([picture, *settings, percent], [out, data, file, line, token])
    with gr.Group(visible=False):  # an API call without settings denoises its image as it is
        usual = _settings(AS_UPLOADED)[: len(OF_PROGRAMS)]
    gr.on([], show, [picture, *usual], made.outputs[:3], api_name="clean", **QUEUE)
    _wire(made, gallery)
    cancel.click(cancelled, None, None, queue=False, **PRIVATE, **LIVE)
    return made


def _wire(made: Photo, gallery: gr.Gallery) -> None:
    """Connect the events of the components to their functions."""
    picture, *settings = made.inputs
    task, kind, sigma, seed, part, place, percent = settings
    _, data, file, line, token = made.outputs
    seen = PRIVATE | QUEUE | {"show_progress": "minimal", "show_progress_on": line}
    at_once = seen | {"trigger_mode": "multiple"}  # the newer event cancels the older one
    positions = seen | {"trigger_mode": "always_last"}  # the events come many times a second
    chosen = [kind.input, part.input, sigma.release, place.input]
    for event in (
        gallery.select(choose, None, [*made.inputs, *made.outputs], **at_once),
        picture.upload(arrived, picture, [*settings, *made.outputs], **at_once),
        task.input(for_task, task, sigma, **PRIVATE, **LIVE).success(
            follow, made.inputs, made.outputs, **at_once
        ),
        gr.on(chosen, follow, made.inputs, made.outputs, **at_once),
        gr.on([sigma.input, seed.input], follow, made.inputs, made.outputs, **positions),
    ):
        event.failure(failed, None, made.outputs, queue=False, **PRIVATE, **LIVE)
        event.success(caught_up, [data, token, percent], file, **QUEUE, **PRIVATE, **LIVE)
    part.input(for_part, part, place, queue=False, **PRIVATE, **LIVE)
    # The event carries the old value of the image.
    picture.clear(emptied, None, [picture, *made.outputs], queue=False, **PRIVATE, **LIVE)
    # The browser blends what it shows; the server blends the file.
    percent.change(None, percent, None, js=STRENGTH, **PRIVATE)
    percent.input(blended, [token, percent], file, **QUEUE, **PRIVATE, **LIVE)


def linked(made: Photo) -> Linked:
    """Return the settings of the tab for links: a sample, never an upload."""
    picture, *components = made.inputs
    settings = dict(zip(AS_UPLOADED, components, strict=True))
    for name in OF_LARGE:
        del settings[name]

    def restored(
        values: Mapping[str, Any], request: gr.Request
    ) -> Iterator[Mapping[Component, Any]]:
        name = values.get("sample", next(iter(SAMPLES)))
        asked = FIRST | {setting: values[setting] for setting in settings}
        level = for_task(asked["task"]) | {"value": asked["sigma"]}
        changed: dict[Component, Any] = {picture: sample(name)[0], settings["sigma"]: level}
        for step in from_link(name, asked, request):
            yield changed | dict(zip(made.outputs, step, strict=True))
            changed = {}

    return Linked({"sample": sample_name} | settings, [picture, *made.outputs], restored)


def _sources() -> tuple[gr.Gallery, Photograph]:
    gallery = gr.Gallery(
        [(sample(name)[0], label) for name, (label, _) in SAMPLES.items()],
        format="png",
        columns=4,
        allow_preview=False,
        object_fit="cover",
        buttons=[],
        interactive=False,
        show_label=False,
        label="Sample photographs",
        elem_id="photographs",
    )
    picture = Photograph(
        sample(next(iter(SAMPLES)))[0],
        format="png",
        sources=["upload", "clipboard"],
        height=220,
        buttons=[],
        elem_id="photograph",
        label="Image",
        alt_text="The chosen or uploaded image",
    )
    gr.Markdown(
        f"{image_files.NAMES}; up to {parts.LARGEST / 1e6:g} megapixels and "
        f"{LARGEST_FILE / 1e6:g} MB. Uploads are deleted within an hour."
    )
    return gallery, picture


def _settings(values: dict[str, Any], name: str | None = None) -> list[Component]:
    """Make the inputs of `show` after the image, in its order."""
    level = for_task(values["task"])
    sigma = Level(
        0,
        HIGHEST,
        level["value"],
        step=1,
        label=level["label"],
        info=level["info"],
        elem_id=name and f"{name}-level",
    )
    part = gr.Radio(WHOLE, value=values["part"], label="Part to denoise", visible=False)
    place = CropFrame(visible=False, elem_id=name and f"{name}-place")
    with gr.Group(elem_id=name and f"{name}-settings"):
        task = gr.Radio(
            [(label, name) for name, label in TASKS.items()], value=values["task"], label="Task"
        )
        kind = gr.Radio(
            [(label, name) for name, label in KINDS.items()],
            value=values["kind"],
            label="Kind of image",
        )
        seed = Seed(values["seed"], label="Noise seed", **TYPED_SEED)
    return [task, kind, sigma, seed, part, place]
