"""The Learn tab: each layer of a decoder on inputs small enough to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component

from demo.compute import lessons
from demo.compute.samples import rendered
from demo.widgets import array_html, labs, templates
from demo.widgets.array_html import ARROW, row
from demo.widgets.controls import LIVE, MODEL, PRIVATE
from demo.widgets.permalink import Linked

INPUTS = {"ramp": "1 to 9", "point": "one point", "edge": "an edge"}

AUTOENCODER, UPSAMPLING, TRANSPOSED, POOLING, CHECKERBOARDS = re.split(
    r"\n\n(?=## )", templates.read("tabs/learn.md").strip()
)


def autoencoder(index: int, sigma: float) -> str:
    """Render a noisy sample, channels of its code, and the output."""
    sample = rendered()[int(index) - 1]
    code = lessons.code(sample.image, sigma)
    channels, height, width = code.shape
    caption = f"{len(code.channels)} of the {channels} channels of the code, {height}x{width} each"
    return row(
        array_html.image(code.noisy.image, f"Noisy input: {code.noisy.psnr:.2f} dB"),
        ARROW,
        array_html.channels(code.channels, caption),
        ARROW,
        array_html.image(code.cleaned.image, f"Output: {code.cleaned.psnr:.2f} dB"),
    )


def upsampling(values: str, mode: str, factor: float) -> str:
    """Render an input beside its upsampled output."""
    small = lessons.INPUTS[values]
    large = lessons.upsampled(small, mode, int(factor))
    return row(
        array_html.numbers(small, "Input, 3x3"),
        ARROW,
        array_html.numbers(large, f"{mode}, {len(large)}x{len(large)}"),
    )


def checkerboards(kernel: float, stride: float, seed: float) -> str:
    """Render the outputs of two untrained layers for a constant input."""
    made, resized = lessons.untrained(int(kernel), int(stride), int(seed))
    return row(
        array_html.image(made, f"Transposed conv {kernel:g}x{kernel:g}, stride {stride:g}", 200),
        array_html.image(resized, "Upsampling nearest + conv 3x3", 200),
    )


class Lesson(NamedTuple):
    """The controls of a lesson by their names in a link, its output, and its function."""

    controls: dict[str, Component]
    out: gr.HTML
    show: Callable[..., str]


def _lesson(
    text: str,
    show: Callable[..., str],
    controls: Callable[[], dict[str, Component]],
    **options: object,
) -> Lesson:
    """Add a text, its controls, and the output of `show`, computed now and at each change."""
    gr.Markdown(text)
    with gr.Row():
        named = controls()
    given = list(named.values())
    out = gr.HTML(
        show(*(control.value for control in given)),
        label=show.__name__,
        elem_id=f"lesson-{show.__name__}",
    )
    gr.on([control.input for control in given], show, given, out, **options, **PRIVATE, **LIVE)
    return Lesson(named, out, show)


def tab() -> Linked:
    """Add the tab to the Blocks in construction; return its settings for links."""
    made: list[Lesson] = []
    if lessons.has_networks():
        made.append(
            _lesson(
                AUTOENCODER,
                autoencoder,
                lambda: {
                    "sample": gr.Slider(1, len(rendered()), 1, step=1, label="Sample"),
                    "sigma": gr.Slider(0, 0.6, 0.4, step=0.05, label="Noise level sigma"),
                },
                concurrency_id=MODEL,
            )
        )
    inputs = [(label, name) for name, label in INPUTS.items()]
    made.append(
        _lesson(
            UPSAMPLING,
            upsampling,
            lambda: {
                "input": gr.Radio(inputs, value="ramp", label="Input"),
                "mode": gr.Radio(list(lessons.MODES), value="bilinear", label="Interpolation"),
                "factor": gr.Slider(2, 4, 2, step=1, label="Factor"),
            },
        )
    )
    gr.Markdown(TRANSPOSED)
    trained = lessons.trained() if lessons.has_networks() else None
    decoder_data = {"trained": trained} if trained else {}
    decoder = gr.HTML(labs.element("decoder-lab", **decoder_data))
    gr.Markdown(POOLING)
    pooling = gr.HTML(labs.element("pooling-lab"))
    made.append(
        _lesson(
            CHECKERBOARDS,
            checkerboards,
            lambda: {
                "kernel": gr.Slider(1, 6, 4, step=1, label="Kernel size "),
                "stride": gr.Slider(1, 4, 2, step=1, label="Stride "),
                "seed": gr.Slider(0, 20, 0, step=1, label="Seed of the weights"),
            },
        )
    )

    def restored(values: Mapping[str, Any], _: gr.Request) -> Iterator[Mapping[Component, Any]]:
        shown = {one.out: one.show(*(values[name] for name in one.controls)) for one in made}
        for out, name, data in (
            (decoder, "decoder-lab", decoder_data),
            (pooling, "pooling-lab", {}),
        ):
            settings = {key: values[key] for key in labs.settings(name) if key in values}
            if settings:
                shown[out] = labs.element(name, **data, settings=settings)
        yield shown

    controls = {name: control for one in made for name, control in one.controls.items()}
    parsers = {key: parse for name in labs.LABS for key, parse in labs.settings(name).items()}
    return Linked(parsers | controls, [decoder, pooling, *(one.out for one in made)], restored)
