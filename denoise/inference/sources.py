"""Sources of a command line: the images that files, folders and patterns name."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from denoise.files import folders
from denoise.images import image_files
from denoise.images.image_files import ENDINGS

NAMES = 5  # number of left-out files that a message names


@dataclass(frozen=True)
class Source:
    """Image file to denoise.

    `below` is its path below the folder or pattern that named it. `named` is True if the user named
    the file itself.
    """

    path: Path
    below: Path
    named: bool


def find(given: Sequence[str], out: Path | None, tell: Callable[[str], object]) -> list[Source]:
    """Find the named files in the order given; names are sorted within a folder or pattern.

    Parameters
    ----------
    given : sequence of str
        Files, folders (every image below them) and patterns.
    out : Path, optional
        Output folder, whose files are not sources.
    tell : callable
        Called with one line for each folder or pattern of which files are left out.

    Raises
    ------
    ValueError
        A pattern without a match, or a folder without an image.
    """
    found: dict[Path, Source] = {}
    for text in given:
        for source in _named_by(text, out, tell):
            found.setdefault(source.path, source)  # a file may be named twice
    return list(found.values())


def left_out(of: str, reasons: Sequence[tuple[str, Path]]) -> str:
    """Format one line about the files left out of `of` ("9 files").

    The line gives the count per reason, and the first names.
    """
    return f"left out {len(reasons)} of {of}: {_counted(reasons)}"


def _counted(reasons: Sequence[tuple[str, Path]]) -> str:
    numbers = ", ".join(
        f"{number} {reason}" for reason, number in Counter(reason for reason, _ in reasons).items()
    )
    names = ", ".join(str(path) for _, path in reasons[:NAMES]) + (
        ", ..." if len(reasons) > NAMES else ""
    )
    return f"{numbers} ({names})"


def _named_by(text: str, out: Path | None, tell: Callable[[str], object]) -> list[Source]:
    if os.path.isdir(text):
        return _in_folder(Path(text), out, tell)
    if os.path.lexists(text) or not glob.has_magic(text):
        return [Source(Path(text), Path(Path(text).name), named=True)]
    matches = [path for path in _matches(text) if not folders.is_clutter(path.name)]
    files = [path for path in matches if not os.path.isdir(path)]
    if not files:
        raise ValueError(f"{text}: no file matches this pattern")
    if len(files) < len(matches):
        others = [("not a file", path) for path in matches if os.path.isdir(path)]
        tell(left_out(f"{len(matches)} matches of {text}", others))
    return [Source(path, Path(path.name), named=False) for path in files]


def _in_folder(folder: Path, out: Path | None, tell: Callable[[str], object]) -> list[Source]:
    outside = (
        [out] if out and os.path.isdir(out) and folder.resolve() in out.resolve().parents else []
    )
    found = folders.walk(folder, without=outside)
    images: list[Path] = []
    others: list[tuple[str, Path]] = []
    for file in found.files:
        if image_files.has_ending(file):
            images.append(file)
        else:
            others.append((file.suffix.lower() or "without an ending", file))
    others += [("hidden", path) for path in found.hidden]
    others += [("found under another path", path) for path in found.again]
    if not images and not found.unreadable:
        seen = f", but {_counted(others)}" if others else ""
        raise ValueError(f"{folder}: no image below this folder{seen}; valid: {' '.join(ENDINGS)}")
    if others:
        relative = [(reason, path.relative_to(folder)) for reason, path in others]
        tell(left_out(f"{len(images) + len(others)} files in {folder}", relative))
    if folder in found.unreadable:
        return [Source(folder, Path(folder.name or "folder"), named=True)]
    # A folder that cannot be read is an error of the run, as an unreadable file is: the remaining
    # files are denoised.
    return [
        Source(file, file.relative_to(folder), named=False)
        for file in sorted([*images, *found.unreadable])
    ]


def _matches(pattern: str) -> list[Path]:
    """Find the matches of a pattern.

    Brackets belong to a name if that file or folder exists, else they are a choice of characters.
    """
    parts = Path(pattern).parts
    exist = next(n for n in range(len(parts) - 1, -1, -1) if os.path.lexists(Path(*parts[:n])))
    start, rest = glob.escape(str(Path(*parts[:exist]))), parts[exist:]
    found: set[str] = set()
    for way in (rest, [part.replace("[", "[[]") for part in rest]):
        found.update(
            glob.glob(os.path.join(start, *way) if exist else os.path.join(*way), recursive=True)
        )
    return sorted(Path(name) for name in found)
