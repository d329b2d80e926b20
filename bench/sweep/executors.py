"""Executors of cells: this process, or several processes on this machine.

An executor is a function `(cells, job) -> iterator` that yields each finished cell, in any order.
`bench.sweep.ray_executor` is the executor for a Ray cluster.
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

from bench.sweep import work
from bench.sweep.work import Cell, Job
from denoise.train.stopping import Stopped

WAIT = 2.0  # seconds until the next try of a cell that another run holds
GRACE = 30.0  # seconds for a worker's last step and checkpoint


def here(cells: Sequence[Cell], job: Job) -> Iterator[Cell]:
    """Execute the cells one by one in this process; retry the cells that another run holds."""
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
    """Execute the cells in several processes that share the CPU threads.

    A small network does not fill several threads.

    Raises
    ------
    ValueError
        A worker was killed. Finished work is kept, and the same command resumes from there.
    Stopped
        SIGTERM arrived; every worker has received it too.
    """
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor(workers, context, _begin, (threads, os.getpid()))
    with _stoppable(), pool:
        waiting = {pool.submit(_work, cell, job): cell for cell in cells}
        try:
            while waiting:
                ended, _ = concurrent.futures.wait(
                    waiting, return_when=concurrent.futures.FIRST_COMPLETED
                )
                for future in ended:
                    cell = waiting.pop(future)
                    if future.result():
                        yield cell
                    else:
                        time.sleep(WAIT)
                        waiting[pool.submit(_work, cell, job)] = cell
        except BrokenProcessPool as error:
            raise ValueError("a worker was killed; the same command resumes from there") from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Terminate the workers on SIGTERM, then raise `Stopped` in this process.

    A process that SIGTERM kills directly would leave its workers and the semaphores of its pool
    behind. Ctrl-C needs no handler: a terminal sends it to the workers too. The second SIGTERM ends
    this process at once.
    """
    # Python allows handlers in the main thread only
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, before)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise Stopped("stopped; the same command resumes from there", number)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _work(cell: Cell, job: Job) -> bool:
    """Call `work.run`; exit if stopped, because the pool would otherwise send the next cell."""
    try:
        return work.run(cell, job)
    except KeyboardInterrupt:  # training has written its checkpoint by now
        os._exit(130)


def _begin(threads: int, parent: int) -> None:
    """Set the number of threads of a new worker, and end the worker if its parent dies."""
    torch.set_num_threads(threads)

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(WAIT)
        # training ends with a checkpoint, everything else at once
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        # safe in the middle of a cell: files are written atomically, and the lock ends with the
        # process
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
