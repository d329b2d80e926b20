"""Denoising of files: choice of targets, choice of the network, and the outcome of each file."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from denoise import noise_level
from denoise.files.atomic import LONGEST_NAME, is_partial
from denoise.images import image_files
from denoise.images.arrays import as_batch
from denoise.images.image_files import ENDINGS, LARGEST_PIXELS, PictureFile
from denoise.inference import doubts, engine, sources
from denoise.inference.sources import Source

log = logging.getLogger("denoise")

# network for a photograph, by its channels without alpha
PHOTOGRAPHS = {1: "photo-gray", 3: "photo-color"}
BESIDE = "-denoised"  # suffix of the output's name, beside its source
SCALE = 255  # scale of the noise levels shown to users
OUT_OF_MEMORY = ("allocate memory", "out of memory")  # in the messages of PyTorch: CPU, GPU


@dataclasses.dataclass(frozen=True)
class Job:
    """Job for one file.

    `into_folder`: create the target's folder if it is missing. `replace`: overwrite the target.
    """

    source: Path
    target: Path
    into_folder: bool
    replace: bool


class Cleaned(NamedTuple):
    """Denoised image, its method, the estimated sigma in [0, 1] units, and warnings."""

    picture: PictureFile
    network: str
    sigma: float | None
    warnings: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Outcome of a job for the user, in one line: `line` if the job succeeded, else `error`."""

    job: Job
    line: str = ""
    error: str = ""
    warnings: tuple[str, ...] = ()


def plan(
    given: Sequence[str], out: Path | None = None, tell: Callable[[str], object] = log.warning
) -> list[Job]:
    """Choose a target for each source.

    Parameters
    ----------
    given : sequence of str
        Files, folders (every image below them) and patterns.
    out : Path, optional
        The target file. The target is a folder if there are several images, if a folder of this
        name exists, or if the name has no ending. Without it, `photo.jpg` becomes
        `photo-denoised.jpg` beside it. Such a target is never overwritten, and is not a source if a
        folder or pattern is denoised again.
    tell : callable
        Called with one line for each folder or pattern of which files are left out.

    Returns
    -------
    list of Job
        Jobs in the order given; names are sorted within a folder or pattern.

    Raises
    ------
    ValueError
        A pattern without a match, a folder without an image, two images with one target, or a
        target that is a source.
    """
    found = sources.find(given, out, tell)
    several = len(found) > 1 or os.path.isdir(given[0])
    if out is None:
        jobs = _beside(found, tell)
    elif several and out.suffix.lower() in ENDINGS and not os.path.isdir(out):
        raise ValueError(f"{len(found)} images do not fit into {out}; valid: a folder, -o out/")
    elif several or os.path.isdir(out) or not out.suffix:
        jobs = _into(found, out)
    else:
        jobs = [Job(found[0].path, out, into_folder=False, replace=True)]
    _check(jobs)
    return jobs


def _beside(found: Sequence[Source], tell: Callable[[str], object]) -> list[Job]:
    """Name each output after its source.

    Skip the files of folders and patterns that were denoised before.
    """
    paths = {source.path for source in found}
    names = {(path.parent, path.stem) for path in paths}
    jobs, before = [], []
    for source in found:
        path, written = source.path, _written_as(source.path)
        # a.gif-denoised.png beside a.png
        stem = path.name if written != path and written in paths else path.stem
        ending = written.suffix
        while len(os.fsencode(f"{stem}{BESIDE}{ending}")) > LONGEST_NAME:
            stem = stem[:-1]
        target = path.with_name(f"{stem}{BESIDE}{ending}")
        is_output = (
            path.stem.endswith(BESIDE) and (path.parent, path.stem.removesuffix(BESIDE)) in names
        )
        if not source.named and (is_output or os.path.lexists(target)):
            before.append(("already denoised", path))
        else:
            jobs.append(Job(path, target, into_folder=False, replace=False))
    if before:
        tell(sources.left_out(f"{len(found)} images", before))
    return jobs


def _into(found: Sequence[Source], out: Path) -> list[Job]:
    """Place each output at the path that its source has below the named folder."""
    taken = {source.below for source in found}
    jobs = []
    for source in found:
        below = _written_as(source.below)
        if below != source.below and below in taken:
            # a.gif becomes a.gif.png
            below = source.below.with_name(f"{source.below.name}{below.suffix}")
        taken.add(below)
        jobs.append(Job(source.path, out / below, into_folder=True, replace=True))
    return jobs


def _written_as(path: Path) -> Path:
    """Return the path, with the ending .png if files of its own ending cannot be written."""
    return path if path.suffix.lower() in ENDINGS else path.with_suffix(".png")


def _check(jobs: Iterable[Job]) -> None:
    """Raise ValueError if a target is a source under any name, or the target of another source."""
    taken: dict[str, Path] = {}
    inputs = {name for job in jobs for name in _names(job.source)}
    for job in jobs:
        if inputs.intersection(_names(job.target)):
            raise ValueError(
                f"{job.target} is an input, which is never overwritten: name another output"
            )
        target = os.path.realpath(job.target)
        if target in taken:
            raise ValueError(
                f"{taken[target]} and {job.source} would both be written to {job.target}: "
                "denoise one at a time"
            )
        taken[target] = job.source


def _names(path: Path) -> Iterator[object]:
    """Yield the identities of a file: its real path, and its device and inode.

    Device and inode do not depend on letter case.
    """
    yield os.path.realpath(path)
    if os.path.exists(path):
        found = path.stat()
        yield found.st_dev, found.st_ino


def cleaner(
    model: str | None, sigma: float | None, *, ensemble: bool = False
) -> Callable[[PictureFile], Cleaned]:
    """Return a function that denoises an image and keeps its alpha and metadata.

    Parameters
    ----------
    model : str, optional
        Name of shipped weights, or a path. Without it, the weights for photographs, gray or color
        to match the image.
    sigma : float, optional
        Noise level in units of the [0, 1] range, for a noise-conditional network.
    ensemble : bool
        Average the outputs over the eight dihedral views of the image (`denoise.images.dihedral`).

    Raises
    ------
    UnknownName
        Unknown weights.
    ValueError
        A sigma for a network that is not noise-conditional, or a self-ensemble of a network that
        was not trained for it.
    """
    load = functools.cache(engine.load)
    if model is not None:
        named = load(model)  # before any image: missing weights are one error, not one per image
        if sigma is not None and not named.network.noise_conditional:
            raise ValueError(f"{named.name} is not noise-conditional: leave out --sigma")
        if ensemble:
            named.check_ensemble()

    def clean(image: PictureFile) -> Cleaned:
        denoiser = load(model or PHOTOGRAPHS[image.colours])
        noisy, restore = as_batch(image.pixels)
        done = denoiser.clean(noisy, sigma, ensemble=ensemble)
        pixels = restore(done.estimate)
        seen = noise_level.of_middle(noisy[0]) if done.sigma is None else done.sigma
        warnings = (
            *doubts.of_sigma(noisy[0], sigma, seen),
            *doubts.of_training(denoiser, noisy[0], sigma, seen),
        )
        return Cleaned(dataclasses.replace(image, pixels=pixels), done.method, seen, warnings)

    return clean


def run(
    jobs: Sequence[Job], clean: Callable[[PictureFile], Cleaned], largest: int = LARGEST_PIXELS
) -> Iterator[Outcome]:
    """Denoise each file; yield the error of a failed file and continue."""
    for job in tqdm(jobs, unit=" images", disable=None if len(jobs) > 1 else True):
        try:
            outcome = _done(job, clean, largest)
        # decoder, network or memory: an error of one file must not stop the rest
        except Exception as error:
            outcome = Outcome(job, error=_message(error, job))
        yield outcome


def _done(job: Job, clean: Callable[[PictureFile], Cleaned], largest: int) -> Outcome:
    began = time.perf_counter()
    if os.path.isdir(job.source):
        os.scandir(job.source).close()  # raises the OSError that keeps the folder from being read
    if job.into_folder:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    image_files.check_target(job.target)
    existed = os.path.lexists(job.target)
    if existed and not job.replace:
        raise ValueError(
            f"{job.target} already exists and is not overwritten: name another output with -o"
        )
    pages = image_files.read_pages(job.source, largest)
    image_files.check_target(job.target, pages)
    warnings: dict[str, None] = {}
    facts: list[tuple[str, float | None, str]] = []

    def images() -> Iterator[PictureFile]:
        for page in pages:
            done = clean(page)
            warnings.update(dict.fromkeys((*page.notes, *done.warnings)))
            facts.append(("{1}x{0}".format(*page.pixels.shape), done.sigma, done.network))
            yield done.picture

    warnings.update(dict.fromkeys(image_files.write_pages(images(), job.target).notes))
    line = f"{job.source} -> {job.target}{' (replaced)' if existed else ''}: {_described(facts)}, "
    line += f"{time.perf_counter() - began:.2f} s"
    return Outcome(job, line, warnings=tuple(f"{job.source}: {text}" for text in warnings))


def _described(facts: Sequence[tuple[str, float | None, str]]) -> str:
    """Return the sizes, estimated noise level and networks for the images of one file."""
    sizes, sigmas, networks = zip(*facts, strict=True)
    known = [sigma for sigma in sigmas if sigma is not None]
    sigma = f"{sum(known) / len(known) * SCALE:.1f}" if known else "unknown"
    count = f"{len(facts)} images, " if len(facts) > 1 else ""
    return (
        f"{count}{'/'.join(dict.fromkeys(sizes))}, estimated sigma {sigma} (0-255), "
        f"{'/'.join(dict.fromkeys(networks))}"
    )


def _message(error: Exception, job: Job) -> str:
    """Return the message of an error, prefixed with the file concerned."""
    text = str(error) or type(error).__name__
    if isinstance(error, MemoryError) or any(message in text for message in OUT_OF_MEMORY):
        text = "not enough memory for an image of this size"
    elif isinstance(error, OSError) and error.strerror:
        about = (
            error.filename
            if error.filename and not is_partial(Path(error.filename).name)
            else job.target
        )
        text = f"{about}: {error.strerror}"
    elif not isinstance(error, ValueError | OSError):
        text = f"{type(error).__name__}: {text.splitlines()[0][:300]}"
    named = text.startswith((f"{job.source}: ", f"{job.target}: ", f"{job.target} "))
    return text if named else f"{job.source}: {text}"
