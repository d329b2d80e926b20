"""Single inference thread for all callers; a long job gives way to shorter jobs.

Each thread that calls PyTorch gets its own pool of helper threads. Several pools have more threads
than there are processors: helpers then sleep between operations, and a small network takes far
longer. So a shorter job runs inside the longer one, between two operations of the longer job's
network.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import heapq
import inspect
import itertools
import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import torch
from torch.overrides import TorchFunctionMode

from denoise import locks

TURN = 0.01  # seconds between two turns of shorter jobs

Result = TypeVar("Result")

_here = threading.local()
_helpers = ThreadPoolExecutor(2, thread_name_prefix="beside")
_numbers = itertools.count()


class Cancelled(Exception):
    """Error of a cancelled job, whose result nobody waits for."""


class Job:
    """A call that waits for the thread or runs in the thread.

    Parameters
    ----------
    call : callable
        Takes no arguments, and runs in the context of the present Gradio request.
    work : int
        Size of the job, in any unit that all jobs share: a job gives way to jobs with less work.

    Attributes
    ----------
    cancelled : bool
        True if nobody waits for the result.
    share : float
        Finished fraction of the work, 0 to 1, as set by the job (`report`).
    """

    def __init__(self, call: Callable[[], Any], work: int = 0) -> None:
        self.work, self.cancelled, self.share = work, False, 0.0
        self._call, self._context = call, contextvars.copy_context()
        self._answer: Future[Any] = Future()

    def cancel(self) -> None:
        """Cancel the job: it ends before its next operation, or never begins."""
        self.cancelled = True

    def done(self, seconds: float) -> bool:
        """Wait for the end of the job, at most that many seconds.

        Return True if the job has ended.
        """
        return bool(wait([self._answer], seconds).done)

    def result(self) -> Any:
        """Wait for the result; raise the error of the call, or `Cancelled`."""
        return self._answer.result()

    def run(self) -> None:
        """Run the call in this thread."""
        outer, _here.job = getattr(_here, "job", None), self
        try:
            if self.cancelled:
                raise Cancelled
            self._answer.set_result(self._context.run(self._call))
        except Cancelled:
            # a new error, without the frames that hold the images
            self._answer.set_exception(Cancelled())
        except BaseException as error:
            self._answer.set_exception(error)
            # the error holds this frame: a reference cycle would keep the images until garbage
            # collection
            del self
        finally:
            _here.job = outer


class _Thread:
    """The thread and its waiting jobs, least work first."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int, Job]] = []
        self.running: list[Job] = []  # the inner job last
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="compute")

    def add(self, job: Job) -> None:
        with self.lock:
            heapq.heappush(self.waiting, (job.work, next(_numbers), job))
        # one turn per job; a job that ran inside another one leaves an empty turn
        self.pool.submit(self.take)

    def take(self, below: float = math.inf) -> bool:
        """Run the waiting job with the least work if its work is below the bound.

        Return False if there is none.
        """
        with self.lock:
            if not self.waiting or self.waiting[0][0] >= below:
                return False
            _, _, job = heapq.heappop(self.waiting)
            self.running.append(job)
        try:
            job.run()
        finally:
            with self.lock:
                self.running.remove(job)
        return True


_thread = _Thread()


def _renew() -> None:
    """Drop all jobs in a forked child, which has no such thread; a lent GPU forks."""
    global _thread
    _thread = _Thread()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def start(call: Callable[[], Any], work: int = 0) -> Job:
    """Create a job and submit it to the thread. Parameters as for `Job`."""
    return submit(Job(call, work))


def submit(job: Job) -> Job:
    """Submit a job to the thread, or run it at once if this is that thread; return the job."""
    if getattr(_here, "job", None) is None:
        _thread.add(job)
    else:  # a job that waited for another job in its own thread would deadlock
        job.run()
    return job


def alone(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function to run in that thread, in the context of the Gradio request.

    The caller waits for the result.

    Raises
    ------
    TypeError
        The function is a generator, whose body would run in the thread of its consumer.
    """
    if inspect.isgeneratorfunction(function):
        raise TypeError(f"{function.__name__} is a generator: its body would run in another thread")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if getattr(_here, "job", None) is not None:  # a part of the present job
            return function(*args, **kwargs)
        return start(functools.partial(function, *args, **kwargs)).result()

    return call


@contextlib.contextmanager
def giving_way() -> Iterator[None]:
    """Let the present job give way, or end if cancelled, before each PyTorch operation.

    Hold no lock in this context but by `denoise.locks.held`: the other jobs run in the same thread.
    Outside of a job, the context does nothing.
    """
    job: Job | None = getattr(_here, "job", None)
    if job is None:
        yield
    else:
        with _BeforeEach(functools.partial(_give_way, job)):
            yield


def beside(call: Callable[[], Result]) -> Result:
    """Run a call in another thread, while the present job gives way; return its result.

    For a long computation without PyTorch, in which `giving_way` finds no operation.
    """
    job: Job | None = getattr(_here, "job", None)
    if job is None:
        return call()
    running = _helpers.submit(call)
    while not wait([running], TURN).done:
        _give_way(job)
    return running.result()


def others(job: Job) -> int:
    """Return the number of other long jobs, those with any work, that run or wait."""
    with _thread.lock:
        known = [*_thread.running, *(waiting for _, _, waiting in _thread.waiting)]
    return sum(one is not job and one.work > 0 and not one.cancelled for one in known)


def report(share: float) -> None:
    """Set the finished fraction of the present job, 0 to 1."""
    job: Job | None = getattr(_here, "job", None)
    if job is not None:
        job.share = share


class _BeforeEach(TorchFunctionMode):
    """A mode that makes a call before each operation; the mode is off during the call."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self.call = call

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.call()
        return func(*args, **(kwargs or {}))


def _give_way(job: Job) -> None:
    if locks.holding():
        return
    if job.cancelled:
        raise Cancelled
    # Run the jobs that wait now, not later arrivals: the long job gets a turn in between.
    for _ in range(len(_thread.waiting)):
        with torch.inference_mode(False):
            if not _thread.take(job.work):
                break
