"""The Learn tab: each layer of a decoder on inputs small enough to read.

Each control acts at once.
"""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
from gradio.components import Component

import denoise
from demo.compute import lessons
from demo.compute.samples import rendered
from demo.widgets import array_html
from demo.widgets.array_html import ARROW, row
from demo.widgets.controls import LIVE, MODEL, PRIVATE

INPUTS = {"ramp": "1 to 9", "point": "one point", "edge": "an edge"}

AUTOENCODER = """## An autoencoder, and why this one is given noise
An **encoder** of convolutions and poolings turns a picture into a *code*: many small maps of what was found where. A
**decoder** turns the code back into a picture. Trained to return its input, a network whose code is small learns to
compress; trained to return the *clean* picture from the *noisy* one, it learns what pictures look like, even when its
code, as here, holds more numbers than the picture."""
UPSAMPLING = """## `UpSampling2D`: larger, without anything learned
**Nearest** repeats each number; **bilinear** draws a straight line between the middles of the old pixels (beyond the
outermost it repeats). No number of the result is new knowledge: the convolution that follows has to turn the coarse
picture into detail, and it works at the large size, which is why this pair multiplies more."""
POOLING = """## Max-pooling, and unpooling with remembered positions
Pooling keeps the largest of each 2x2 block (marked) and forgets the rest. **Unpooling** puts each maximum back where it
stood and zeros elsewhere; for that it must be told the positions, which travel past the code. Upsampling knows no
positions: it repeats the maximum four times."""
TRANSPOSED = """## `Conv2DTranspose`: every input pixel stamps a kernel
A transposed convolution multiplies its kernel by each input pixel and adds the stamps up, `stride` apart. Below, the
input and the kernel are all ones, so each number **counts the stamps** that reach a pixel. Where the kernel is no
multiple of the stride, neighbours are counted unequally, whatever the picture."""
CHECKERBOARDS = """## Where checkerboards come from
The same layers with random weights, as before training, on an input that is the same everywhere. Upsampling + conv
computes each pixel alike, so nothing can alternate. In a transposed convolution, neighbours are made by different parts
of the kernel, so there is a pattern of period `stride`, **even where the stamps overlap evenly**; training has to make
it go away. In this project's trained networks it has: none shows more energy at that frequency than beside it."""


def autoencoder(index: int, sigma: float) -> str:
    sample = rendered()[int(index) - 1]
    code = lessons.code(sample.picture, sigma)
    channels, height, width = code.shape
    caption = f"{len(code.channels)} of the {channels} channels of its code, {height}x{width} each"
    return row(
        array_html.picture(code.noisy.picture, f"Noisy: {code.noisy.psnr:.2f} dB"), ARROW,
        array_html.channels(code.channels, caption), ARROW,
        array_html.picture(code.cleaned.picture, f"Cleaned: {code.cleaned.psnr:.2f} dB"),
    )  # fmt: skip


def upsampling(values: str, mode: str, factor: float) -> str:
    small = lessons.INPUTS[values]
    large = lessons.upsampled(small, mode, int(factor))
    return row(
        array_html.numbers(small, "Input, 3x3"),
        ARROW,
        array_html.numbers(large, f"{mode}, {len(large)}x{len(large)}"),
    )


def pooling(seed: float) -> str:
    found = lessons.pooled(int(seed))
    return row(
        array_html.numbers(found.values, "Input; the maxima are marked", found.places), ARROW,
        array_html.numbers(found.maxima, "Pooled"), ARROW,
        array_html.numbers(found.unpooled, "Unpooled, positions remembered", found.places),
        array_html.numbers(found.repeated, "Upsampled (nearest), no positions"),
    )  # fmt: skip


def transposed(kernel: float, stride: float) -> str:
    counts = lessons.overlap(int(kernel), int(stride))
    within = lessons.inside(counts, int(kernel))
    least, most = int(within.min()), int(within.max())
    said = f"{len(counts)}x{len(counts)}. Away from the border each pixel is reached by "
    said += (
        f"{most} stamps: even."
        if least == most
        else f"{least} to {most} stamps: a checkerboard of period {stride:g}."
    )
    return row(array_html.numbers(counts, said))


def checkerboards(kernel: float, stride: float, seed: float) -> str:
    made, resized = lessons.untrained(int(kernel), int(stride), int(seed))
    return row(
        array_html.picture(made, f"Transposed conv {kernel:g}x{kernel:g}, stride {stride:g}", 200),
        array_html.picture(resized, "Upsampling nearest + conv 3x3", 200),
    )


def _lesson(
    text: str, show: Callable[..., str], controls: Callable[[], list[Component]], **options: object
) -> None:
    """Add a text, its controls, and the output of `show`, computed now and at each change."""
    gr.Markdown(text)
    with gr.Row():
        given = controls()
    out = gr.HTML(
        show(*(control.value for control in given)),
        label=show.__name__,
        elem_id=f"lesson-{show.__name__}",
    )
    gr.on([control.input for control in given], show, given, out, **options, **PRIVATE, **LIVE)


def tab() -> None:
    """Add the tab to the Blocks in construction."""
    if lessons.NETWORK in denoise.names():
        _lesson(
            AUTOENCODER, autoencoder,
            lambda: [
                gr.Slider(1, len(rendered()), 1, step=1, label="Sample"),
                gr.Slider(0, 0.6, 0.4, step=0.05, label="Noise level sigma"),
            ],
            concurrency_id=MODEL,
        )  # fmt: skip
    _lesson(
        UPSAMPLING, upsampling,
        lambda: [
            gr.Radio([(label, name) for name, label in INPUTS.items()], value="ramp", label="Input"),
            gr.Radio(list(lessons.MODES), value="bilinear", label="Interpolation"),
            gr.Slider(2, 4, 2, step=1, label="Factor"),
        ],
    )  # fmt: skip
    _lesson(POOLING, pooling, lambda: [gr.Slider(0, 20, 0, step=1, label="Other numbers")])
    _lesson(
        TRANSPOSED, transposed,
        lambda: [gr.Slider(1, 5, 3, step=1, label="Kernel"), gr.Slider(1, 4, 2, step=1, label="Stride")],
    )  # fmt: skip
    _lesson(
        CHECKERBOARDS, checkerboards,
        lambda: [
            gr.Slider(1, 6, 4, step=1, label="Kernel "),
            gr.Slider(1, 4, 2, step=1, label="Stride "),
            gr.Slider(0, 20, 0, step=1, label="Other weights"),
        ],
    )  # fmt: skip
