"""The files that the words of a command line name: files, folders and patterns, and what of them is left out."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from denoise import folders, picture_files
from denoise.picture_files import ENDINGS

NAMES = 5  # of files that are left out: so many are named


@dataclass(frozen=True)
class Source:
    """A file to clean: its path, its place below the folder or pattern that named it, and if it was named itself."""

    path: Path
    below: Path
    named: bool


def find(given: Sequence[str], out: Path | None, tell: Callable[[str], object]) -> list[Source]:
    """Find the files that are named, in that order; names are sorted within a folder or pattern.

    Parameters
    ----------
    given : sequence of str
        Files, folders (every image below them) and patterns.
    out : Path, optional
        A folder whose files are no sources, as they were written there.
    tell : callable
        Is given one line for each folder or pattern of which something is left out.

    Raises
    ------
    ValueError
        Nothing fits a pattern, or a folder has no image.
    """
    found: dict[Path, Source] = {}
    for text in given:
        for source in _named_by(text, out, tell):
            found.setdefault(source.path, source)  # a file may be named twice
    return list(found.values())


def left_out(of: str, reasons: Sequence[tuple[str, Path]]) -> str:
    """Say in one line what is left out "of 9 files": how many for each reason, and the names of the first."""
    return f"left out {len(reasons)} of {of}: {_counted(reasons)}"


def _counted(reasons: Sequence[tuple[str, Path]]) -> str:
    numbers = ", ".join(f"{number} {reason}" for reason, number in Counter(reason for reason, _ in reasons).items())
    names = ", ".join(str(path) for _, path in reasons[:NAMES]) + (", ..." if len(reasons) > NAMES else "")
    return f"{numbers} ({names})"


def _named_by(text: str, out: Path | None, tell: Callable[[str], object]) -> list[Source]:
    if os.path.isdir(text):
        return _in_folder(Path(text), out, tell)
    if os.path.lexists(text) or not glob.has_magic(text):
        return [Source(Path(text), Path(Path(text).name), named=True)]
    matches = [path for path in _matches(text) if not folders.is_clutter(path.name)]
    files = [path for path in matches if not os.path.isdir(path)]
    if not files:
        raise ValueError(f"{text}: no file fits this pattern")
    if len(files) < len(matches):
        others = [("not a file", path) for path in matches if os.path.isdir(path)]
        tell(left_out(f"{len(matches)} matches of {text}", others))
    return [Source(path, Path(path.name), named=False) for path in files]


def _in_folder(folder: Path, out: Path | None, tell: Callable[[str], object]) -> list[Source]:
    outside = [out] if out and os.path.isdir(out) and folder.resolve() in out.resolve().parents else []
    found = folders.walk(folder, without=outside)
    images: list[Path] = []
    others: list[tuple[str, Path]] = []
    for file in found.files:
        if picture_files.has_ending(file):
            images.append(file)
        else:
            others.append((file.suffix.lower() or "without ending", file))
    others += [("hidden", path) for path in found.hidden]
    others += [("cleaned under another name", path) for path in found.again]
    if not images and not found.unreadable:
        seen = f", but {_counted(others)}" if others else ""
        raise ValueError(f"{folder}: no picture is below this folder{seen}; valid: {' '.join(ENDINGS)}")
    if others:
        relative = [(reason, path.relative_to(folder)) for reason, path in others]
        tell(left_out(f"{len(images) + len(others)} files in {folder}", relative))
    if folder in found.unreadable:
        return [Source(folder, Path(folder.name or "folder"), named=True)]
    # A folder that may not be read is an error of the run, as a file would be: the others are cleaned.
    return [Source(file, file.relative_to(folder), named=False) for file in sorted([*images, *found.unreadable])]


def _matches(pattern: str) -> list[Path]:
    """Find what fits a pattern; brackets are those of a name if there is such a file or folder, else a choice."""
    parts = Path(pattern).parts
    exist = next(n for n in range(len(parts) - 1, -1, -1) if os.path.lexists(Path(*parts[:n])))
    start, rest = glob.escape(str(Path(*parts[:exist]))), parts[exist:]
    found: set[str] = set()
    for way in (rest, [part.replace("[", "[[]") for part in rest]):
        found.update(glob.glob(os.path.join(start, *way) if exist else os.path.join(*way), recursive=True))
    return sorted(Path(name) for name in found)
