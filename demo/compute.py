"""One thread in which networks run, whoever asks; a long job gives way to shorter ones.

Each thread that calls PyTorch gets helper threads of its own. With those of several threads there are more of them than
processors; then they sleep between any two operations, and a small network takes far longer. So a job is not run beside
another one but inside it, between two operations of the longer job's network.
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
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_here = threading.local()
_numbers = itertools.count()


class Cancelled(Exception):
    """The job was given up: nobody waits for its answer."""


class Job:
    """A call that waits for the thread or runs in it.

    Parameters
    ----------
    call : callable
        Without arguments. It runs with what Gradio knows of the present request.
    work : int
        Size of the job, in any unit that all jobs share: a job gives way to those of less work.

    Attributes
    ----------
    cancelled : bool
        Whether nobody waits for the answer.
    share : float
        Finished share of the work, 0 to 1, as the job reports it (`report`).
    """

    def __init__(self, call: Callable[[], Any], work: int = 0) -> None:
        self.work, self.cancelled, self.share = work, False, 0.0
        self._call, self._context = call, contextvars.copy_context()
        self._answer: Future[Any] = Future()

    def cancel(self) -> None:
        """Give the job up: it ends before its next operation, or does not begin."""
        self.cancelled = True

    def done(self, seconds: float) -> bool:
        """Wait for the end of the job, that long at most; return True if the job has ended."""
        return bool(wait([self._answer], seconds).done)

    def result(self) -> Any:
        """Wait for the answer; raise the error of the call, or `Cancelled`."""
        return self._answer.result()

    def run(self) -> None:
        """Run the call in this thread."""
        outer, _here.job = getattr(_here, "job", None), self
        try:
            if self.cancelled:
                raise Cancelled
            self._answer.set_result(self._context.run(self._call))
        except Cancelled:
            self._answer.set_exception(Cancelled())  # a new one, without the frames that hold the images
        except BaseException as error:
            self._answer.set_exception(error)
            self = None  # the error holds this frame: a cycle would keep the images until it is collected
        finally:
            _here.job = outer


class _Thread:
    """The thread, and the jobs that wait for it, least work first."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int, Job]] = []
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="compute")

    def add(self, job: Job) -> None:
        with self.lock:
            heapq.heappush(self.waiting, (job.work, next(_numbers), job))
        self.pool.submit(self.take)  # one turn for each job; a job that ran inside another leaves an empty turn

    def take(self, below: float = math.inf) -> bool:
        """Run the waiting job of least work if that is below the bound; return False if there is none."""
        with self.lock:
            if not self.waiting or self.waiting[0][0] >= below:
                return False
            _, _, job = heapq.heappop(self.waiting)
        job.run()
        return True


_thread = _Thread()


def _renew() -> None:
    """Start without jobs in a child of this process (a lent GPU has one): the thread did not come along."""
    global _thread
    _thread = _Thread()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def start(call: Callable[[], Any], work: int = 0) -> Job:
    """Have the thread run a call. Parameters as for `Job`."""
    return submit(Job(call, work))


def submit(job: Job) -> Job:
    """Have the thread run a job, at once if this is that thread; return the job."""
    if getattr(_here, "job", None) is None:
        _thread.add(job)
    else:  # a job that waited for another one would wait for ever
        job.run()
    return job


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
        if getattr(_here, "job", None) is not None:  # a part of the present job
            return function(*args, **kwargs)
        return start(functools.partial(function, *args, **kwargs)).result()

    return call


@contextlib.contextmanager
def giving_way() -> Iterator[None]:
    """Let the present job give way, and end if it is cancelled, before each PyTorch operation in this context.

    No lock may be held in it: the jobs that run meanwhile are in the same thread. Outside of a job it does nothing.
    """
    job: Job | None = getattr(_here, "job", None)
    if job is None:
        yield
    else:
        with _BeforeEach(functools.partial(_give_way, job)):
            yield


def report(share: float) -> None:
    """Say which share of the present job is finished, 0 to 1."""
    job: Job | None = getattr(_here, "job", None)
    if job is not None:
        job.share = share


class _BeforeEach(TorchFunctionMode):
    """A call before each operation; the mode is off meanwhile."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self.call = call

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.call()
        return func(*args, **(kwargs or {}))


def _give_way(job: Job) -> None:
    if job.cancelled:
        raise Cancelled
    # Those that wait now, not those that come meanwhile: the long job has a turn in between.
    for _ in range(len(_thread.waiting)):
        with torch.inference_mode(False):
            if not _thread.take(job.work):
                break
