"""Atomic file writes (temporary name, then rename), and removal of abandoned partial files."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST_NAME = 255  # bytes of a file name
LONGEST_ENDING = 32  # bytes of an ending that a temporary name keeps: no format has a longer one
SHOWN = 60  # characters of a wrong name that its error shows
# seconds without a change after which a partial file of an unknown process counts as abandoned
STALE = 24 * 60 * 60
PARTIAL = re.compile(
    r"\.denoise-(?P<place>[0-9a-f]{8})-(?P<pid>\d{1,9})-[0-9a-f]{8}(\..*)?", re.DOTALL
)
# version 0.1, no process id
OLD_PARTIAL = re.compile(r"\.(?P<stem>.*)\.[0-9a-f]{32}(?P<ending>\.[^.]*)?", re.DOTALL)

_writing: set[str] = set()  # names of this process's own partial files


def check_name(name: str, what: str, ending: str = "") -> str:
    """Return a name that is a part of file names, if it is valid.

    Parameters
    ----------
    name : str
    what : str
        Option that the name was given to; begins the error message.
    ending : str
        Longest ending that follows the name.

    Raises
    ------
    ValueError
        The name is empty or too long, begins with a dot, or holds a slash, a backslash or a control
        character.
    """
    longest = LONGEST_NAME - len(ending)
    wrong = {
        "is empty": not name,
        "begins with a dot": name.startswith("."),
        "holds a slash": "/" in name or "\\" in name,
        "holds a control character": not name.isprintable(),
        "is too long": len(name.encode(errors="surrogatepass")) > longest,
    }
    for reason, applies in wrong.items():
        if applies:
            shown = name if len(name) <= SHOWN else f"{name[:SHOWN]}..."
            raise ValueError(
                f"{what} {shown!r} {reason}; valid: at most {longest} bytes, no slash, no "
                "control character, no dot at the start"
            )
    return name


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`: renamed to `target` on success, else removed.

    The folder is created if it is missing. The temporary name keeps the ending of `target`, from
    which some writers choose a format. The file gets the permissions of any new file, even if its
    writer sets other permissions. An error of the operating system, for example of a full disk,
    names `target`.

    First, partial files of killed processes in the same folder are removed (`remove_leftovers`).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target)
    partial = target.with_name(_partial_name(target.suffix))
    _writing.add(partial.name)
    try:
        partial.touch()
        usual = partial.stat().st_mode
        partial.unlink()  # some writers must create the file themselves
        yield partial
        partial.chmod(usual)
        partial.replace(target)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(partial)):
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise
    finally:
        _writing.discard(partial.name)
        partial.unlink(missing_ok=True)


@contextmanager
def partial_folder(parent: Path) -> Iterator[Path]:
    """Create a temporary folder in `parent` and remove it at the end.

    If this process is killed, its next run removes the folder.
    """
    remove_leftovers(parent / "any")
    folder = parent / _partial_name("")
    _writing.add(folder.name)
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _writing.discard(folder.name)


def is_partial(name: str) -> bool:
    """Return True for a temporary name of `whole_file`, of this version or of version 0.1."""
    return bool(PARTIAL.fullmatch(name) or OLD_PARTIAL.fullmatch(name))


def remove_leftovers(target: Path) -> None:
    """Remove the partial files and folders beside `target` that no process writes to.

    The name of a partial file holds its process. The file is removed at once if that process ran
    here and has ended, and never while it runs. A file from another machine, container or boot is
    removed after a day without a change. A file with a name of version 0.1 is removed likewise, but
    only if it was to become `target`: other programs use similar names.
    """
    # Another user's file cannot be removed, or another process removes it first: `target` is
    # written all the same.
    with suppress(OSError):
        for entry in os.scandir(target.parent):
            if entry.name.startswith(".") and _is_leftover(entry, target):
                with suppress(OSError):
                    _remove(entry)


def _remove(entry: os.DirEntry[str]) -> None:
    if PARTIAL.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path)
    else:
        Path(entry.path).unlink()


def _partial_name(ending: str) -> str:
    """Return a new name of at most 70 bytes, which fits if the target's name fits."""
    kept = ending if len(os.fsencode(ending)) <= LONGEST_ENDING else ""
    return f".denoise-{_place()}-{os.getpid()}-{uuid.uuid4().hex[:8]}{kept}"


def _is_leftover(entry: os.DirEntry[str], target: Path) -> bool:
    named = PARTIAL.fullmatch(entry.name)
    if named and named["place"] == _place() and os.name == "posix":
        own = int(named["pid"]) == os.getpid()
        return entry.name not in _writing if own else not _runs(int(named["pid"]))
    old = OLD_PARTIAL.fullmatch(entry.name)
    if named or (old and (old["stem"], old["ending"] or "") == (target.stem, target.suffix)):
        with suppress(FileNotFoundError):  # its process has already removed it
            return time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE
    return False


@functools.cache
def _place() -> str:
    """Return eight digits shared by all processes of one machine, container and boot."""
    names = [platform.node()]
    for read, path in (
        (os.readlink, "/proc/self/ns/pid"),
        (_text, "/proc/sys/kernel/random/boot_id"),
    ):
        with suppress(OSError):  # not on Linux
            names.append(read(path))
    return hashlib.blake2b(os.fsencode("\0".join(names)), digest_size=4).hexdigest()


def _text(path: str) -> str:
    return Path(path).read_text()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)  # POSIX only: on Windows this call would end the process
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # the process runs, under another user
    return True
