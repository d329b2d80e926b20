"""Many visitors at once: sliders moved at a human pace while one visitor denoises a photograph."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import numpy as np

PAUSE = (1.0, 3.0)  # seconds between a visitor's result and the next move of the slider
LONGEST = 60  # seconds of moves; a photograph that takes longer is then left
PATIENCE = 900  # seconds, limit for one result
COMPARE, UPLOADED = "compare", "upload"  # API name of Compare's event; event of the upload
OWN = f"{time.time_ns():x}"  # start of the session names


class Event(NamedTuple):
    """An event of the page: its number, and the present values of its inputs."""

    number: int
    inputs: list[dict[str, Any]]

    def values(self) -> list[Any]:
        """Return the values of the inputs, which a caller may change."""
        return [block["props"].get("value") for block in self.inputs]

    def place(self, kind: str) -> int:
        """Return the place of the first input of a component type."""
        return next(at for at, block in enumerate(self.inputs) if block["type"] == kind)


class Outcome(NamedTuple):
    """Seconds of each move of a slider; of the first progress and the end of the photograph.

    The end is None if the photograph was left before.
    """

    moves: list[float]
    busy: float
    photograph: float | None

    def report(self) -> dict[str, float | None]:
        """Return the figures under the names of the report."""
        p50, p95 = np.percentile(np.array(self.moves) * 1e3, [50, 95])
        return {
            "moves": len(self.moves),
            "move_ms_p50": round(p50),
            "move_ms_p95": round(p95),
            "move_ms_max": round(max(self.moves) * 1e3),
            "photograph_busy_sign_ms": round(self.busy * 1e3),
            "photograph_seconds": self.photograph and round(self.photograph, 1),
        }


def visit(url: str, count: int, image: str, photograph: str) -> Outcome:
    """Let `count` visitors use a page.

    One visitor denoises a photograph. Until its result, and for `LONGEST` at most, each other
    visitor moves Compare's slider at a human pace. Both files are paths of uploads.
    """
    config = httpx.get(f"{url}config", timeout=PATIENCE).raise_for_status().json()
    compare, arrived = _event(config, COMPARE), _uploading(config)
    ended = threading.Event()
    with ThreadPoolExecutor(count) as pool:
        moving = [pool.submit(_move, url, compare, image, seed, ended) for seed in range(1, count)]
        try:
            busy, seconds = _denoise(url, arrived, photograph)
        finally:
            ended.set()
        moves = [result for one in moving for result in one.result()]
    return Outcome(moves, busy, seconds)


def _move(url: str, event: Event, image: str, seed: int, ended: threading.Event) -> list[float]:
    """Move the slider until the end; return the seconds of each result."""
    rng, slider, times = np.random.default_rng(seed), event.place("slider"), []
    low, high = (event.inputs[slider]["props"][name] for name in ("minimum", "maximum"))
    session = f"{OWN}-{seed}"
    with httpx.Client(base_url=url, timeout=PATIENCE) as browser:
        while not ended.wait(rng.uniform(*PAUSE)):
            values = event.values()
            values[event.place("image")] = _file(image)
            values[slider] = round(rng.uniform(low, high), 2)
            began = time.perf_counter()
            for _ in _messages(browser, event.number, values, session):
                pass
            times.append(time.perf_counter() - began)
    return times


def _denoise(url: str, event: Event, photograph: str) -> tuple[float, float | None]:
    """Upload a photograph; return the seconds until the page shows progress, and until the end."""
    began, first = time.perf_counter(), None
    with httpx.Client(base_url=url, timeout=PATIENCE) as browser:
        for message in _messages(browser, event.number, [_file(photograph)], f"{OWN}-0"):
            passed = time.perf_counter() - began
            if first is None and message["msg"] == "process_generating":
                first = passed
            if first is not None and passed > LONGEST:
                return first, None  # the page ends the job of a visitor who is gone
    if first is None:
        raise ValueError("the page showed no progress of a photograph")
    return first, time.perf_counter() - began


def _messages(
    browser: httpx.Client, number: int, values: list[Any], session: str
) -> Iterator[dict[str, Any]]:
    """Send an event as a browser does; yield the messages of the server up to the last one.

    Raises
    ------
    ValueError
        The page rejected the event, or the event failed.
    """
    body = {"fn_index": number, "data": values, "session_hash": session}
    joined = browser.post("gradio_api/queue/join", json=body)
    if joined.is_error:
        raise ValueError(f"the page rejected an event: {joined.text[:200]}")
    query = {"session_hash": session}
    with browser.stream("GET", "gradio_api/queue/data", params=query) as answer:
        for line in answer.iter_lines():
            if not line.startswith("data:"):
                continue
            message = json.loads(line.removeprefix("data:"))
            yield message
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise ValueError(f"an event of the page failed: {str(message)[:200]}")
                return
    raise ValueError("the page ended a stream without a result")


def _event(config: dict[str, Any], name: str) -> Event:
    return _of(config, next(one for one in config["dependencies"] if one["api_name"] == name))


def _uploading(config: dict[str, Any]) -> Event:
    """Return the event that denoises an uploaded photograph: one input, the uploaded file."""
    photograph = _event(config, "clean").inputs[0]["id"]
    found = [
        one
        for one in config["dependencies"]
        if [photograph, UPLOADED] in [list(target) for target in one["targets"]]
        and one["inputs"] == [photograph]
    ]
    return _of(config, found[0])


def _of(config: dict[str, Any], dependency: dict[str, Any]) -> Event:
    blocks = {block["id"]: block for block in config["components"]}
    return Event(dependency["id"], [blocks[number] for number in dependency["inputs"]])


def _file(path: str) -> dict[str, object]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}
