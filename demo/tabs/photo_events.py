"""Event handlers of the Photo tab, for visitors and for programs."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import skimage

import denoise
from demo.compute import parts, worker
from demo.compute.photographs import KINDS, Cleaned, add_and_clean, clean
from demo.compute.warm import Once
from demo.compute.worker import Cancelled, Job
from demo.guard.refusals import refusal
from demo.widgets import before_after
from demo.widgets.comparison import hint
from denoise.hardware import return_freed_memory
from denoise.images import image_files
from denoise.images.image_files import PictureFile
from denoise.inference.clean_files import PHOTOGRAPHS

ADD, AS_IT_IS = "add", "clean"
TASKS = {ADD: "Add noise, then denoise", AS_IT_IS: "Denoise as is"}
SAMPLES = {  # images of scikit-image: label and kind
    "camera.png": ("Cameraman", "photograph"),
    "astronaut.png": ("Astronaut", "photograph"),
    "coffee.png": ("Coffee", "photograph"),
    "page.png": ("Page", "page"),
}
# settings of a clean sample
FIRST: dict[str, Any] = {
    "task": ADD, "kind": "photograph", "sigma": 25, "seed": 0, "part": parts.ALL,
}  # fmt: skip
AS_UPLOADED: dict[str, Any] = {
    "task": AS_IT_IS, "kind": "photograph", "sigma": 0, "seed": 0, "part": parts.ALL,
}  # fmt: skip
WHOLE = [(label, part) for part, label in parts.LABELS.items()]
NOTHING = "Choose a sample or upload an image."
# seconds between two polls of a job: each poll reports progress, and ends the job if nobody waits
MOMENT = 0.5
TRIMMED = 1_000_000  # pixels: after a larger image, freed memory is returned to the system

_latest: dict[str, Job] = {}  # by visitor


def show(
    picture: PictureFile | None, task: str, kind: str, sigma: float, seed: int, part: str
) -> tuple[str, dict[str, object], PictureFile | None]:
    """Denoise one image, for the API.

    Return the image before and after as HTML, a JSON, and the output file. The JSON has the
    network, milliseconds and the estimated noise level (0-255 scale); if noise was added, also psnr
    (dB) and ssim before and after.
    """
    if picture is None:
        return hint(NOTHING), {}, None
    try:
        image, call = _planned(picture, task, kind, sigma, seed, part)
        done = worker.start(call, _pixels(image)).result()
    except ValueError as error:
        raise refusal(error) from None
    finally:
        _tidy(picture)
    return before_after.wipe(done), _scores(done), done.file


@Once
def first() -> tuple[str, dict[str, object], dict[str, object], str]:
    """Return the outputs that the tab opens with: the first sample, denoised."""
    if not set(PHOTOGRAPHS.values()) <= set(denoise.names()):
        return _nothing("This copy has no weights for photographs.")
    picture = _file(next(iter(SAMPLES)))
    html, scores, file = show(picture, **FIRST)
    return (
        html,
        scores,
        gr.update(value=file, interactive=True),
        before_after.status(summary(picture, **FIRST)),
    )


def follow(
    picture: PictureFile | None,
    task: str,
    kind: str,
    sigma: float,
    seed: int,
    part: str,
    request: gr.Request,
) -> Iterator[tuple[object, ...]]:
    """Denoise one image for a visitor: yield outputs that report progress, then the result."""
    asked = {"task": task, "kind": kind, "sigma": sigma, "seed": seed, "part": part}
    yield from _steps(picture, asked, request)


def arrived(picture: PictureFile | None, request: gr.Request) -> Iterator[tuple[object, ...]]:
    """Denoise an upload as it is, with default settings: yield the settings, then outputs."""
    if picture is None:
        return
    height, width = picture.pixels.shape[:2]
    asked = AS_UPLOADED | {"part": parts.usual(height, width)}
    offered = [(label, part) for part, label in parts.offered(height, width).items()]
    choice = gr.update(choices=offered or WHOLE, value=asked["part"], visible=bool(offered))
    settings = asked["task"], asked["kind"], for_task(asked["task"]), asked["seed"], choice
    yield from _after(settings, _steps(picture, asked, request, fresh=True))


def choose(event: gr.SelectData, request: gr.Request) -> Iterator[tuple[object, ...]]:
    """Denoise a sample, with added noise if it is clean: yield image, settings, then outputs."""
    name = list(SAMPLES)[event.index]
    pixels, task, kind = sample(name)
    level = for_task(task)
    asked = FIRST | {"task": task, "kind": kind, "sigma": level["value"]}
    settings = pixels, task, kind, level, asked["seed"], whole()
    yield from _after(settings, _steps(_file(name), asked, request, fresh=True))


def emptied(request: gr.Request) -> tuple[object, ...]:
    """Cancel the job of a visitor who removed the image; return no image and the outputs."""
    _cancel(str(request.session_hash))
    return None, *_nothing(NOTHING)


def failed() -> tuple[object, ...]:
    """Return the outputs after an error, whose message Gradio shows."""
    return _nothing("Nothing was denoised: see the error message.")


def sample(name: str) -> tuple[np.ndarray, str, str]:
    """Return a sample's pixels, task and kind: a page is degraded, a photograph is clean."""
    kind = SAMPLES[name][1]
    layers = image_files.eight_bits(_file(name)).numpy()
    pixels = layers[0] if len(layers) == 1 else layers.transpose(1, 2, 0)
    return pixels, AS_IT_IS if kind == "page" else ADD, kind


def for_task(task: str) -> dict[str, object]:
    """Return the level slider for a task: noise to add to an image, or to remove from it."""
    if task == ADD:
        return gr.update(
            label="Noise to add: sigma, on the 0-255 scale", info="", value=FIRST["sigma"]
        )
    info = "0: blind"
    return gr.update(label="Noise to remove: sigma, on the 0-255 scale", info=info, value=0)


def whole() -> dict[str, object]:
    """Return the hidden part selector of an image that is denoised as a whole."""
    return gr.update(choices=WHOLE, value=parts.ALL, visible=False)


def _steps(
    picture: PictureFile | None, asked: dict[str, Any], request: gr.Request, *, fresh: bool = False
) -> Iterator[tuple[object, ...]]:
    """Yield the outputs of the page while an image is denoised.

    With `fresh`, the page still shows another image.
    """
    if picture is None:
        yield _nothing(NOTHING)
        return
    try:
        image, call = _planned(picture, **asked)
        job = Job(call, _pixels(image))
        with _newest(job, str(request.session_hash)) as is_newest:
            working = "Denoising the sample" if is_sample(picture) else "Denoising your image"
            before = before_after.waiting(_preview(image)) if fresh else gr.skip()
            yield before, gr.skip(), gr.update(interactive=False), before_after.busy(working, 0, 0)
            began = time.monotonic()
            worker.submit(job)
            while not job.done(MOMENT):
                if job.cancelled:
                    return
                yield (
                    gr.skip(),
                    gr.skip(),
                    gr.skip(),
                    before_after.busy(working, job.share, time.monotonic() - began),
                )
            done = job.result()
            html, line = before_after.wipe(done), before_after.status(summary(picture, **asked))
            if is_newest():
                yield html, _scores(done), gr.update(value=done.file, interactive=True), line
    except Cancelled:
        return
    except ValueError as error:
        raise refusal(error) from None
    finally:
        _tidy(picture)


@contextlib.contextmanager
def _newest(job: Job, visitor: str) -> Iterator[Callable[[], bool]]:
    """Make a job the newest of a visitor and cancel the visitor's older job.

    Cancel the new job at exit.

    Yield a function that returns True as long as the job is the newest.
    """
    _cancel(visitor)
    _latest[visitor] = job
    try:
        yield lambda: _latest.get(visitor) is job
    finally:
        job.cancel()
        if _latest.get(visitor) is job:
            del _latest[visitor]  # the job holds the image


def _cancel(visitor: str) -> None:
    """Cancel the newest job of a visitor, if there is one."""
    job = _latest.pop(visitor, None)
    if job is not None:
        job.cancel()


def _after(
    settings: tuple[object, ...], steps: Iterator[tuple[object, ...]]
) -> Iterator[tuple[object, ...]]:
    """Yield settings with the first step, and unchanged settings with the later steps."""
    for step in steps:
        yield *settings, *step
        settings = (gr.skip(),) * len(settings)


def _nothing(why: str) -> tuple[str, dict[str, object], dict[str, object], str]:
    """Return the outputs without a result."""
    return hint(why), {}, gr.update(value=None, interactive=False), before_after.status("")


def _planned(
    picture: PictureFile, task: str, kind: str, sigma: float, seed: int, part: str
) -> tuple[PictureFile, Callable[[], Cleaned]]:
    """Return the part of the image to denoise, and the call that denoises it."""
    if task not in TASKS:
        raise ValueError(f"the task {task!r} is not one of {', '.join(TASKS)}")
    image = parts.cut(picture, part)
    if task == AS_IT_IS:
        return image, functools.partial(clean, image, kind, sigma)
    if _pixels(image) > parts.AT_ONCE:
        raise ValueError(
            f"the image has {_pixels(image):,} pixels; noise is added to at most "
            f"{parts.AT_ONCE:,}: choose a smaller part"
        )
    return image, functools.partial(add_and_clean, image, kind, sigma, seed)


def summary(picture: PictureFile, task: str, kind: str, sigma: float, seed: int, part: str) -> str:
    """Return the line above a result: the image and its processing."""
    whose = "the sample" if is_sample(picture) else "your image"
    if part != parts.ALL:
        whose = {parts.HALF: f"{whose} at half size", parts.MIDDLE: f"the center of {whose}"}[part]
    if task == ADD:
        return f"Noise of sigma {sigma:g} was added to {whose}, then removed."
    how = f"at sigma {sigma:g}" if sigma else "blind"
    how = how if kind == "photograph" else f"as a {KINDS[kind].lower()}"
    return f"{whose[0].upper()}{whose[1:]}, denoised {how}."


def _scores(done: Cleaned) -> dict[str, object]:
    scores: dict[str, object] = {"network": done.network, "ms": round(done.ms, 1)}
    scores["noise_255"] = None if done.estimate is None else round(done.estimate, 2)
    for name, pair in (("psnr", done.psnr), ("ssim", done.ssim)):
        if pair:
            scores[name] = [round(value, 4) if np.isfinite(value) else None for value in pair]
    return scores


def _preview(image: PictureFile) -> np.ndarray:
    """Return the image for display until the output is ready: 8 bits, subsampled if it is large."""
    step = -(-max(image.pixels.shape[:2]) // before_after.LARGEST_SIDE)
    layers = image_files.eight_bits(
        dataclasses.replace(image, pixels=image.pixels[::step, ::step])
    ).numpy()
    return layers[0] if len(layers) == 1 else layers.transpose(1, 2, 0)


def _pixels(image: PictureFile) -> int:
    height, width = image.pixels.shape[:2]
    return height * width


def _tidy(picture: PictureFile) -> None:
    if _pixels(picture) > TRIMMED:
        return_freed_memory()


def is_sample(picture: PictureFile) -> bool:
    """Return True for the pixels of a sample, even if they were uploaded."""
    return any(np.array_equal(picture.pixels, _file(name).pixels) for name in SAMPLES)


@functools.cache
def _file(name: str) -> PictureFile:
    return image_files.read(Path(skimage.__file__).parent / "data" / name)
