"""Executor that distributes cells over a Ray cluster, and retries a cell whose worker died.

No folder is shared. A worker executes a cell in its own temporary folder and returns the bytes of
the files. The driver alone writes to the results, each file atomically. This design has three
advantages:

- Nodes need no common file system, whose locks and renames differ from one kind to the next.
- Files left by a dead node cannot reach the results, even if the cluster only believes the node to
  be dead.
- Ray executes a cell again if its node dies before the bytes arrive.

The price: a repeated cell starts from scratch, not from its last checkpoint. That costs minutes,
because the networks are small. The driver holds the lock of every submitted cell, so other runs may
work in the same folder.

Every node needs this code at the same commit, and the data (`--data-root` or $DENOISE_DATA, as on
this machine).
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import logging
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import filelock

from bench import provenance
from bench.sweep import work
from bench.sweep.executors import WAIT
from bench.sweep.grid import Network
from bench.sweep.run_folder import Store
from bench.sweep.work import Cell, Job
from denoise.files.atomic import whole_file

log = logging.getLogger("bench")
# for a cell whose worker or node died; an error raised by the cell itself is not retried
RETRIES = 3
GPU_SHARE = 0.25  # of a GPU per network: the grid's networks are far from filling one
# cells submitted per CPU, so that no CPU waits for the driver; more cells would only hold locks
QUEUED = 2
REACH = 10.0  # seconds for the head node to accept a connection

# by path relative to the folder of results, in the order in which the files are written
Files = dict[str, bytes]


def cluster(cells: Sequence[Cell], job: Job, address: str | None = None) -> Iterator[Cell]:
    """Execute `cells` on a Ray cluster; retry the cells that another run holds.

    If the cluster has GPUs, every network is trained on a GPU and none on a CPU: a table has one
    kind of device.

    Parameters
    ----------
    cells : sequence of Cell
    job : Job
    address : str, optional
        HOST:PORT of the head node. The default is $RAY_ADDRESS, else a cluster on this machine,
        else a new one.

    Raises
    ------
    ValueError
        Ray is not installed, the address cannot be reached, a cell fails, or its workers died more
        than `RETRIES` times. Finished work is kept.
    """
    ray = _connected(address)
    try:
        with contextlib.closing(_Driver(ray, cells, job)) as driver:
            yield from driver.done()
    finally:
        ray.shutdown()


class _Driver:
    """Queue of waiting cells, and the cells submitted to the cluster, each with its lock."""

    def __init__(self, ray: Any, cells: Sequence[Cell], job: Job) -> None:
        self.ray, self.job, self.waiting = ray, job, list(cells)
        self.store = Store(job.folder, job.recipe)
        self.out: dict[Any, tuple[Cell, filelock.FileLock]] = {}
        self.gpus = GPU_SHARE if ray.cluster_resources().get("GPU") else 0
        # SPREAD: by default Ray fills one node before it uses the next.
        self.remote = ray.remote(num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD")(
            make_cell
        )
        self.code, self.enough = _code_version(), True

    def done(self) -> Iterator[Cell]:
        """Yield each cell when its files are on this machine."""
        while self.waiting or self.out:
            yield from self._send()
            if self.out:
                ended, _ = self.ray.wait(list(self.out), timeout=WAIT)
                for task in ended:
                    yield self._receive(task)
            elif self.waiting:
                time.sleep(WAIT)  # another run holds all remaining cells

    def _send(self) -> Iterator[Cell]:
        """Submit as many cells as there is room for; yield cells that another run has finished."""
        room = QUEUED * max(1, self._cpus()) - len(self.out)
        held = []
        while self.waiting and room > 0:
            cell = self.waiting.pop(0)
            lock = self.store.lock(cell.name)
            try:
                lock.acquire(blocking=False)
            except filelock.Timeout:
                held.append(cell)
                continue
            if work.is_done(cell, self.job):
                lock.release()
                yield cell
                continue
            remote = self.remote.options(
                num_gpus=self.gpus if isinstance(cell, Network) else 0, name=cell.name
            )
            self.out[remote.remote(cell, self.job, _read(cell, self.job), self.code)] = (cell, lock)
            room -= 1
        self.waiting += held

    def _cpus(self) -> int:
        resources = self.ray.cluster_resources()
        enough = bool(resources.get("CPU")) and (not self.gpus or bool(resources.get("GPU")))
        if self.enough and not enough:
            log.warning("no node of the Ray cluster can execute a cell: waiting for a node")
        self.enough = enough
        return int(resources.get("CPU", 0))

    def _receive(self, task: Any) -> Cell:
        cell, _ = self.out[task]
        errors = self.ray.exceptions
        try:
            made = self.ray.get(task)
        except errors.RayTaskError as error:
            if isinstance(error.cause, (ValueError, OSError)):
                raise ValueError(f"{cell.name}: {error.cause}") from error
            raise
        except errors.RayError as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{cell.name}: failed after {RETRIES} retries ({reason}); finished cells are kept"
            ) from error
        _put(made, self.job)
        # from an earlier training here, now finished
        work.checkpoint(cell, self.job).unlink(missing_ok=True)
        self.out.pop(task)[1].release()
        return cell

    def close(self) -> None:
        """Cancel every submitted cell and release its lock."""
        for task, (_, lock) in self.out.items():
            self.ray.cancel(task, force=True)
            lock.release()
        self.out.clear()


def make_cell(cell: Cell, job: Job, held: Files, code: dict[str, str | None]) -> Files:
    """Execute one cell on the machine that runs this function.

    Parameters
    ----------
    cell, job
        Arguments of `work.run`; the folder of `job` is not changed.
    held : dict of bytes
        Existing files of the cell.
    code : dict
        Versions of the code at the driver; a worker with other versions raises ValueError.

    Returns
    -------
    dict of bytes
        New or changed files of the cell.
    """
    if code != _code_version():
        raise ValueError(
            f"node {socket.gethostname()} has other code ({_code_version()}) than this machine "
            f"({code})"
        )
    with tempfile.TemporaryDirectory(prefix="denoise-grid-") as folder:
        here = dataclasses.replace(job, folder=Path(folder))
        _put(held, here)
        work.run(cell, here)
        return {
            path: content
            for path, content in _read(cell, here).items()
            if held.get(path) != content
        }


def _read(cell: Cell, job: Job) -> Files:
    paths = [path for path in [*work.files(cell, job), work.checkpoint(cell, job)] if path.exists()]
    return {path.relative_to(job.folder).as_posix(): path.read_bytes() for path in paths}


def _put(files: Files, job: Job) -> None:
    for path, content in files.items():
        with whole_file(job.folder / path) as partial:
            partial.write_bytes(content)


def _code_version() -> dict[str, str | None]:
    facts = provenance.describe()
    # Results under version control make a clean checkout dirty when they arrive.
    commit = facts["commit"] and facts["commit"].removesuffix("-dirty")
    return {"commit": commit, "denoise": facts["denoise"], "protocol": facts["protocol"]}


def _connected(address: str | None) -> Any:
    """Import Ray, reduce its logging, connect, and return the module."""
    # Ray reads these variables at import.
    # otherwise its log ends twice
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "Raylet is terminated")
    # otherwise a warning for each task without GPUs
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise ValueError("--engine ray needs Ray: pip install '.[ray]'") from error
    address = address or os.environ.get("RAY_ADDRESS")
    _reach(address)
    try:
        ray.init(address, logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"no Ray cluster at {address or 'this machine'}: {reason}") from error
    return ray


def _reach(address: str | None) -> None:
    """Check the address with a short timeout; Ray itself reports a failure after minutes."""
    host, colon, port = (address or "").rpartition(":")
    if address is None or not colon or "/" in address:
        return  # a name that Ray knows, such as "auto"
    try:
        socket.create_connection((host, int(port)), REACH).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ValueError(
            f"no Ray cluster at {address}: {error}; valid: HOST:PORT of the head node"
        ) from error
