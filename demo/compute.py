"""One thread in which networks run, whoever asks.

Each thread that calls PyTorch gets helper threads of its own. With those of several threads there are more of them than
processors; then they sleep between any two operations, and a small network takes far longer.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_here = threading.local()


def _new() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="compute", initializer=lambda: setattr(_here, "computing", True))


_pool = _new()


def _renew() -> None:
    """In a child of this process (a lent GPU has one): the thread did not come along."""
    global _pool
    _pool = _new()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def alone(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, run in that thread with what Gradio knows of the request; the caller waits for its answer.

    Raises
    ------
    TypeError
        A generator, whose body would run wherever it is asked for more.
    """
    if inspect.isgeneratorfunction(function):
        raise TypeError(f"{function.__name__} is a generator: it would not run in one thread")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if getattr(_here, "computing", False):  # one that computes asks for another
            return function(*args, **kwargs)
        return _pool.submit(contextvars.copy_context().run, function, *args, **kwargs).result()

    return call
