"""The loop of a process that is told on standard input what to time, and answers on standard output, a line each."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Call = Callable[[], Any]
Job = tuple[Call, int, str]  # what is timed, the pictures of a call, how they are run
WARM = 3  # calls before the first that counts: kernels are prepared, memory is found


def serve(systems: dict[str, Callable[..., Job]], version: Callable[[str], str]) -> None:
    """Answer until the input ends.

    Parameters
    ----------
    systems : dict
        By name: builds, from the options of a job, a call, the number of pictures that it works on, and in a few words
        how it runs them (number format, layout).
    version : callable
        The version of the program behind a system.

    A request is a job (`system` and its options) and the `seconds` to spend on it, at least one call. An answer has the
    `seconds` of each call, its `pictures`, and the `version`; or an `error`.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    ready: dict[str, Job] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        job, key = asked["job"], json.dumps(asked["job"], sort_keys=True)
        try:
            if key not in ready:
                ready[key] = systems[job["system"]](**{name: value for name, value in job.items() if name != "system"})
                for _ in range(WARM):
                    ready[key][0]()
            call, pictures, ran = ready[key]
            answer = {"seconds": _timed(call, asked["seconds"]), "pictures": pictures, "ran": ran}
            answer["version"] = version(job["system"])
        except Exception as error:  # whatever a library raises is for the table to say, and the others go on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def _timed(call: Call, seconds: float) -> list[float]:
    """Seconds of each call. The first, which finds the processor's caches as another system's turn left them, does not
    count, unless it is so long that no other follows."""
    found: list[float] = []
    end = time.perf_counter() + seconds
    while not found or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return found[1:] or found
