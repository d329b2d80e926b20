"""Files in, clean files out: which pictures, with which network, and what becomes of those that cannot be cleaned."""

from __future__ import annotations

import dataclasses
import functools
import glob
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from denoise import engine, picture_files
from denoise.picture_files import ENDINGS, PictureFile

PHOTOGRAPHS = {1: "photo-gray", 3: "photo-color"}  # what cleans a photograph, by its channels without alpha


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture; the folder of its target is made where it is missing only if a folder was asked for."""

    source: Path
    target: Path
    into_folder: bool


def plan(given: Sequence[str], out: Path) -> list[Job]:
    """Which file becomes which.

    Parameters
    ----------
    given : sequence of str
        Files, folders (every picture below them) and patterns.
    out : Path
        The clean file; a folder where there are several pictures, where it is one already, or where it has no ending.

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
    sources = [found for text in given for found in _found(text)]
    several = len(sources) > 1 or Path(given[0]).is_dir()
    if several and out.suffix.lower() in ENDINGS and not out.is_dir():
        raise ValueError(f"{len(sources)} pictures cannot go into {out}: name a folder, as -o out/")
    if several or out.is_dir() or not out.suffix:
        jobs = [Job(source, out / below, into_folder=True) for source, below in sources]
    else:
        jobs = [Job(sources[0][0], out, into_folder=False)]
    taken: dict[Path, Path] = {}
    inputs = {job.source.resolve() for job in jobs}
    for job in jobs:
        target = job.target.resolve()
        if target in inputs:
            raise ValueError(f"{job.target} is a picture to be cleaned, and never overwritten: name another file")
        if target in taken:
            raise ValueError(f"{taken[target]} and {job.source} would both go to {job.target}: clean them one by one")
        taken[target] = job.source
    return jobs


def _found(text: str) -> list[tuple[Path, Path]]:
    """Every picture that a text names, and where it goes below a folder: as it lies below the folder that was named."""
    path = Path(text)
    if path.is_dir():
        files = picture_files.below(path)
        if not files:
            raise ValueError(f"{path}: no picture is below this folder; valid: {' '.join(ENDINGS)}")
        return [(file, file.relative_to(path)) for file in files]
    if path.exists() or not glob.has_magic(text):
        return [(path, Path(path.name))]
    files = [Path(name) for name in sorted(glob.glob(text, recursive=True)) if Path(name).is_file()]
    if not files:
        raise ValueError(f"{text}: no file fits this pattern")
    return [(file, Path(file.name)) for file in files]


def cleaner(model: str | None, sigma: float | None, *, ensemble: bool = False) -> Callable[[PictureFile], PictureFile]:
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

    def clean(picture: PictureFile) -> PictureFile:
        denoiser = load(model or PHOTOGRAPHS[picture.colours])
        return dataclasses.replace(picture, pixels=denoiser(picture.pixels, sigma, ensemble=ensemble))

    return clean


def run(jobs: Sequence[Job], clean: Callable[[PictureFile], PictureFile]) -> Iterator[tuple[Job, Exception | None]]:
    """Clean one picture after the other; what one cannot be cleaned for is its error, and the next is done."""
    for job in tqdm(jobs, unit=" pictures", disable=None if len(jobs) > 1 else True):
        try:
            if job.into_folder:
                job.target.parent.mkdir(parents=True, exist_ok=True)
            picture_files.check_target(job.target)
            picture_files.write(clean(picture_files.read(job.source)), job.target)
        except (ValueError, OSError, MemoryError) as error:
            yield job, _named(error, job)
        else:
            yield job, None


def _named(error: Exception, job: Job) -> Exception:
    """The error with the file that it is about."""
    text = str(error) or type(error).__name__
    return error if str(job.source) in text or str(job.target) in text else ValueError(f"{job.source}: {text}")
