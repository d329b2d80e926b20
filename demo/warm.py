"""Background preparation: the port opens at once, and networks run plainly until the quickest way is known."""

from __future__ import annotations

import atexit
import functools
import logging
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import denoise
from demo import gpu

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_ready = threading.Event()
_begun = threading.Lock()


def ready() -> bool:
    """Return True once calibration is done, so that networks run in the quickest way."""
    return _ready.is_set()


def network(name: str, device: str | None = gpu.DEVICE) -> denoise.Denoiser:
    """Load a network by name: as is quickest if that is known, else as it was trained, which needs no calibration."""
    return _loaded(name, device, "auto" if ready() else "float32")


@functools.cache
def _loaded(name: str, device: str | None, precision: str) -> denoise.Denoiser:
    return denoise.load(name, device, precision)


class Once(Generic[Result]):
    """Something that the page opens with: computed at the first call, and once more after calibration.

    Parameters
    ----------
    compute : callable
        Takes no arguments. Visitors who call meanwhile wait for its result.
    """

    def __init__(self, compute: Callable[[], Result]) -> None:
        self._compute, self._lock = compute, threading.Lock()
        functools.update_wrapper(self, compute)
        self.forget()
        atexit.register(self.forget)  # results that belong to a compiled library have to go before it does

    def __call__(self) -> Result:
        with self._lock:
            state = ready()
            if state not in self._kept:
                self._kept = {state: self._compute()}
            return self._kept[state]

    def forget(self) -> None:
        """Compute anew at the next call."""
        self._kept: dict[bool, Result] = {}


def begin(*first: Callable[[], Any]) -> None:
    """Start a thread that computes the first results and then calibrates; later calls do nothing.

    Parameters
    ----------
    *first : callable
        Each a `Once`. They come first, as visitors wait for them.
    """
    if _begun.acquire(blocking=False):
        threading.Thread(target=_prepare, args=(first,), name="warm").start()


def _prepare(first: tuple[Callable[[], Any], ...]) -> None:
    for result in first:
        _attempt(result)
    for name in denoise.names():  # the first one calibrates, or reads what is remembered
        _attempt(lambda name=name: _loaded(name, gpu.DEVICE, "auto").prepare())
    _ready.set()
    for result in first:
        _attempt(result)


def _attempt(step: Callable[[], Any]) -> None:
    """Run a step; its error goes to the log, as the other steps follow and visitors meet the same error.

    The interpreter waits for this thread at its end: no step is begun then.
    """
    if not threading.main_thread().is_alive():
        return
    try:
        step()
    except Exception:
        if threading.main_thread().is_alive():
            log.exception("a step of the page's preparation failed")
