"""Locks around PyTorch operations, in a thread that may do other work between two operations.

A `TorchFunctionMode` can run another job before each PyTorch operation of a long job. If the long
job held a lock, and the other job needed this lock, both would wait forever.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

_here = threading.local()


@contextlib.contextmanager
def held(lock: threading.Lock) -> Iterator[None]:
    """Hold a lock; meanwhile, `holding` is True in this thread."""
    with lock:
        _here.count = getattr(_here, "count", 0) + 1
        try:
            yield
        finally:
            _here.count -= 1


def holding() -> bool:
    """Return True if this thread holds a lock and must not begin other work."""
    return getattr(_here, "count", 0) > 0
