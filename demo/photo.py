"""The Photo tab: a picture of any size, noisy already or made so, before and after, and the clean file to keep."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
import skimage
from gradio.components import Component
from gradio.data_classes import FileData

import denoise
from demo import wipe
from demo.board import hint
from demo.inputs import LIVE, MODEL, PRIVATE, Level, Seed, refusal
from demo.photographs import HIGHEST, KINDS, Cleaned, add_and_clean, clean
from demo.picture import LARGEST, read_file
from denoise import picture_files
from denoise.cleaning import PHOTOGRAPHS
from denoise.picture_files import PictureFile

ADD, AS_IT_IS = "add", "clean"
TASKS = {ADD: "Add noise to a clean picture", AS_IT_IS: "Clean a noisy picture"}
SAMPLES = {  # pictures of scikit-image: what is shown, and what kind of picture it is
    "camera.png": ("Cameraman", "photograph"),
    "astronaut.png": ("Astronaut", "photograph"),
    "coffee.png": ("Coffee", "photograph"),
    "page.png": ("Page", "page"),
}
FIRST = {"task": ADD, "kind": "photograph", "sigma": 25, "seed": 0}
OUTPUT = "clean.png"


class Photo(NamedTuple):
    """The components of the tab that `show` reads and writes, in its order."""

    inputs: list[Component]
    outputs: list[Component]


class Photograph(gr.Image):
    """A `gr.Image` that hands over the uploaded file with every bit that it holds."""

    def get_block_name(self) -> str:
        return "image"

    def preprocess(self, payload: Any) -> PictureFile | None:
        return None if payload is None else read_file(payload.path)


class CleanFile(gr.DownloadButton):
    """A `gr.DownloadButton` that takes a `PictureFile` and offers it as a PNG, which the page's cache forgets."""

    def get_block_name(self) -> str:
        return "downloadbutton"

    def postprocess(self, value: PictureFile | None) -> FileData | None:
        if value is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / OUTPUT
            picture_files.write(value, path)
            return FileData(path=self.move_resource_to_block_cache(path), orig_name=OUTPUT)


def show(
    picture: PictureFile | None, task: str, kind: str, sigma: float, seed: int
) -> tuple[str, dict[str, object], PictureFile | None]:
    """Clean one picture.

    Returns it before and after as HTML; as JSON the network, milliseconds, the estimated level of the noise (0-255
    scale) and, where noise was added, psnr (dB) and ssim before and after; and the clean file.
    """
    if picture is None:
        return hint("Choose a sample or upload a picture."), {}, None
    try:
        if task not in TASKS:
            raise ValueError(f"the task {task!r} is not one of {', '.join(TASKS)}")
        done = add_and_clean(picture, kind, sigma, seed) if task == ADD else clean(picture, kind, sigma)
    except ValueError as error:
        raise refusal(error) from None
    return wipe.wipe(done), _scores(done), done.file


def _scores(done: Cleaned) -> dict[str, object]:
    scores: dict[str, object] = {"network": done.network, "ms": round(done.ms, 1)}
    scores["noise_255"] = None if done.estimate is None else round(done.estimate, 2)
    for name, pair in (("psnr", done.psnr), ("ssim", done.ssim)):
        if pair:
            scores[name] = [round(value, 4) if np.isfinite(value) else None for value in pair]
    return scores


def choose(event: gr.SelectData) -> tuple[np.ndarray, str, str]:
    """A sample becomes the picture; a page is stained as it is, a photograph is clean and gets noise."""
    return sample(list(SAMPLES)[event.index])


def sample(name: str) -> tuple[np.ndarray, str, str]:
    """The picture of that name, and what is to be done with it: task and kind."""
    kind = SAMPLES[name][1]
    return _sample(name), AS_IT_IS if kind == "page" else ADD, kind


def for_task(task: str) -> dict[str, object]:
    """The level means one thing for a clean picture and another for a noisy one."""
    if task == ADD:
        return gr.update(label="Noise to add: sigma, on the 0-255 scale", info="", value=FIRST["sigma"])
    info = "0: as much as the network sees"
    return gr.update(label="Noise to take: sigma, on the 0-255 scale", info=info, value=0)


def _sample(name: str) -> np.ndarray:
    layers = picture_files.read_8bit(_path(name)).numpy()
    return layers[0] if len(layers) == 1 else layers.transpose(1, 2, 0)


def _path(name: str) -> Path:
    return Path(skimage.__file__).parent / "data" / name


def tab() -> Photo:
    """Put the tab into the Blocks that are being built; the first result is computed now, before any click."""
    first = next(iter(SAMPLES))
    opening = hint("No weights for photographs ship with this copy."), {}, None
    if set(PHOTOGRAPHS.values()) <= set(denoise.names()):
        opening = show(picture_files.read(_path(first)), *FIRST.values())
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            gallery = gr.Gallery(
                [(_sample(name), label) for name, (label, _) in SAMPLES.items()], format="png", columns=4,
                allow_preview=False, object_fit="cover", buttons=[], interactive=False, show_label=False,
                label="Sample photographs", elem_id="photographs",
            )  # fmt: skip
            picture = Photograph(
                _sample(first), format="png", sources=["upload", "clipboard"], height=220, buttons=[],
                elem_id="photograph", label="Picture", alt_text="The picture as it was chosen or uploaded",
            )  # fmt: skip
            gr.Markdown(
                f"PNG, JPEG, WebP, BMP, TIFF; up to {LARGEST / 1e6:g} megapixels and 5 MB. Deleted within an hour."
            )
            with gr.Group():
                task = gr.Radio([(label, name) for name, label in TASKS.items()], value=FIRST["task"], label="Task")
                kind = gr.Radio([(label, name) for name, label in KINDS.items()], value=FIRST["kind"], label="It is a")
                start = for_task(FIRST["task"])
                sigma = Level(0, HIGHEST, start["value"], step=1, label=start["label"])
                seed = Seed(FIRST["seed"], label="Seed of the noise", step=1, minimum=0)
        with gr.Column(scale=5, min_width=320):
            out = gr.HTML(opening[0], elem_id="wipe", label="Before and after")
            wipe.line("wipe")
            file = CleanFile("Download the clean picture (PNG, every pixel and bit)", opening[2])
            data = gr.JSON(opening[1], label="Scores", visible=False)
    inputs, outputs = [picture, task, kind, sigma, seed], [out, data, file]
    changes = [kind.input, sigma.input, seed.input]
    gr.on(changes, show, inputs, outputs, api_name="clean", concurrency_id=MODEL, **LIVE)
    for source in (
        gallery.select(choose, None, [picture, task, kind], **PRIVATE, **LIVE).success(
            for_task, task, sigma, **PRIVATE, **LIVE
        ),
        task.input(for_task, task, sigma, **PRIVATE, **LIVE),
        picture.upload(None, **PRIVATE),
        picture.clear(lambda: None, None, picture, **PRIVATE, **LIVE),
    ):
        source.success(show, inputs, outputs, **PRIVATE, concurrency_id=MODEL, **LIVE)
    return Photo(inputs, outputs)


CSS = """
#photographs, #photographs .grid-wrap { height: auto; min-height: 0; max-height: none; }
#photographs .grid-container { grid-template-columns: repeat(auto-fill, minmax(60px, 1fr)); grid-auto-rows: auto; }
#photographs .thumbnail-item { min-width: 0; width: 100%; height: auto; aspect-ratio: 1; }
#photographs .caption-label { display: none; }
"""
