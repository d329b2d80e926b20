"""The Compare tab: a clean image, added noise, and each decoder's output, live."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
from gradio.components import Component

from demo import opening
from demo.compute import draws, results
from demo.compute.answers import FIRST_ARMS, HIGHEST, Answer, compare, whole
from demo.compute.error_maps import VIEWS
from demo.compute.images import LARGEST_SIDE, GrayImage, as_digit
from demo.compute.samples import Sample, name_of, named, rendered, samples
from demo.compute.warm import Once
from demo.guard.refusals import refusal, tell
from demo.tabs import photo_hint
from demo.tabs.photo_hint import PhotoHint, is_photograph
from demo.widgets import labs, permalink
from demo.widgets.comparison import board, hint
from demo.widgets.controls import LIVE, MODEL, PRIVATE, TYPED_SEED, Level, Seed
from demo.widgets.drawing_pad import DrawingPad
from demo.widgets.permalink import Linked
from demo.widgets.thumbnails import Thumbnails
from denoise.datasets import DATASETS
from denoise.noise import NOISES

SETTINGS = ("noise", "clip", "sigma", "seed", "weights", "decoders", "view")
"""Names of the settings in a link, in the order of `show`."""
OF_DRAWS = ("noise", "clip", "sigma", "weights", "decoders")
"""Names of the settings of `redraw`, in its order."""
FIRST = {"noise": "gaussian", "clip": True, "sigma": 0.4, "seed": 0}
# a queue of its own, so that a new comparison need not wait for the draws of the last one
DRAWS: dict[str, Any] = {"concurrency_id": "draws", **PRIVATE, **LIVE}


def show(
    picture: np.ndarray | None,
    noise: str,
    clip: bool,
    sigma: float,
    seed: int,
    family: str,
    chosen: list[str],
    view: str,
) -> tuple[str, dict[str, object]]:
    """Denoise one image with the chosen decoders.

    Return the comparison as HTML, and the scores as JSON. Each row of the JSON, the noisy image or
    a method, has psnr (dB), ssim, ms, and gain: dB above the first method. psnr is null for equal
    images, ssim is null below 11x11 pixels.
    """
    if picture is None:
        return hint("Choose a sample, draw, or upload an image."), {}
    try:
        answers = compare(picture, noise, clip, sigma, seed, family, chosen)
        settings = _settings(picture, noise, clip, sigma, seed, family)
        return board(answers, settings, view, _link(picture)), _scores(answers)
    except ValueError as error:
        raise refusal(error) from None


def _link(picture: np.ndarray) -> dict[str, str]:
    """Return the settings of a link that give the image: a sample's name, or the small image."""
    sample = name_of(picture)
    text = permalink.write_image(picture)
    return {"sample": sample} if sample else {"picture": text} if text else {}


def _settings(
    picture: np.ndarray, noise: str, clip: bool, sigma: float, seed: int, family: str
) -> str:
    height, width = picture.shape
    return (
        f"{NOISES[noise].label} noise, {_level(noise, sigma)}, "
        f"{'clipped' if clip else 'unclipped'}, seed {whole(seed)}. {width}x{height} pixels. "
        f"Networks trained on {_label(family)}."
    )


def _level(noise: str, level: float) -> str:
    """Format the level in the unit of its noise: not every noise has a standard deviation."""
    if noise == "gaussian":
        return f"sigma {level:g} ({level * 255:.0f} on the 0-255 scale)"
    return f"level {level:g} ({NOISES[noise].facts['unit'].partition(',')[0]})"


def _label(family: str) -> str:
    return DATASETS[family].label if family in DATASETS else family


def _scores(answers: list[Answer]) -> dict[str, object]:
    return {
        answer.name: {
            "psnr": None
            if answer.psnr is None or math.isinf(answer.psnr)
            else round(answer.psnr, 3),
            "ssim": None if answer.ssim is None else round(answer.ssim, 5),
            "ms": None if answer.ms is None else round(answer.ms, 2),
            "gain": None if answer.gain is None else round(answer.gain, 3),
        }
        for answer in answers[1:]
    }


def redraw(
    picture: np.ndarray | None,
    noise: str,
    clip: bool,
    sigma: float,
    family: str,
    chosen: list[str],
) -> str:
    """Draw the noise many times; return the distribution of each network's PSNR as HTML."""
    if picture is None:
        return ""
    try:
        found = draws.distribution(picture, noise, clip, sigma, family, chosen)
    except ValueError as error:
        raise refusal(error) from None
    return labs.element("draw-strip", draws=found) if found["rows"] else ""


def redraw_arrived(picture: np.ndarray | None, *settings: Any) -> str:
    """Draw the noise many times for a new image as `redraw` does, but not for a photograph."""
    photograph = picture is not None and is_photograph(picture)
    return "" if photograph else redraw(picture, *settings)


def draw(drawing: np.ndarray | None) -> np.ndarray | dict[str, object]:
    """Make a drawing the clean image; a blank pad changes nothing and shows a message."""
    digit = None if drawing is None else as_digit(drawing)
    if digit is None:
        tell("The pad is empty: draw a digit or a letter.")
        return gr.skip()
    return digit


def choose(event: gr.SelectData) -> tuple[np.ndarray, object]:
    """Make a sample the clean image, and select the weights of its family if they ship."""
    sample = samples()[event.index]
    return sample.image, sample.family if sample.family in results.families() else gr.skip()


def arrived(picture: np.ndarray | None, *settings: Any) -> tuple[str, dict[str, object], object]:
    """Compare a new image as `show` does.

    For a photograph, show a hint that leads to the Photo tab instead.
    """
    if picture is not None and is_photograph(picture):
        return hint(photo_hint.INSTEAD), {}, gr.update(visible=True)
    return *show(picture, *settings), gr.update(visible=False)


def level_label(noise: str) -> str:
    """Return the label of the slider: the level of a noise with its unit."""
    if noise == "gaussian":
        return "Noise level sigma, in units of the [0, 1] range"
    return f"Noise level: {NOISES[noise].facts['unit'].partition(':')[0]}"


def first() -> tuple[str, str]:
    """Compute the comparison that the page opens with, and its draws, as HTML.

    `opening.COMMITTED` holds both. The call also loads the networks of a visitor's first change.
    """
    usual = _usual()
    if not usual["weights"]:
        return hint("This copy has no weights."), ""
    picture, *settings, view = usual.values()
    answers = [replace(one, ms=None) for one in compare(picture, *settings)]  # of this machine
    line = _settings(
        picture, *(usual[name] for name in ("noise", "clip", "sigma", "seed", "weights"))
    )
    shown = board(answers, line, view, _link(picture))
    return shown, redraw(picture, *(usual[name] for name in OF_DRAWS))


def _committed(usual: Mapping[str, Any]) -> tuple[str, str]:
    """Return the committed results of `first` if this copy has the networks."""
    return opening.results() if usual["weights"] else first()


@Once
def offered() -> object:
    """Return every sample for the gallery, which opens with the samples that need no data."""
    return _gallery(samples()) if len(samples()) > len(rendered()) else gr.skip()


def _gallery(of: tuple[Sample, ...]) -> list[tuple[np.ndarray, str]]:
    return [(sample.image, sample.label) for sample in of]


def linked(compared: Compare) -> Linked:
    """Return the settings of the tab for links."""
    picture, *components = compared.inputs
    settings = dict(zip(SETTINGS, components, strict=True))

    def restored(values: Mapping[str, Any], _: gr.Request) -> Iterator[Mapping[Component, Any]]:
        given = [values[name] for name in ("sample", "picture") if name in values]
        image = given[0] if given else _opening()[0].image
        outputs = show(image, *(values[name] for name in SETTINGS))
        yield {picture: image, **dict(zip(compared.outputs, outputs, strict=True))}
        yield {compared.strip: redraw(image, *(values[name] for name in OF_DRAWS))}

    parsers = {"sample": named, "picture": permalink.read_image}
    outputs = [picture, *compared.outputs, compared.strip]
    return Linked(parsers | settings, outputs, restored)


def _usual() -> dict[str, Any]:
    """Return the default image and settings, by `SETTINGS`."""
    sample, family = _opening()
    return {
        "picture": sample.image,
        **FIRST,
        "weights": family,
        "decoders": [arm for arm in FIRST_ARMS if arm in results.every_arm()],
        "view": next(iter(VIEWS)),
    }


def keep(picture: np.ndarray | None) -> np.ndarray | None:
    """Return an upload as `GrayImage` decoded it, so that later events need not decode it."""
    return picture


class Compare(NamedTuple):
    """Components that other tabs may set and read: inputs and outputs of `show`, in its order."""

    inputs: list[Component]
    outputs: list[Component]
    strip: gr.HTML
    gallery: Thumbnails
    hint: PhotoHint

    @property
    def drawn(self) -> list[Component]:
        """Inputs of `redraw`: those of `show` without seed and view."""
        picture, noise, clip, sigma, _, weights, chosen, _ = self.inputs
        return [picture, noise, clip, sigma, weights, chosen]


def tab() -> Compare:
    """Add the tab to the Blocks in construction; it opens with the committed first result."""
    usual = _usual()
    first_board, first_strip = _committed(usual)
    with gr.Row(elem_id="compare"):
        # first, so that a phone shows the result and the slider in its first screen
        with gr.Column(scale=5, min_width=320):
            sigma = Level(0, HIGHEST, usual["sigma"], step=0.01, label=level_label(usual["noise"]))
            out = gr.HTML(first_board, elem_id=opening.BOARD, label="Comparison")
            view = gr.Radio(
                [(label, name) for name, label in VIEWS.items()], value=usual["view"], label="Show"
            )
            strip = gr.HTML(first_strip, elem_id=opening.DRAWS, label="Many draws of the noise")
            data = gr.JSON({}, label="Scores", visible=False)
        with gr.Column(scale=2, min_width=320):
            picture, pad, gallery, leading = _sources(usual["picture"])
            noise, seed, clip, weights, chosen = _settings_group(usual)
    inputs, outputs = [picture, noise, clip, sigma, seed, weights, chosen, view], [out, data]
    made = Compare(inputs, outputs, strip, gallery, leading)
    changes = [entry.input for entry in inputs[1:]]
    gr.on(changes, show, inputs, outputs, api_name="compare", concurrency_id=MODEL, **LIVE)
    gr.on([entry.input for entry in made.drawn[1:]], redraw, made.drawn, strip, **DRAWS)
    noise.change(
        lambda name: gr.update(label=level_label(name)),
        noise,
        sigma,
        queue=False,
        **PRIVATE,
        **LIVE,
    )
    # A new image first becomes the value of `picture`; then `show` reads the current settings.
    for source in (
        gallery.select(choose, None, [picture, weights], **PRIVATE, **LIVE),
        pad.input(draw, pad, picture, **PRIVATE, **LIVE),
        picture.upload(keep, picture, picture, **PRIVATE, **LIVE),
        # the event carries the old value
        picture.clear(lambda: None, None, picture, **PRIVATE, **LIVE),
    ):
        source.success(
            arrived, inputs, [*outputs, leading.row], concurrency_id=MODEL, **PRIVATE, **LIVE
        ).success(redraw_arrived, made.drawn, strip, **DRAWS)
    leading.anyway.click(show, inputs, outputs, concurrency_id=MODEL, **PRIVATE, **LIVE).success(
        redraw, made.drawn, strip, **DRAWS
    )
    return made


def _opening() -> tuple[Sample, str | None]:
    """Return the sample and the weights that the page opens with, of a family that ships."""
    known = results.families()
    opened = next((sample for sample in rendered() if sample.family in known), rendered()[0])
    return opened, opened.family if opened.family in known else next(iter(known), None)


def _settings_group(
    usual: dict[str, Any],
) -> tuple[gr.Dropdown, Seed, gr.Checkbox, gr.Radio, gr.CheckboxGroup]:
    with gr.Group():
        weights = gr.Radio(
            [(_label(name), name) for name in results.families()],
            value=usual["weights"],
            label="Networks trained on",
        )
        chosen = gr.CheckboxGroup(
            [(results.entry(arm).label, arm) for arm in results.every_arm()],
            value=usual["decoders"],
            label="Decoders, ceilings and classical methods (at least one)",
            elem_classes="keep-one",
            elem_id="arms",
        )
        with gr.Row():
            kinds = [
                (entry.label, entry.name) for entry in NOISES if not entry.facts.get("photographic")
            ]
            noise = gr.Dropdown(kinds, value=usual["noise"], label="Noise", scale=2, min_width=140)
            seed = Seed(usual["seed"], label="Seed", min_width=70, **TYPED_SEED)
            clip = gr.Checkbox(usual["clip"], label="Clipped", info="to [0, 1]", min_width=70)
    return noise, seed, clip, weights, chosen


def _sources(opened: np.ndarray) -> tuple[GrayImage, DrawingPad, Thumbnails, PhotoHint]:
    """Add the three sources of a clean image.

    The upload shows the current image, from any of the sources.
    """
    with gr.Tabs():
        with gr.Tab("Sample"):
            gallery = Thumbnails(_gallery(rendered()), label="Samples", elem_id="samples")
        with gr.Tab("Draw"):
            pad = DrawingPad()
        with gr.Tab("Upload"):
            picture = GrayImage(
                opened,
                format="png",
                sources=["upload", "clipboard"],
                height=250,
                buttons=[],
                elem_id="picture",
                label="Clean image, in gray",
                alt_text="The clean image",
            )
            leading = photo_hint.place(picture)
            gr.Markdown(
                f"Any size; larger images are downscaled to {LARGEST_SIDE} pixels a side. These "
                "networks are trained only on digits and letters."
            )
    return picture, pad, gallery, leading
