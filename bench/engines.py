"""Where cells are worked off: in this process, or in several on this machine (`bench.ray_engine`: on a Ray cluster).

An engine is a function `(cells, job) -> iterator`: it yields each cell when it is done, in any order.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import FrameType

import torch

from bench import work
from bench.work import Cell, Job
from denoise.stopping import Stopped

WAIT = 2.0  # seconds before another look at a cell that another run holds
GRACE = 30.0  # seconds for a worker's last step and checkpoint


def here(cells: Sequence[Cell], job: Job) -> Iterator[Cell]:
    """One cell after the other in this process; those that another run holds are looked at again at the end."""
    waiting = list(cells)
    while waiting:
        held = []
        for cell in waiting:
            if work.run(cell, job):
                yield cell
            else:
                held.append(cell)
        if len(held) == len(waiting):
            time.sleep(WAIT)
        waiting = held


def processes(cells: Sequence[Cell], job: Job, workers: int) -> Iterator[Cell]:
    """Several processes that share the processor's threads: small networks do not fill more than one thread.

    Raises
    ------
    ValueError
        A worker was killed; what was done is kept, and the same command goes on from there.
    Stopped
        SIGTERM asked for the end; every worker has been asked as well.
    """
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(workers, context, _begin, (threads, os.getpid()))
    with _stoppable(), pool:
        waiting = {pool.submit(_work, cell, job): cell for cell in cells}
        try:
            while waiting:
                ended, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in ended:
                    cell = waiting.pop(future)
                    if future.result():
                        yield cell
                    else:
                        time.sleep(WAIT)
                        waiting[pool.submit(_work, cell, job)] = cell
        except BrokenProcessPool as error:
            raise ValueError("a worker was killed; start the same command again, and it goes on from there") from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _stoppable() -> Iterator[None]:
    """End the workers on SIGTERM, then raise `Stopped` here.

    A process that dies of the signal itself would leave its workers and the semaphores of its pool behind. Ctrl-C needs
    nothing: a terminal sends it to the workers as well. The second signal ends this process at once.
    """
    if threading.current_thread() is not threading.main_thread():  # Python takes handlers from no other
        yield
        return
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, before)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise Stopped("stopped: the same command goes on from there", number)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _work(cell: Cell, job: Job) -> bool:
    """Run `work.run`. A worker that is stopped ends: else the pool would give it the next cell."""
    try:
        return work.run(cell, job)
    except KeyboardInterrupt:  # a training has written its checkpoint by now
        os._exit(130)


def _begin(threads: int, parent: int) -> None:
    """In a new worker: take this many threads, and end when the parent does, even one that was killed."""
    torch.set_num_threads(threads)

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(WAIT)
        os.kill(os.getpid(), signal.SIGTERM)  # a training ends with a checkpoint, anything else at once
        time.sleep(GRACE)
        os._exit(1)  # in the middle of a cell: what is written is whole, the lock goes with the process

    threading.Thread(target=follow, daemon=True).start()
