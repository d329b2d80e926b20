"""Loop of a worker process: one job per line on stdin, one result per line on stdout."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Call = Callable[[], Any]
Job = tuple[Call, int, str]  # call that is timed, images per call, description of its settings
WARM = 3  # untimed calls before the first: they prepare kernels and allocate memory


def serve(systems: dict[str, Callable[..., Job]], version: Callable[[str], str]) -> None:
    """Serve requests until the input ends.

    Parameters
    ----------
    systems : dict
        Builders by name. A builder takes the options of a job; it returns a call, the number of
        images per call, and a short description of its settings (number format, layout).
    version : callable
        Returns the version of the software behind a system.

    A request holds a job (`system` and its options) and the `seconds` to spend on it, at least one
    call. A response holds the `seconds` of each call, its `pictures` (images per call), `ran` (the
    settings), and the `version`; or an `error`.
    """
    responses = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # prints of libraries go to stderr, away from the responses
    ready: dict[str, Job] = {}
    for line in sys.stdin:
        request = json.loads(line)
        job, key = request["job"], json.dumps(request["job"], sort_keys=True)
        try:
            if key not in ready:
                ready[key] = systems[job["system"]](
                    **{name: value for name, value in job.items() if name != "system"}
                )
                for _ in range(WARM):
                    ready[key][0]()
            call, pictures, ran = ready[key]
            seconds = _timed(call, request["seconds"])
            response = {"seconds": seconds, "pictures": pictures, "ran": ran}
            response["version"] = version(job["system"])
        except Exception as error:  # a library error is a response, and the next job runs
            response = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(response), file=responses, flush=True)


def _timed(call: Call, seconds: float) -> list[float]:
    """Return the seconds of each call, without the first unless it is the only one.

    The first call finds the CPU's caches as another system's turn left them. A single call is
    counted if it is that long.
    """
    found: list[float] = []
    end = time.perf_counter() + seconds
    while not found or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return found[1:] or found
