"""Folders, with everything below them: symbolic links are followed, and what is nobody's file is passed over."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from denoise.files import is_partial

OF_SYSTEMS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})  # lists and thumbnails that file managers write


@dataclass
class Walk:
    """The files below a folder, sorted, and what was passed over.

    Attributes
    ----------
    files : list of Path
    unreadable : list of Path
        Folders that may not be read.
    hidden : list of Path
        Files and folders whose names begin with a dot.
    again : list of Path
        Links to folders that are walked under another name.
    """

    files: list[Path] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    again: list[Path] = field(default_factory=list)


def walk(folder: Path, without: Iterable[Path] = ()) -> Walk:
    """Find every file below a folder, but for the folders `without`.

    Partial files of `whole_file`, the files beside files that macOS writes ("._x.png"), and lists and thumbnails of
    file managers are not counted at all. A folder that links lead to twice is walked once, under its own name if it
    is below `folder`, so that links may run in circles.
    """
    found = Walk()
    seen = {_identity(path) for path in without}
    folders, links = [folder], []
    while folders or links:
        here = folders.pop() if folders else links.pop()
        identity = _identity(here)
        if identity in seen:
            found.again += [here] if here.is_symlink() else []
            continue
        seen.add(identity)
        try:
            entries = list(os.scandir(here))
        except OSError:
            found.unreadable.append(here)
            continue
        for entry in entries:
            path = here / entry.name
            if is_clutter(entry.name):
                continue
            if entry.name.startswith("."):
                found.hidden.append(path)
            elif not os.path.isdir(path):
                found.files.append(path)
            else:
                (links if entry.is_symlink() else folders).append(path)
        links.sort(reverse=True)  # of two links to one folder, the first counts
    for paths in (found.files, found.unreadable, found.hidden, found.again):
        paths.sort()
    return found


def is_clutter(name: str) -> bool:
    """Tell whether a file name is one that a program or system gives, and no person."""
    return name in OF_SYSTEMS or name.startswith("._") or is_partial(name)


def _identity(path: Path) -> tuple[int, int] | Path:
    try:
        found = path.stat()
    except OSError:
        return path
    return found.st_dev, found.st_ino
