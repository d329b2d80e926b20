"""Background preparation of first results and networks, so that the port opens at once."""

from __future__ import annotations

import atexit
import functools
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import denoise
from demo.compute import zerogpu

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_begun = threading.Lock()


@functools.cache
def network(name: str, device: str | None = zerogpu.DEVICE) -> denoise.Denoiser:
    """Load a network by name, once."""
    return denoise.load(name, device)


class Once(Generic[Result]):
    """A result that the page opens with, computed at the first call.

    Parameters
    ----------
    compute : callable
        Takes no arguments. Visitors who call during the computation wait for its result.
    """

    def __init__(self, compute: Callable[[], Result]) -> None:
        self._compute, self._lock = compute, threading.Lock()
        functools.update_wrapper(self, compute)
        self._kept: list[Result] = []
        # release results of a compiled library before the library is unloaded
        atexit.register(self.forget)

    def __call__(self) -> Result:
        """Return the result; compute it at the first call."""
        with self._lock:
            if not self._kept:
                self._kept = [self._compute()]
            return self._kept[0]

    def forget(self) -> None:
        """Discard the result, so that the next call computes it anew."""
        self._kept = []


def begin(*first: Callable[[], Any], networks: Iterable[str] = ()) -> None:
    """Start a thread that computes the first results and then prepares networks.

    Later calls do nothing.

    Parameters
    ----------
    *first : callable
        First results, because visitors meet them first.
    networks : iterable of str
        Names of weights.
    """
    if _begun.acquire(blocking=False):
        threading.Thread(target=_prepare, args=(first, networks), name="warm").start()


def _prepare(first: tuple[Callable[[], Any], ...], networks: Iterable[str]) -> None:
    for result in first:
        _attempt(result)
    for name in networks:
        _attempt(functools.partial(_ready, name))


def _ready(name: str) -> None:
    network(name).prepare()


def _attempt(step: Callable[[], Any]) -> None:
    """Run a step and log its error; later steps still run, and visitors meet the same error.

    Begin no step once the interpreter is shutting down, because the interpreter waits for this
    thread at exit.
    """
    if not threading.main_thread().is_alive():
        return
    try:
        step()
    except Exception:
        if threading.main_thread().is_alive():
            log.exception("a background preparation step of the page failed")
