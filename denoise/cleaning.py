"""Files in, clean files out: which images, with which network, and the outcome of each."""

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

from denoise import doubts, engine, level, picture_files, sources
from denoise.files import LONGEST_NAME, is_partial
from denoise.picture_files import ENDINGS, LARGEST_PIXELS, PictureFile
from denoise.pictures import as_batch
from denoise.sources import Source

log = logging.getLogger("denoise")

PHOTOGRAPHS = {1: "photo-gray", 3: "photo-color"}  # what cleans a photograph, by its channels without alpha
BESIDE = "-denoised"  # after the name of an image, the name of the clean one beside it
SCALE = 255  # of the noise levels that people read
OUT_OF_MEMORY = ("allocate memory", "out of memory")  # in what PyTorch says on a processor, on a GPU


@dataclasses.dataclass(frozen=True)
class Job:
    """One image. `into_folder`: the folder of the target is made if it is missing. `replace`: the target may exist."""

    source: Path
    target: Path
    into_folder: bool
    replace: bool


class Cleaned(NamedTuple):
    """A clean image; the method that cleaned it; the estimated noise level, in units of the [0, 1] range; warnings."""

    picture: PictureFile
    network: str
    sigma: float | None
    warnings: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a person is told of one job: a line if it succeeded, else an error; one line each."""

    job: Job
    line: str = ""
    error: str = ""
    warnings: tuple[str, ...] = ()


def plan(given: Sequence[str], out: Path | None = None, tell: Callable[[str], object] = log.warning) -> list[Job]:
    """Which file becomes which.

    Parameters
    ----------
    given : sequence of str
        Files, folders (every picture below them) and patterns.
    out : Path, optional
        The clean file; a folder where there are several pictures, where it is one already, or where it has no ending.
        Without it, `photo.jpg` becomes `photo-denoised.jpg` beside it. Such a file is never overwritten, and no source
        if a folder or pattern is cleaned again.
    tell : callable
        Is given one line for each folder or pattern of which something is left out.

    Returns
    -------
    list of Job
        In the order given, names sorted within a folder or pattern.

    Raises
    ------
    ValueError
        Nothing fits a pattern, a folder has no picture, two pictures would go to one file, or one to itself or to
        another picture that is given.
    """
    found = sources.find(given, out, tell)
    several = len(found) > 1 or os.path.isdir(given[0])
    if out is None:
        jobs = _beside(found, tell)
    elif several and out.suffix.lower() in ENDINGS and not os.path.isdir(out):
        raise ValueError(f"{len(found)} pictures cannot go into {out}: name a folder, as -o out/")
    elif several or os.path.isdir(out) or not out.suffix:
        jobs = _into(found, out)
    else:
        jobs = [Job(found[0].path, out, into_folder=False, replace=True)]
    _check(jobs)
    return jobs


def _beside(found: Sequence[Source], tell: Callable[[str], object]) -> list[Job]:
    """Name the clean image after its source; of folders and patterns, what was cleaned before is left out."""
    paths = {source.path for source in found}
    names = {(path.parent, path.stem) for path in paths}
    jobs, before = [], []
    for source in found:
        path, written = source.path, _written_as(source.path)
        stem = path.name if written != path and written in paths else path.stem  # a.gif-denoised.png, of a.png is one
        ending = written.suffix
        while len(os.fsencode(f"{stem}{BESIDE}{ending}")) > LONGEST_NAME:
            stem = stem[:-1]
        target = path.with_name(f"{stem}{BESIDE}{ending}")
        is_output = path.stem.endswith(BESIDE) and (path.parent, path.stem.removesuffix(BESIDE)) in names
        if not source.named and (is_output or os.path.lexists(target)):
            before.append(("cleaned before", path))
        else:
            jobs.append(Job(path, target, into_folder=False, replace=False))
    if before:
        tell(sources.left_out(f"{len(found)} images", before))
    return jobs


def _into(found: Sequence[Source], out: Path) -> list[Job]:
    """Put each clean image where its source lies below the folder that was named."""
    taken = {source.below for source in found}
    jobs = []
    for source in found:
        below = _written_as(source.below)
        if below != source.below and below in taken:
            below = source.below.with_name(f"{source.below.name}{below.suffix}")  # a.gif.png beside a.png
        taken.add(below)
        jobs.append(Job(source.path, out / below, into_folder=True, replace=True))
    return jobs


def _written_as(path: Path) -> Path:
    """Return the path, or one for a PNG if no file of this ending can be written."""
    return path if path.suffix.lower() in ENDINGS else path.with_suffix(".png")


def _check(jobs: Iterable[Job]) -> None:
    """Raise ValueError if a target is a source, by whatever name, or the target of another source."""
    taken: dict[str, Path] = {}
    inputs = {name for job in jobs for name in _names(job.source)}
    for job in jobs:
        if inputs.intersection(_names(job.target)):
            raise ValueError(f"{job.target} is a picture to be cleaned, and never overwritten: name another file")
        target = os.path.realpath(job.target)
        if target in taken:
            raise ValueError(f"{taken[target]} and {job.source} would both go to {job.target}: clean them one by one")
        taken[target] = job.source


def _names(path: Path) -> Iterator[object]:
    """Yield what tells a file from others: its path, and its place on the disk, where letter case does not count."""
    yield os.path.realpath(path)
    if os.path.exists(path):
        found = path.stat()
        yield found.st_dev, found.st_ino


def cleaner(model: str | None, sigma: float | None, *, ensemble: bool = False) -> Callable[[PictureFile], Cleaned]:
    """What takes the noise from a picture, and leaves alpha and all that is beside the pixels as they were.

    Parameters
    ----------
    model : str, optional
        Shipped weights by name, or a path; without it, those for photographs, gray or colour as the picture is.
    sigma : float, optional
        The level of the noise, in units of the [0, 1] range, for a network that can be told.
    ensemble : bool
        The mean of the answers to eight views of the picture (`denoise.views`).

    Raises
    ------
    UnknownName
        No such weights.
    ValueError
        A sigma for a network that cannot be told, or an ensemble of one that was not trained for it.
    """
    load = functools.cache(engine.load)
    if model is not None:
        named = load(model)  # before any picture: weights that are not there are one error, not one for each
        if sigma is not None and not named.network.told:
            raise ValueError(f"{named.name} cannot be told the level of the noise: leave out --sigma")
        if ensemble:
            named.check_ensemble()

    def clean(picture: PictureFile) -> Cleaned:
        denoiser = load(model or PHOTOGRAPHS[picture.colours])
        noisy, restore = as_batch(picture.pixels)
        done = denoiser.clean(noisy, sigma, ensemble=ensemble)
        pixels = restore(done.estimate)
        seen = level.of_middle(noisy[0]) if done.sigma is None else done.sigma
        warnings = (*doubts.of_sigma(noisy[0], sigma, seen), *doubts.of_training(denoiser, noisy[0], sigma, seen))
        return Cleaned(dataclasses.replace(picture, pixels=pixels), done.method, seen, warnings)

    return clean


def run(
    jobs: Sequence[Job], clean: Callable[[PictureFile], Cleaned], largest: int = LARGEST_PIXELS
) -> Iterator[Outcome]:
    """Clean one image after the other; whatever goes wrong with one is its error, and the next is done."""
    for job in tqdm(jobs, unit=" pictures", disable=None if len(jobs) > 1 else True):
        try:
            outcome = _done(job, clean, largest)
        except Exception as error:  # of a decoder, a network, the memory: none may end the others
            outcome = Outcome(job, error=_said(error, job))
        yield outcome


def _done(job: Job, clean: Callable[[PictureFile], Cleaned], largest: int) -> Outcome:
    began = time.perf_counter()
    if os.path.isdir(job.source):
        os.scandir(job.source).close()  # raises what keeps a folder from being read
    if job.into_folder:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    picture_files.check_target(job.target)
    existed = os.path.lexists(job.target)
    if existed and not job.replace:
        raise ValueError(f"{job.target} exists already, and is never overwritten: name another file with -o")
    pages = picture_files.read_pages(job.source, largest)
    picture_files.check_target(job.target, pages)
    told: dict[str, None] = {}
    facts: list[tuple[str, float | None, str]] = []

    def images() -> Iterator[PictureFile]:
        for page in pages:
            done = clean(page)
            told.update(dict.fromkeys((*page.notes, *done.warnings)))
            facts.append(("{1}x{0}".format(*page.pixels.shape), done.sigma, done.network))
            yield done.picture

    told.update(dict.fromkeys(picture_files.write_pages(images(), job.target).notes))
    line = f"{job.source} -> {job.target}{' (replaced)' if existed else ''}: {_described(facts)}, "
    line += f"{time.perf_counter() - began:.2f} s"
    return Outcome(job, line, warnings=tuple(f"{job.source}: {text}" for text in told))


def _described(facts: Sequence[tuple[str, float | None, str]]) -> str:
    """Return size, estimated noise level and network of the images of one file."""
    sizes, sigmas, networks = zip(*facts, strict=True)
    known = [sigma for sigma in sigmas if sigma is not None]
    sigma = f"{sum(known) / len(known) * SCALE:.1f}" if known else "unknown"
    count = f"{len(facts)} images, " if len(facts) > 1 else ""
    return (
        f"{count}{'/'.join(dict.fromkeys(sizes))}, estimated sigma {sigma} (0-255), {'/'.join(dict.fromkeys(networks))}"
    )


def _said(error: Exception, job: Job) -> str:
    """Return what an error says, with the file that it is about."""
    text = str(error) or type(error).__name__
    if isinstance(error, MemoryError) or any(words in text for words in OUT_OF_MEMORY):
        text = "not enough memory for an image of this size"
    elif isinstance(error, OSError) and error.strerror:
        about = error.filename if error.filename and not is_partial(Path(error.filename).name) else job.target
        text = f"{about}: {error.strerror}"
    elif not isinstance(error, ValueError | OSError):
        text = f"{type(error).__name__}: {text.splitlines()[0][:300]}"
    named = text.startswith((f"{job.source}: ", f"{job.target}: ", f"{job.target} "))
    return text if named else f"{job.source}: {text}"
