"""Files that are whole or not there, and the partial files that a killed process leaves behind."""

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
LONGEST_ENDING = 32  # bytes that a temporary name keeps of an ending: no format has a longer one
SHOWN = 60  # characters of a wrong name that its error repeats
STALE = 24 * 60 * 60  # seconds without a change after which a partial file has no writer, if nothing else tells
PARTIAL = re.compile(r"\.denoise-(?P<place>[0-9a-f]{8})-(?P<pid>\d{1,9})-[0-9a-f]{8}(\..*)?", re.DOTALL)
OLD_PARTIAL = re.compile(r"\.(?P<stem>.*)\.[0-9a-f]{32}(?P<ending>\.[^.]*)?", re.DOTALL)  # of version 0.1: no process

_writing: set[str] = set()  # names of this process's own partial files


def check_name(name: str, what: str, ending: str = "") -> str:
    """Return a name that is to be part of file names, if it can be.

    Parameters
    ----------
    name : str
    what : str
        Begins the error: the option that the name was given to.
    ending : str
        The longest ending that follows the name.

    Raises
    ------
    ValueError
        The name is empty or too long, begins with a dot, or holds a slash, a backslash or a control character.
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
                f"{what} {shown!r} {reason}; valid: a name of at most {longest} bytes, without slash or control "
                "character, that does not begin with a dot"
            )
    return name


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A temporary path beside `target` that becomes `target` on success and is removed on any failure.

    The folder is made where it is missing. The temporary name keeps the ending of `target`, by which some writers
    choose a format, and the file gets the permissions that any new file gets, whatever its writer gives it. An error of
    the operating system, as of a full disk, names `target`.

    Partial files in the same folder whose process was killed are removed first (`remove_leftovers`).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target)
    partial = target.with_name(_partial_name(target.suffix))
    _writing.add(partial.name)
    try:
        partial.touch()
        usual = partial.stat().st_mode
        partial.unlink()  # some writers want to make it themselves
        yield partial
        partial.chmod(usual)
        os.replace(partial, target)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(partial)):
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise
    finally:
        _writing.discard(partial.name)
        partial.unlink(missing_ok=True)


@contextmanager
def partial_folder(parent: Path) -> Iterator[Path]:
    """Make a temporary folder in `parent` and remove it at the end, or by the next run if this one is killed."""
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
    """Tell whether a file name is one that `whole_file` gives, or gave before version 0.2."""
    return bool(PARTIAL.fullmatch(name) or OLD_PARTIAL.fullmatch(name))


def remove_leftovers(target: Path) -> None:
    """Remove the partial files and folders beside `target` that no process writes to.

    The name of a partial file holds its process. The file goes at once if that process ran here and has ended, and
    never as long as it runs. A file from another machine, container or boot goes after a day without a change. So does
    a file with a name of version 0.1, but only if it was to become `target`: other programs have such names as well.
    """
    # Another user's file may not be removed, another process may be first: no reason not to write `target`.
    with suppress(OSError):
        for entry in os.scandir(target.parent):
            if entry.name.startswith(".") and _is_leftover(entry, target):
                with suppress(OSError):
                    _remove(entry)


def _remove(entry: os.DirEntry[str]) -> None:
    if PARTIAL.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path)
    else:
        os.unlink(entry.path)


def _partial_name(ending: str) -> str:
    """Return a new name of at most 70 bytes, so that it fits wherever a target fits."""
    kept = ending if len(os.fsencode(ending)) <= LONGEST_ENDING else ""
    return f".denoise-{_place()}-{os.getpid()}-{uuid.uuid4().hex[:8]}{kept}"


def _is_leftover(entry: os.DirEntry[str], target: Path) -> bool:
    named = PARTIAL.fullmatch(entry.name)
    if named and named["place"] == _place() and os.name == "posix":
        own = int(named["pid"]) == os.getpid()
        return entry.name not in _writing if own else not _runs(int(named["pid"]))
    old = OLD_PARTIAL.fullmatch(entry.name)
    if named or (old and (old["stem"], old["ending"] or "") == (target.stem, target.suffix)):
        with suppress(FileNotFoundError):  # its process was faster
            return time.time() - entry.stat(follow_symlinks=False).st_mtime > STALE
    return False


@functools.cache
def _place() -> str:
    """Return eight digits shared by all processes that see each other: those of a machine, container and boot."""
    names = [platform.node()]
    for read, path in ((os.readlink, "/proc/self/ns/pid"), (_text, "/proc/sys/kernel/random/boot_id")):
        with suppress(OSError):  # not on Linux
            names.append(read(path))
    return hashlib.blake2b(os.fsencode("\0".join(names)), digest_size=4).hexdigest()


def _text(path: str) -> str:
    return Path(path).read_text()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)  # POSIX only: Windows would end the process
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as another user
    return True
