"""What a revision of this project changed in speed: it has turns with the revision before it, on the same machine.

So a change that was tried has its figure, whether it was kept or taken back.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from bench.markdown import piped
from bench.systems import NETWORKS, ROOT, SYSTEMS, Process, kind, words

RUN = ("bench", "denoise", ":!bench/results", ":!denoise/pretrained")  # what a process of a revision needs of it
LEVEL = 0.95
SECONDS = 0.1  # of a turn: shorter than others' work on a shared machine mostly lasts


def git(*words: str) -> bytes:
    """What git says of this project's history.

    Raises
    ------
    ValueError
        It says no, as where there is no history.
    """
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout
    except OSError as error:
        raise ValueError(f"git cannot be run: {error}") from None
    except subprocess.CalledProcessError as error:
        raise ValueError(f"git {words[0]}: {error.stderr.decode().strip()}") from None


def named(revision: str) -> str:
    """The hash of a commit; raises ValueError where there is none of that name."""
    try:
        return git("rev-parse", "--verify", "--short=12", f"{revision}^{{commit}}").decode().strip()
    except ValueError:
        raise ValueError(f"no commit {revision} in the history of {ROOT}; valid: what `git log` lists") from None


def is_kept(revision: str) -> bool:
    """Whether no later revision says that it reverts this one."""
    whole = git("rev-parse", revision).decode().strip()
    return not git("log", "--format=%h", "--fixed-strings", f"--grep=This reverts commit {whole}")


def rows(revision: str, system: str, network: str, batch: int, threads: int, rounds: int) -> Iterator[dict[str, Any]]:
    """A row a round: a call of a system as a revision has it, and as the revision before has it.

    Parameters
    ----------
    revision : str
        A commit of this project with one before it.
    system, network : str
        Of `bench.systems`; a system of the project's own.
    batch, threads, rounds : int

    Raises
    ------
    ValueError
        git does not have the revision, or its code cannot be timed.
    """
    pair = named(revision), named(f"{revision}^")
    what = git("show", "-s", "--format=%s", pair[0]).decode().strip()
    facts = {"revision": pair[0], "before": pair[1], "what": what, "kept": is_kept(pair[0])}
    facts |= {"system": system, "network": network, "batch": batch}
    job = {"system": system, "architecture": json.dumps(NETWORKS[network]), "shape": (1, 28, 28), "device": "cpu"}
    job |= {"batch": batch, "threads": threads}
    with tempfile.TemporaryDirectory() as folder:
        running = {name: Process(words(*kind(system)), unpacked(name, Path(folder) / name)) for name in pair}
        try:
            for number in tqdm(range(rounds), desc=pair[0], unit=" rounds", disable=None):
                order = pair if number % 2 else pair[::-1]  # who comes second finds the machine as the first left it
                ms = {name: _turn(running[name], name, job) for name in order}
                yield facts | {"round": number, "ms_p50": ms[pair[0]], "before_ms_p50": ms[pair[1]]}
        finally:
            for process in running.values():
                process.close()


def _turn(process: Process, name: str, job: dict[str, Any]) -> float:
    """Milliseconds of the median call of a turn."""
    turn = process.ask(job, SECONDS)
    if turn.error:
        raise ValueError(f"revision {name} cannot be timed: {turn.error}")
    return float(np.median(turn.seconds)) * 1e3


def unpacked(revision: str, folder: Path) -> Path:
    """The code of a revision, put into `folder`."""
    archive = git("archive", "--format=tar", revision, "--", *RUN)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def text(frame: pd.DataFrame) -> str:
    """What the README says of a run."""
    parts = []
    for (system, network, batch), found in frame.groupby(["system", "network", "batch"], sort=False):
        ratios = (found.ms_p50 / found.before_ms_p50).groupby(found.revision).median()
        slowest_first = ratios.sort_values(ascending=False).index
        table = pd.DataFrame([_line(found[found.revision == revision]) for revision in slowest_first])
        parts.append(
            f"**Changes that were tried** for {SYSTEMS[system].label.split(': ')[-1]} ({network}, {batch} pictures): "
            "the time of a call with the change as a share of that without it, which had turns with it (median of the "
            f"rounds' ratios and its {100 * LEVEL:.0f} % interval), by `python -m bench revisions`. What was taken "
            "back is in the history still."
        )
        parts.append(piped(table))
    return "\n\n".join(parts) + "\n"


def _line(rows: pd.DataFrame) -> dict[str, str]:
    first, ratios = rows.iloc[0], rows.ms_p50 / rows.before_ms_p50
    low, high = median_interval(ratios)
    return {
        "Change": first.what.removeprefix("Tried: "),
        "Revision": f"`{first.revision}`",
        "Time of a call": f"{ratios.median():.3f} [{low:.3f}, {high:.3f}]",
        "Rounds": str(len(rows)),
        "Now": "kept" if first.kept else "taken back",
    }


def median_interval(values: pd.Series) -> tuple[float, float]:
    """The interval of a median by order statistics, which asks nothing of the distribution."""
    interval = stats.quantile_test(values, q=0, p=0.5).confidence_interval(LEVEL)
    return float(interval.low), float(interval.high)
