"""Waiting line of visitors for a long computation that runs once at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class Full(ValueError):
    """Error of a waiting line that takes nobody else."""


class Turns:
    """Line of visitors: the first visitor computes, the later visitors wait.

    Parameters
    ----------
    most : int
        Visitors in the line, with the one who computes.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._line: list[object] = []

    @contextlib.contextmanager
    def joined(self) -> Iterator[Callable[[], int]]:
        """Join the line, and leave it at exit.

        Yields
        ------
        callable
            Number of visitors ahead: 0 for the one whose turn it is.

        Raises
        ------
        Full
            The line has `most` visitors.
        """
        visitor = object()
        with self._lock:
            if len(self._line) >= self._most:
                raise Full(f"{self._most} trainings run or wait already: try again in a minute")
            self._line.append(visitor)
        try:
            yield lambda: self._line.index(visitor)
        finally:
            with self._lock:
                self._line.remove(visitor)
