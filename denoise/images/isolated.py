"""Decoding of uploads in a separate process with limits of memory and time.

A decoder is a large C program, and a file may crash it or exhaust the memory. Here such a file
affects only the decoding process, which is then replaced. The checks before decoding are those of
`reading`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from denoise.images import reading, transfer
from denoise.images.container import TooLarge
from denoise.images.reading import PictureFile

log = logging.getLogger(__name__)

PROCESSES = 2  # at once, so that one slow file does not block every other file
SECONDS, A_MEGAPIXEL = 10.0, 1.0  # per file, and per million pixels that the caller allows
# environment variables passed on; a decoder must not see tokens
KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
COMMAND = (sys.executable, "-m", "denoise.images.worker")
AVAILABLE = sys.platform == "linux"  # on other systems the limits do not exist, or do not hold


_slots = threading.BoundedSemaphore(PROCESSES)
_idle: list[_Process] = []


def read(path: str | Path, largest: int) -> PictureFile:
    """Read the first image of an uploaded file; the parameters are those of `reading.read`.

    Raises
    ------
    ValueError
        An error of `reading.read`; or decoding takes too much memory or time, or ends its process.
    TooLarge
        ValueError of an image with more than `largest` pixels.
    """
    if not AVAILABLE:
        return reading.read(path, largest)
    seconds = SECONDS + A_MEGAPIXEL * largest / 1e6
    with _process() as process:
        try:
            return process.ask(Path(path), largest, time.monotonic() + seconds)
        except TimeoutError:
            process.end()
            raise ValueError(f"{path}: decoding took more than {seconds:.0f} seconds") from None
        except _Ended:
            process.end()
            raise ValueError(
                f"{path}: decoding failed: the file is damaged, or needs too much memory"
            ) from None
        except OSError as error:  # no process, or no temporary folder
            process.end()
            raise ValueError(f"{path}: cannot be decoded now: {error.strerror or error}") from error


class _Ended(Exception):
    """Error of a process that ended before its reply, or sent an invalid reply."""


class _Process:
    """Decoding process; it starts at the first request, and again after it has ended."""

    def __init__(self) -> None:
        self._running: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._come = bytearray()

    def ask(self, path: Path, largest: int, deadline: float) -> PictureFile:
        """Return the image of one request.

        Raise ValueError for its error reply, TimeoutError, `_Ended` or OSError.
        """
        running = self._running
        if running is None or running.poll() is not None:
            running = self._start()
        assert running.stdin is not None  # both were made as pipes
        assert running.stdout is not None
        absolute = str(path.absolute())
        try:
            running.stdin.write(json.dumps({"path": absolute, "largest": largest}).encode() + b"\n")
            running.stdin.flush()
        except BrokenPipeError:
            raise _Ended from None
        while b"\n" not in self._come:
            self._read(running.stdout, deadline, transfer.LARGEST_LINE)
        line = self._taken(self._come.index(b"\n") + 1)
        try:  # a process that a file has taken over may send any reply
            reply = transfer.Reply(line, largest)
            while len(self._come) < reply.size:
                self._read(running.stdout, deadline, reply.size)
            found = reply.image(self._taken(reply.size))
        except (AttributeError, KeyError, TypeError, ValueError):
            raise _Ended from None
        if found is None:
            message = reply.error.removeprefix(f"{absolute}: ")
            raise (TooLarge if reply.large else ValueError)(f"{path}: {message}")
        return found

    def end(self) -> None:
        """Kill the process and remove its temporary files."""
        running, self._running = self._running, None
        if running is not None:
            running.kill()
            code = running.wait()
            for pipe in (running.stdin, running.stdout):
                assert pipe is not None  # both were made as pipes
                pipe.close()
            log.warning(
                "decoding process ended with code %d; the next upload starts a new process",
                code,
            )
        self._clear()

    def _start(self) -> subprocess.Popen[bytes]:
        self._clear()
        self._folder = tempfile.TemporaryDirectory(prefix="denoise-uploads-")
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        environment |= {
            "PYTHONPATH": os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)
        }
        environment |= {
            "TMPDIR": self._folder.name,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._running = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env=environment,
        )
        return self._running

    def _clear(self) -> None:
        self._come.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _read(self, stdout: IO[bytes], deadline: float, most: int) -> None:
        """Wait for bytes until a deadline of the monotonic clock.

        More than `most` bytes are an invalid reply.
        """
        waiting = select.poll()
        waiting.register(stdout, select.POLLIN)
        if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError
        come = os.read(stdout.fileno(), 1 << 20)
        self._come += come
        if not come or len(self._come) > most:
            raise _Ended

    def _taken(self, count: int) -> bytearray:
        taken = self._come[:count]
        del self._come[:count]
        return taken


@contextlib.contextmanager
def _process() -> Iterator[_Process]:
    with _slots:
        process = _idle.pop() if _idle else _Process()
        try:
            yield process
        finally:
            _idle.append(process)
