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
from demo.compute import kinds, parts, strength, worker
from demo.compute.answers import decibels
from demo.compute.photographs import KINDS, Cleaned, add_and_clean, clean
from demo.compute.strength import FULL
from demo.compute.warm import Once
from demo.compute.worker import Cancelled, Job
from demo.guard.refusals import refusal, shown
from demo.widgets import before_after, crop_frame
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
# settings of a clean sample; `follow` takes them in this order
FIRST: dict[str, Any] = {
    "task": ADD, "kind": "photograph", "sigma": 25, "seed": 0, "part": parts.ALL,
    "place": parts.CENTER, "percent": FULL,
}  # fmt: skip
AS_UPLOADED: dict[str, Any] = {
    "task": AS_IT_IS, "kind": "photograph", "sigma": 0, "seed": 0, "part": parts.ALL,
    "place": parts.CENTER, "percent": FULL,
}  # fmt: skip
OF_PROGRAMS = ("task", "kind", "sigma", "seed", "part")  # the settings of `show`
WHOLE = [(label, part) for part, label in parts.LABELS.items()]
OPENING = "opening"  # token of the result that the tab opens with, which is kept in memory
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
        done = _denoised(picture, task, kind, sigma, seed, part)
    except ValueError as error:
        raise refusal(error) from None
    finally:
        _tidy(picture)
    return before_after.wipe(done, _link(picture)), _scores(done), done.file


def _denoised(picture: PictureFile, *settings: Any) -> Cleaned:
    image, call = _planned(picture, *settings)
    done: Cleaned = worker.start(call, _pixels(image)).result()
    return done


@Once
def opening() -> Cleaned:
    """Return the first sample, denoised."""
    picture = _file(next(iter(SAMPLES)))
    try:
        return _denoised(picture, *(FIRST[name] for name in OF_PROGRAMS))
    finally:
        _tidy(picture)


@Once
def first() -> tuple[object, ...]:
    """Return the outputs that the tab opens with."""
    if not set(PHOTOGRAPHS.values()) <= set(denoise.names()):
        return _nothing("This copy has no weights for photographs.")
    return _finished(_file(next(iter(SAMPLES))), opening(), FIRST, token=OPENING)


def opened(status: str | None, request: gr.Request) -> object:
    """Return the first result when the tab opens, unless the visitor has a result or a job."""
    found = gr.skip() if status else first()
    return gr.skip() if str(request.session_hash) in _latest else found


def follow(
    picture: PictureFile | None,
    task: str,
    kind: str,
    sigma: float,
    seed: int,
    part: str,
    place: tuple[float, float],
    percent: float,
    request: gr.Request,
) -> Iterator[tuple[object, ...]]:
    """Denoise one image for a visitor: yield outputs that report progress, then the result."""
    values = task, kind, sigma, seed, part, place, percent
    yield from _steps(picture, dict(zip(AS_UPLOADED, values, strict=True)), request)


def arrived(picture: PictureFile | None, request: gr.Request) -> Iterator[tuple[object, ...]]:
    """Denoise an upload as it is, with default settings: yield the settings, then outputs.

    The kind is guessed; of a large image, a part is denoised.
    """
    if picture is None:
        return
    height, width = picture.pixels.shape[:2]
    kind, reason = kinds.guess(picture)
    asked = AS_UPLOADED | {"kind": kind, "part": parts.usual(height, width)}
    offered = [(label, part) for part, label in parts.offered(height, width).items()]
    settings = (
        asked["task"],
        for_kind(kind, reason),
        for_task(asked["task"]),
        asked["seed"],
        gr.update(choices=offered or WHOLE, value=asked["part"], visible=bool(offered)),
        gr.update(
            value=crop_frame.frame(_preview(picture), height, width),
            visible=asked["part"] == parts.MIDDLE,
        ),
        asked["percent"],
    )
    yield from _after(settings, _steps(picture, asked, request, fresh=True, reason=reason))


def choose(event: gr.SelectData, request: gr.Request) -> Iterator[tuple[object, ...]]:
    """Denoise a sample, with added noise if it is clean: yield image, settings, then outputs."""
    name = list(SAMPLES)[event.index]
    pixels, task, kind = sample(name)
    level = for_task(task)
    asked = FIRST | {"task": task, "kind": kind, "sigma": level["value"]}
    settings = pixels, task, for_kind(kind), level, asked["seed"], *whole(), asked["percent"]
    yield from _after(settings, _steps(_file(name), asked, request, fresh=True))


def from_link(
    name: str, asked: dict[str, Any], request: gr.Request
) -> Iterator[tuple[object, ...]]:
    """Denoise the sample of a link: yield outputs."""
    yield from _steps(_file(name), asked, request, fresh=True)


def sample_name(text: str) -> str:
    """Parse the name of a sample in a link; raise ValueError if there is none of that name."""
    if f"{text}.png" not in SAMPLES:
        raise ValueError(f"{shown(text)} is no sample of this page")
    return f"{text}.png"


def emptied(request: gr.Request) -> tuple[object, ...]:
    """Cancel the job of a visitor who removed the image; return no image and the outputs."""
    _cancel(str(request.session_hash))
    return None, *_nothing(NOTHING)


def cancelled(request: gr.Request) -> None:
    """End the job of a visitor, whose steps then say so."""
    job = _latest.get(str(request.session_hash))
    if job is not None:
        job.cancel()


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


def for_kind(kind: str, reason: str = "") -> dict[str, object]:
    """Return the selector of the kind, with the reason if the kind was guessed."""
    return gr.update(value=kind, info=reason)


def whole() -> tuple[dict[str, object], dict[str, object]]:
    """Return the hidden part selector and crop frame of an image that is denoised as a whole."""
    part = gr.update(choices=WHOLE, value=parts.ALL, visible=False)
    return part, gr.update(value=None, visible=False)


def for_part(part: str) -> dict[str, object]:
    """Return the crop frame for a part: only a crop has a place."""
    return gr.update(visible=part == parts.MIDDLE)


def blended(token: str, percent: float) -> Iterator[dict[str, object]]:
    """Yield the download of a result at a strength; no network runs."""
    if not token:  # the page has no result yet
        yield gr.skip()
        return
    yield gr.update(interactive=False)
    try:
        yield _download(_at(token, percent), percent)
    except ValueError as error:
        raise refusal(error) from None


def caught_up(
    scores: dict[str, Any] | None, token: str, percent: float
) -> Iterator[dict[str, object]]:
    """Yield the download again if the slider has moved since the image was sent."""
    if scores and scores.get("strength") not in (None, percent):
        yield from blended(token, percent)
    else:
        yield gr.skip()


def _at(token: str, percent: float) -> PictureFile:
    if token == OPENING:
        return strength.at(opening().noisy, opening().file, percent)
    return strength.kept(token, percent)


def _download(file: PictureFile, percent: float) -> dict[str, object]:
    """Return the button; `photo_viewer.js` reads the strength from its label."""
    which = "the output" if percent == FULL else f"at strength {percent:.0f} %"
    label = f"Download {which} (PNG, full size and depth)"
    return gr.update(value=file, label=label, interactive=True)


def _finished(
    picture: PictureFile, done: Cleaned, asked: dict[str, Any], reason: str = "", token: str = ""
) -> tuple[object, ...]:
    """Return the outputs of a result; keep it under a new token unless one is given."""
    percent = asked["percent"]
    file = done.file if percent == FULL else strength.at(done.noisy, done.file, percent)
    return (
        before_after.wipe(done, _link(picture), full=True),
        _scores(done) | {"strength": percent},
        _download(file, percent),
        before_after.status(*summary(picture, done, asked, reason)),
        token or strength.keep(done.noisy, done.file),
    )


def _steps(
    picture: PictureFile | None,
    asked: dict[str, Any],
    request: gr.Request,
    *,
    fresh: bool = False,
    reason: str = "",
) -> Iterator[tuple[object, ...]]:
    """Yield the outputs of the page while an image is denoised.

    With `fresh`, the page still shows another image. `reason` is that of a guessed kind.
    """
    if picture is None:
        yield _nothing(NOTHING)
        return
    unchanged = (gr.skip(),) * 3
    try:
        strength.checked(asked["percent"])
        image, call = _planned(picture, *(asked[name] for name in (*OF_PROGRAMS, "place")))
        job = Job(call, _pixels(image))
        with _newest(job, str(request.session_hash)) as is_newest:
            working = "Denoising the sample" if is_sample(picture) else "Denoising your image"
            before = before_after.waiting(_preview(image)) if fresh else gr.skip()
            line = before_after.busy(working, 0, 0)
            # the strength no longer applies to the image before
            token = "" if fresh else gr.skip()
            yield before, gr.skip(), gr.update(interactive=False), line, token
            began = time.monotonic()
            worker.submit(job)
            try:
                while not job.done(MOMENT):
                    if job.cancelled:
                        raise Cancelled
                    seconds, others = time.monotonic() - began, worker.others(job)
                    line = before_after.busy(working, job.share, seconds, others)
                    yield *unchanged, line, gr.skip()
                done = job.result()
            except Cancelled:
                if is_newest():  # a newer job, or an emptied tab, has outputs of its own
                    yield _cancelled()
                return
            outputs = _finished(picture, done, asked, reason)
            if is_newest():
                yield outputs
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


def _nothing(why: str) -> tuple[object, ...]:
    """Return the outputs without a result."""
    file = gr.update(value=None, interactive=False)
    return hint(why), {}, file, before_after.status(""), ""


def _cancelled() -> tuple[object, ...]:
    """Return the outputs after a cancelled job: the image stays, and no file is offered."""
    line = before_after.status("Cancelled: nothing was denoised.")
    return gr.skip(), {}, gr.update(value=None, interactive=False), line, ""


def _planned(
    picture: PictureFile,
    task: str,
    kind: str,
    sigma: float,
    seed: int,
    part: str,
    place: tuple[float, float] = parts.CENTER,
) -> tuple[PictureFile, Callable[[], Cleaned]]:
    """Return the part of the image to denoise, and the call that denoises it."""
    if task not in TASKS:
        raise ValueError(f"the task {task!r} is not one of {', '.join(TASKS)}")
    image = parts.cut(picture, part, place)
    if task == AS_IT_IS:
        return image, functools.partial(clean, image, kind, sigma)
    if _pixels(image) > parts.AT_ONCE:
        raise ValueError(
            f"the image has {_pixels(image):,} pixels; noise is added to at most "
            f"{parts.AT_ONCE:,}: choose a smaller part"
        )
    return image, functools.partial(add_and_clean, image, kind, sigma, seed)


def summary(
    picture: PictureFile, done: Cleaned, asked: dict[str, Any], reason: str = ""
) -> tuple[str, str]:
    """Return the line above a result, and its rest: processing, scores and noise level."""
    whose = _shown_part(picture, asked["part"], asked["place"])
    took = before_after.duration(done.ms)
    if asked["task"] == ADD:
        lead = f"Noise of sigma {asked['sigma']:g} was added to {whose}, then removed."
    else:
        how = f"at sigma {asked['sigma']:g}" if asked["sigma"] else "blind"
        how = how if asked["kind"] == "photograph" else f"as a {KINDS[asked['kind']].lower()}"
        lead = f"{whose[0].upper()}{whose[1:]}, denoised {how}."
    height, width = done.before.shape[:2]
    size = f"{width}x{height} pixels, network {done.network}, {took}."
    return lead, " ".join(filter(None, (_gain(done), _found(done, asked), size, reason)))


def _shown_part(picture: PictureFile, part: str, place: tuple[float, float]) -> str:
    """Name the denoised part of an image."""
    whose = "the sample" if is_sample(picture) else "your image"
    height, width = picture.pixels.shape[:2]
    if part in parts.SHRUNK:
        return f"{whose}, shrunk from {width}x{height}"
    if part == parts.MIDDLE and parts.size(part, height, width) != (height, width):
        left, top = parts.corner(place, height, width)
        return f"a crop of {whose}, from pixel ({left}, {top}) of {width}x{height}"
    return whose


def _gain(done: Cleaned) -> str:
    """Return the sentence about the scores of input and output at strength 100 %."""
    if not done.psnr:
        return ""
    before, after = map(decibels, done.psnr)
    similar = "" if done.ssim is None else ", SSIM {:.3f} → {:.3f}".format(*done.ssim)
    return f"PSNR {before.removesuffix(' dB')} → {after}{similar}."


def _found(done: Cleaned, asked: dict[str, Any]) -> str:
    """Return the sentence about the estimated level, unless the method names the level already."""
    if asked["kind"] != "photograph" or done.estimate is None or "sigma" in done.network:
        return ""
    return f"Estimated noise: sigma {done.estimate:.1f} (0-255 scale)."


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
    return _link(picture) != {}


def _link(picture: PictureFile) -> dict[str, str]:
    """Return the setting of a link that names the image; empty for an upload."""
    same = (name for name in SAMPLES if np.array_equal(picture.pixels, _file(name).pixels))
    name = next(same, None)
    return {} if name is None else {"sample": Path(name).stem}


@functools.cache
def _file(name: str) -> PictureFile:
    return image_files.read(Path(skimage.__file__).parent / "data" / name)
