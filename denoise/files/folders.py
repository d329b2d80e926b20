"""Recursive listing of a folder: follows symbolic links, skips files of systems and programs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from denoise.files.atomic import is_partial

# listings and thumbnails by file managers
OF_SYSTEMS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass
class Walk:
    """Sorted files below a folder, and the paths that were skipped.

    Attributes
    ----------
    files : list of Path
    unreadable : list of Path
        Folders without read permission.
    hidden : list of Path
        Files and folders whose names begin with a dot.
    again : list of Path
        Links to folders that are walked under another path.
    """

    files: list[Path] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    again: list[Path] = field(default_factory=list)


def walk(folder: Path, without: Iterable[Path] = ()) -> Walk:
    """List every file below a folder, except in the folders `without`.

    Partial files of `whole_file`, companion files of macOS ("._x.png"), and listings and thumbnails
    of file managers are ignored. A folder that several links lead to is walked once, under its own
    path if it is below `folder`. Circular links are therefore safe.
    """
    found = Walk()
    seen = {_identity(path) for path in without}
    folders, links = [folder], list[Path]()
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
        links.sort(reverse=True)  # of two links to one folder, the first is walked
    for paths in (found.files, found.unreadable, found.hidden, found.again):
        paths.sort()
    return found


def is_clutter(name: str) -> bool:
    """Return True for a file name that a program or system gives, not a person."""
    return name in OF_SYSTEMS or name.startswith("._") or is_partial(name)


def _identity(path: Path) -> tuple[int, int] | Path:
    try:
        found = path.stat()
    except OSError:
        return path
    return found.st_dev, found.st_ino
