"""Events of the Photo tab: what a visitor or a program asks for, and the outputs that follow."""

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
from demo import compute, parts, wipe
from demo.board import hint
from demo.compute import Cancelled, Job
from demo.inputs import refusal
from demo.photographs import KINDS, Cleaned, add_and_clean, clean
from demo.warm import Once
from denoise import picture_files
from denoise.cleaning import PHOTOGRAPHS
from denoise.machine import return_freed_memory
from denoise.picture_files import PictureFile

ADD, AS_IT_IS = "add", "clean"
TASKS = {ADD: "Add noise, then clean it", AS_IT_IS: "Clean it as it is"}
SAMPLES = {  # pictures of scikit-image: what is shown, and what kind of picture it is
    "camera.png": ("Cameraman", "photograph"),
    "astronaut.png": ("Astronaut", "photograph"),
    "coffee.png": ("Coffee", "photograph"),
    "page.png": ("Page", "page"),
}
FIRST = {"task": ADD, "kind": "photograph", "sigma": 25, "seed": 0, "part": parts.ALL}  # of a clean sample
AS_UPLOADED = {"task": AS_IT_IS, "kind": "photograph", "sigma": 0, "seed": 0, "part": parts.ALL}
WHOLE = [(label, part) for part, label in parts.LABELS.items()]
NOTHING = "Choose a sample or upload a picture."
MOMENT = 0.5  # seconds from one look at a job to the next: each look tells how far it is, and whether anybody waits
TRIMMED = 1_000_000  # pixels: after a larger image, freed memory is returned to the system

_latest: dict[str, Job] = {}  # by visitor


def show(
    picture: PictureFile | None, task: str, kind: str, sigma: float, seed: int, part: str
) -> tuple[str, dict[str, object], PictureFile | None]:
    """Clean one image, for a program.

    Returns it before and after as HTML; as JSON the network, milliseconds, the estimated level of the noise (0-255
    scale) and, where noise was added, psnr (dB) and ssim before and after; and the clean file.
    """
    if picture is None:
        return hint(NOTHING), {}, None
    try:
        image, call = _planned(picture, task, kind, sigma, seed, part)
        done = compute.start(call, _pixels(image)).result()
    except ValueError as error:
        raise refusal(error) from None
    finally:
        _tidy(picture)
    return wipe.wipe(done), _scores(done), done.file


@Once
def first() -> tuple[str, dict[str, object], dict[str, object], str]:
    """Return the outputs that the tab opens with: the first sample, cleaned."""
    if not set(PHOTOGRAPHS.values()) <= set(denoise.names()):
        return _nothing("No weights for photographs ship with this copy.")
    picture = _file(next(iter(SAMPLES)))
    html, scores, file = show(picture, **FIRST)
    return html, scores, gr.update(value=file, interactive=True), wipe.status(said(picture, **FIRST))


def follow(
    picture: PictureFile | None, task: str, kind: str, sigma: float, seed: int, part: str, request: gr.Request
) -> Iterator[tuple[object, ...]]:
    """Clean one image for a visitor: yield outputs that say how far it is, then the result."""
    asked = {"task": task, "kind": kind, "sigma": sigma, "seed": seed, "part": part}
    yield from _steps(picture, asked, request)


def arrived(picture: PictureFile | None, request: gr.Request) -> Iterator[tuple[object, ...]]:
    """Clean an upload as it is, with no setting of the image before it: yield its settings, then outputs."""
    if picture is None:
        return
    height, width = picture.pixels.shape[:2]
    asked = AS_UPLOADED | {"part": parts.usual(height, width)}
    offered = [(label, part) for part, label in parts.offered(height, width).items()]
    choice = gr.update(choices=offered or WHOLE, value=asked["part"], visible=bool(offered))
    settings = asked["task"], asked["kind"], for_task(asked["task"]), asked["seed"], choice
    yield from _after(settings, _steps(picture, asked, request, fresh=True))


def choose(event: gr.SelectData, request: gr.Request) -> Iterator[tuple[object, ...]]:
    """Clean a sample, if it is a photograph under noise: yield the image, its settings, then outputs."""
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
    return _nothing("Nothing was cleaned: the message says why.")


def sample(name: str) -> tuple[np.ndarray, str, str]:
    """Return the pixels of a sample, its task and its kind: a page is stained as it is, a photograph is clean."""
    kind = SAMPLES[name][1]
    layers = picture_files.eight_bits(_file(name)).numpy()
    pixels = layers[0] if len(layers) == 1 else layers.transpose(1, 2, 0)
    return pixels, AS_IT_IS if kind == "page" else ADD, kind


def for_task(task: str) -> dict[str, object]:
    """The level means one thing for a clean picture and another for a noisy one."""
    if task == ADD:
        return gr.update(label="Noise to add: sigma, on the 0-255 scale", info="", value=FIRST["sigma"])
    info = "0: as much as the network sees"
    return gr.update(label="Noise to take: sigma, on the 0-255 scale", info=info, value=0)


def whole() -> dict[str, object]:
    """Return the choice of a part for an image that is cleaned as a whole: hidden."""
    return gr.update(choices=WHOLE, value=parts.ALL, visible=False)


def _steps(
    picture: PictureFile | None, asked: dict[str, Any], request: gr.Request, *, fresh: bool = False
) -> Iterator[tuple[object, ...]]:
    """Yield the outputs of the page while an image is cleaned; `fresh`: they show another image so far."""
    if picture is None:
        yield _nothing(NOTHING)
        return
    try:
        image, call = _planned(picture, **asked)
        job = Job(call, _pixels(image))
        with _newest(job, str(request.session_hash)) as is_newest:
            working = "Cleaning the sample" if is_sample(picture) else "Cleaning your image"
            before = wipe.waiting(_preview(image)) if fresh else gr.skip()
            yield before, gr.skip(), gr.update(interactive=False), wipe.busy(working, 0, 0)
            began = time.monotonic()
            compute.submit(job)
            while not job.done(MOMENT):
                if job.cancelled:
                    return
                yield gr.skip(), gr.skip(), gr.skip(), wipe.busy(working, job.share, time.monotonic() - began)
            done = job.result()
            html, line = wipe.wipe(done), wipe.status(said(picture, **asked))
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
    """Make a job the newest of a visitor, whose older one is cancelled as its answer would come later; cancel it after.

    Yields a function that returns True as long as it is the newest.
    """
    _cancel(visitor)
    _latest[visitor] = job
    try:
        yield lambda: _latest.get(visitor) is job
    finally:
        job.cancel()
        if _latest.get(visitor) is job:
            del _latest[visitor]  # it holds the image


def _cancel(visitor: str) -> None:
    """Cancel the newest job of a visitor, if there is one."""
    job = _latest.pop(visitor, None)
    if job is not None:
        job.cancel()


def _after(settings: tuple[object, ...], steps: Iterator[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    """Yield settings before the first of the steps, and no change of them before the others."""
    for step in steps:
        yield *settings, *step
        settings = (gr.skip(),) * len(settings)


def _nothing(why: str) -> tuple[object, ...]:
    """Return the outputs without a result."""
    return hint(why), {}, gr.update(value=None, interactive=False), wipe.status("")


def _planned(
    picture: PictureFile, task: str, kind: str, sigma: float, seed: int, part: str
) -> tuple[PictureFile, Callable[[], Cleaned]]:
    """Return the part of the image to clean, and the call that cleans it."""
    if task not in TASKS:
        raise ValueError(f"the task {task!r} is not one of {', '.join(TASKS)}")
    image = parts.cut(picture, part)
    if task == AS_IT_IS:
        return image, functools.partial(clean, image, kind, sigma)
    if _pixels(image) > parts.AT_ONCE:
        raise ValueError(f"noise is added to images of up to {parts.AT_ONCE:,} pixels: choose a smaller part of it")
    return image, functools.partial(add_and_clean, image, kind, sigma, seed)


def said(picture: PictureFile, task: str, kind: str, sigma: float, seed: int, part: str) -> str:
    """Return the line above a result: which image it is, and what was done to it with these settings of `show`."""
    whose = "the sample" if is_sample(picture) else "your image"
    if part != parts.ALL:
        whose = {parts.HALF: f"{whose} at half size", parts.MIDDLE: f"the middle of {whose}"}[part]
    if task == ADD:
        return f"Noise of sigma {sigma:g} was added to {whose}, then it was cleaned."
    how = f"noise of sigma {sigma:g} was taken" if sigma else "as much noise was taken as the network sees"
    how = how if kind == "photograph" else f"as a {KINDS[kind].lower()}"
    return f"{whose[0].upper()}{whose[1:]}, cleaned: {how}."


def _scores(done: Cleaned) -> dict[str, object]:
    scores: dict[str, object] = {"network": done.network, "ms": round(done.ms, 1)}
    scores["noise_255"] = None if done.estimate is None else round(done.estimate, 2)
    for name, pair in (("psnr", done.psnr), ("ssim", done.ssim)):
        if pair:
            scores[name] = [round(value, 4) if np.isfinite(value) else None for value in pair]
    return scores


def _preview(image: PictureFile) -> np.ndarray:
    """Return the image as it is shown until it is cleaned: 8 bits, of a large one not every row and column."""
    step = -(-max(image.pixels.shape[:2]) // wipe.LARGEST_SIDE)
    layers = picture_files.eight_bits(dataclasses.replace(image, pixels=image.pixels[::step, ::step])).numpy()
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
    return picture_files.read(Path(skimage.__file__).parent / "data" / name)
