"""Uploaded files: their folder, the paths that a call may name, deletion of old files."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import logging
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any, TypeGuard

import anyio
import gradio as gr
from gradio.utils import get_upload_folder

from demo.guard.refusals import refusal

PREFIX = "denoise-page-"
OLDEST = 55 * 60  # seconds: the page promises an hour
EVERY = 60  # seconds between two sweeps
LARGEST_FOLDER = 1_000_000_000  # bytes that a sweep leaves; the newest files stay
LEAST_FREE = 200_000_000  # bytes of free disk space; with less, uploads are rejected
NO_FILE = "the image is not an uploaded file, or was deleted since: upload it again"

log = logging.getLogger(__name__)


@functools.cache
def folder() -> Path:
    """Create this process's upload folder, set it in Gradio, and remove it at exit."""
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(parent)
    own = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
    os.environ["GRADIO_TEMP_DIR"] = str(own)
    # otherwise a folder below the current one, which Gradio serves too
    os.environ["GRADIO_EXAMPLES_CACHE"] = str(own / "examples")
    atexit.register(_remove, own, os.getpid())
    return own


def _remove(own: Path, owner: int) -> None:
    if os.getpid() == owner:  # not a forked child, which inherits the exit handlers
        shutil.rmtree(own, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    """Remove old folders, left by killed processes: a running page touches its own folder."""
    for left in parent.glob(f"{PREFIX}*"):
        # another user's folder, or already removed by another page
        with contextlib.suppress(OSError):
            if not left.is_symlink() and time.time() - left.stat().st_mtime > OLDEST:
                shutil.rmtree(left)


def holds(path: Any) -> TypeGuard[str]:
    """Return True if a value is the absolute path of a file below Gradio's upload folder.

    Check the file system for no other path, so that a response cannot reveal if a file exists.
    """
    if not isinstance(path, str) or not os.path.isabs(path) or "\0" in path or not _encodable(path):
        return False
    named = get_upload_folder()
    if not any(
        _below(os.path.abspath(path), root)
        for root in (os.path.abspath(named), os.path.realpath(named))
    ):
        return False
    return _below(os.path.realpath(path), os.path.realpath(named)) and os.path.isfile(path)


def _encodable(path: str) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True


def _below(path: str, root: str) -> bool:
    return path.startswith(root + os.sep)


def path_of(file: Any) -> str:
    """Return the path of an uploaded file (a `gradio.FileData`).

    Raises
    ------
    gradio.Error
        The path is not below Gradio's upload folder, or no file is there; the message is the same.
    """
    path = getattr(file, "path", None)
    if not holds(path):
        raise refusal(NO_FILE)
    return path


def full() -> bool:
    """Return True if the disk has no room for more uploads."""
    return shutil.disk_usage(folder().parent).free < LEAST_FREE


def sweep(keep: Collection[str] = (), now: float | None = None) -> None:
    """Delete old uploads and outputs, and the oldest files if the folder is too large."""
    now = time.time() if now is None else now
    own, total = folder(), 0
    found = [path for path in own.rglob("*") if not path.is_dir() or path.is_symlink()]
    for changed, path in sorted(((_changed(path), path) for path in found), reverse=True):
        size = path.lstat().st_size if os.path.lexists(path) else 0
        total += size
        if str(path) not in keep and (now - changed > OLDEST or total > LARGEST_FOLDER):
            path.unlink(missing_ok=True)
            total -= size
    for path in sorted((path for path in own.rglob("*") if path.is_dir()), reverse=True):
        if now - _changed(path) > OLDEST:  # keep the empty folder of an upload that has just begun
            with contextlib.suppress(OSError):  # the folder is not empty
                path.rmdir()
    os.utime(own)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:  # a part of an upload that is now complete
        return 0.0


@contextlib.asynccontextmanager
async def swept(app: Any) -> AsyncIterator[None]:
    """Sweep the folder periodically while the app runs.

    Serves as the `lifespan` of a FastAPI app.
    """
    task = asyncio.create_task(_sweep_forever(app))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _sweep_forever(app: Any) -> None:
    while True:
        try:
            await anyio.to_thread.run_sync(_sweep_of, app.get_blocks())
        except OSError as error:  # the next sweep may succeed
            log.warning("old uploads were not deleted: %s", error)
        await asyncio.sleep(EVERY)


def _sweep_of(blocks: gr.Blocks) -> None:
    """Sweep, and remove the paths of deleted files from Gradio's records."""
    _remove_abandoned(folder().parent)
    sweep(
        {path for block in blocks.blocks.values() for path in getattr(block, "keep_in_cache", ())}
    )
    for known in blocks.temp_file_sets:
        known.difference_update([path for path in list(known) if not os.path.lexists(path)])
