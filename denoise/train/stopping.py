"""Signals that stop a training: recorded during a step, handled after it with a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None
OF_PYTHON = (signal.SIG_DFL, signal.default_int_handler)


class Stopped(KeyboardInterrupt):
    """Training that a signal has ended, after its checkpoint was written.

    Parameters
    ----------
    message : str
        One line for the user.
    number : int
        Number of the signal.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message, number)
        self.code = 128 + number
        """Exit code of the command, by the shell's convention: 130 for Ctrl-C, 143 for SIGTERM."""

    def __str__(self) -> str:
        return self.args[0]


class Asked:
    """Context that records signals, and restores the caller's handlers at its end.

    Python runs handlers in the main thread alone: in any other thread no signal is recorded. A
    signal that the caller ignores stays ignored.

    Parameters
    ----------
    patient : bool
        Record every signal. Without it the second signal reaches the caller's handlers, and ends
        the process at once.

    Attributes
    ----------
    number : int, optional
        First signal, if there was one.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.number: int | None = None
        self._patient = patient
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> Asked:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                # None: not set by Python, not restorable
                if signal.getsignal(number) not in (None, signal.SIG_IGN):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number
        if not self._patient:
            self.__exit__()

    def pass_on(self) -> None:
        """Pass the recorded signal to the caller's handler, unless it is Python's default.

        A worker of Ray, for example, tells its cluster that it ends.
        """
        if self.number is not None and signal.getsignal(self.number) not in OF_PYTHON:
            signal.raise_signal(self.number)
