"""Latency and throughput of the page, for one user and several: `python -m demo.load`."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from demo import first_visit, visitors
from demo.compute import parts, results
from denoise import cli
from denoise.files.atomic import whole_file
from denoise.hardware import processor

ROOT = Path(__file__).parents[1]
SIDES = (28, 256)  # pixels a side of the images in Compare
BOMB_SIDE = 13_000  # pixels a side of an image that is rejected before decoding
PATIENCE = 120  # seconds until the page must respond
MEGAPIXELS = (1, 4, 16)  # megapixels of the photographs to denoise
VISITED_MEGAPIXELS = 4  # megapixels of the photograph that one of many visitors denoises
PHOTOGRAPH_WITHIN = 900  # seconds, limit for the largest photograph
SAMPLED = 0.05  # seconds between two samples of the memory
SETTINGS = ["gaussian", True, 0.4]  # noise, clipped, sigma


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    given = _parser().parse_args(arguments)
    if min(given.calls, given.users, *given.megapixels) < 1:
        raise ValueError("--calls, --users and --megapixels must be at least 1")
    if given.visitors is not None and given.visitors < 2:
        raise ValueError("--visitors must be at least 2")
    measured: dict[str, object] = {"processor": processor(), "cores": os.cpu_count()}
    with _page() as (url, began, page):
        measured["first_byte_s"] = round(time.perf_counter() - began, 2)
        _wait(f"{url}gradio_api/app_id", page, began)
        measured["ready_s"] = round(time.perf_counter() - began, 2)
        _asker(url)(_uploaded(url, SIDES[0], 0), 0)
        measured["first_result_s"] = round(time.perf_counter() - began, 2)
        if given.browser:
            measured["first_load"] = first_visit.measured(url)._asdict()
        if given.visitors:
            measured[f"{given.visitors}_visitors"] = _visited(url, given.visitors)
        if given.browser or given.visitors:
            _tell(measured, given.out)
            return
        for side in SIDES:
            for users in sorted({1, given.users}):
                key = f"compare_{side}_{users}_users" if users > 1 else f"compare_{side}_alone"
                measured[key] = _asked(url, side, users, given.calls)
        measured["bomb_refused_ms_p50"] = _refused(url, given.calls)
        measured["kept_mb_by_1000_calls"] = _kept(url, page.pid, given.calls)
        for size in given.megapixels:
            measured[f"photograph_{size}_megapixels"] = _cleaned(url, page.pid, size)
    _tell(measured, given.out)


def _tell(measured: dict[str, object], out: Path | None) -> None:
    text = json.dumps(measured, indent=2)
    print(text)
    if out:
        with whole_file(out) as partial:
            partial.write_text(text + "\n")


def _visited(url: str, count: int) -> dict[str, float | None]:
    """Measure a page with many visitors, once the network for photographs is loaded."""
    side = round((VISITED_MEGAPIXELS * 1e6) ** 0.5)
    photograph, small = _uploaded(url, side, 0, noise=25), _uploaded(url, SIDES[1], 0, noise=25)
    with httpx.Client(base_url=url, timeout=PHOTOGRAPH_WITHIN) as connection:
        _called(connection, "clean", [_file(small), "clean", "photograph", 0, 0, parts.ALL])
    return visitors.visit(url, count, _uploaded(url, SIDES[0], 0), photograph).report()


@contextlib.contextmanager
def _page() -> Iterator[tuple[str, float, subprocess.Popen[bytes]]]:
    """Start the page in its own process.

    Yield its address, start time and process as soon as it responds.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    began = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
        page = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            try:
                _wait(url, page, began)
                yield url, began, page
            except _NotStarted:
                log.seek(0)
                lines = log.read().decode().strip().splitlines() or ["its log is empty"]
                raise ValueError(f"the page did not start: {lines[-1]}") from None
        finally:
            page.terminate()
            page.wait()


class _NotStarted(Exception):
    pass


def _wait(url: str, page: subprocess.Popen[bytes], began: float) -> None:
    while not _answers(url):
        if page.poll() is not None or time.perf_counter() - began > PATIENCE:
            raise _NotStarted
        time.sleep(0.02)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).is_success
    except httpx.TransportError:
        return False


def _asked(url: str, side: int, users: int, calls: int) -> dict[str, float]:
    """Measure latency in ms and requests per second of `users` users, `calls` calls each."""
    paths = [_uploaded(url, side, user) for user in range(users)]
    asks = [_asker(url) for _ in range(users)]
    for ask, path in zip(asks, paths, strict=True):
        ask(path, 0)  # connects, and prepares the kernels for this size
    began = time.perf_counter()
    with ThreadPoolExecutor(users) as pool:
        times = list(
            pool.map(
                lambda user: [asks[user](paths[user], call) for call in range(calls)], range(users)
            )
        )
    seconds = time.perf_counter() - began
    p50, p95 = np.percentile(np.concatenate(times) * 1e3, [50, 95])
    return {
        "ms_p50": round(p50, 1),
        "ms_p95": round(p95, 1),
        "answers_per_s": round(users * calls / seconds, 2),
    }


def _uploaded(url: str, side: int, seed: int, noise: int = 0) -> str:
    """Upload a smooth image with noise of sigma `noise` (0-255); return its path on the server."""
    buffer, rng = io.BytesIO(), np.random.default_rng(seed)
    smooth = Image.fromarray(rng.integers(0, 256, (side // 4, side // 4), dtype=np.uint8)).resize(
        (side, side)
    )
    if noise:
        noisy = np.asarray(smooth, np.float32) + noise * rng.standard_normal(
            (side, side), np.float32
        )
        smooth = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
    smooth.save(buffer, "png")
    return _sent(url, buffer.getvalue())


def _sent(url: str, content: bytes) -> str:
    files = {"files": ("image.png", content, "image/png")}
    return (
        httpx.post(f"{url}gradio_api/upload", files=files, timeout=60).raise_for_status().json()[0]
    )


def _refused(url: str, calls: int) -> float:
    """Measure the median time in milliseconds until a small file of a huge image is rejected."""
    buffer = io.BytesIO()
    Image.new("1", (BOMB_SIDE, BOMB_SIDE)).save(buffer, "png")
    path, ask = _sent(url, buffer.getvalue()), _asker(url, "error")
    return round(float(np.median([ask(path, call) for call in range(calls)])) * 1e3, 1)


def _kept(url: str, page: int, calls: int) -> float:
    """Measure the memory growth of the page in MB over 1,000 comparisons, each by a new visitor."""
    path = _uploaded(url, SIDES[0], 0)

    def visit(call: int) -> None:
        with httpx.Client(base_url=url, timeout=PATIENCE) as connection:
            _answer(connection, path, call)

    for call in range(calls):  # fills the bounded caches
        visit(call)
    before = _resident(page)
    for call in range(1000):
        visit(call)
    return round(_resident(page) - before, 1)


def _cleaned(url: str, page: int, megapixels: int) -> dict[str, float]:
    """Measure one photograph's seconds, the page's memory (MB), and comparisons meanwhile.

    Memory is read before, at the peak and after.
    """
    side, path, small = round((megapixels * 1e6) ** 0.5), _uploaded(url, SIDES[0], 0), _asker(url)
    photograph = _uploaded(url, side, 0, noise=25)
    resident = [_resident(page)]
    times: list[float] = []
    ended = threading.Event()

    def clean() -> float:
        began = time.perf_counter()
        with httpx.Client(base_url=url, timeout=PHOTOGRAPH_WITHIN) as connection:
            _called(
                connection, "clean", [_file(photograph), "clean", "photograph", 0, 0, parts.ALL]
            )
        return time.perf_counter() - began

    def look() -> None:
        while not ended.wait(SAMPLED):
            resident.append(_resident(page))

    with ThreadPoolExecutor(2) as pool:
        looking, cleaning = pool.submit(look), pool.submit(clean)
        while not cleaning.done():
            times.append(small(path, len(times)))
        ended.set()
        looking.result()
        seconds = cleaning.result()
    p50, p95 = np.percentile(np.array(times) * 1e3, [50, 95])
    return {
        "seconds": round(seconds, 1),
        "before_mb": round(resident[0]),
        "peak_mb": round(max(resident)),
        "after_mb": round(_resident(page)),
        "compare_28_ms_p50": round(p50, 1),
        "compare_28_ms_p95": round(p95, 1),
    }


def _resident(page: int) -> float:
    """Return the resident memory in MB of a process and its descendants on Linux.

    Return NaN on other systems.
    """
    if not Path("/proc/self/status").exists():
        return float("nan")
    total, left = 0.0, [page]
    while left:
        process = Path("/proc", str(left.pop()))
        # a process that has ended meanwhile
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            status = process.joinpath("status").read_text()
            total += (
                sum(
                    int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")
                )
                / 1024
            )
            for task in process.joinpath("task").iterdir():
                left += map(int, task.joinpath("children").read_text().split())
    return total


def _asker(url: str, event: str = "complete") -> Callable[[str, int], float]:
    """Return a function that makes timed requests over one open connection, like a browser."""
    connection = httpx.Client(base_url=url, timeout=60)

    def ask(path: str, seed: int) -> float:
        """Return the seconds from a request to its complete response."""
        began = time.perf_counter()
        _answer(connection, path, seed, event)
        return time.perf_counter() - began

    return ask


def _answer(connection: httpx.Client, path: str, seed: int, event: str = "complete") -> str:
    """Return the response to one comparison request as text.

    Raise ValueError if the event is not `event`.
    """
    return _called(
        connection,
        "compare",
        [_file(path), *SETTINGS, seed, "mnist", results.every_arm(), "pictures"],
        event,
    )


def _called(
    connection: httpx.Client, name: str, data: list[object], event: str = "complete"
) -> str:
    """Call a function of the page and return the response as text.

    Raise ValueError if the event is not `event`.
    """
    call = connection.post(f"gradio_api/call/{name}", json={"data": data})
    if call.is_error:
        raise ValueError(f"the page rejected a call of {name}: {call.text[:200]}")
    answer = connection.get(f"gradio_api/call/{name}/{call.json()['event_id']}").text
    last = answer.rpartition("event: ")[2]
    if not last.startswith(event):
        raise ValueError(f"the page sent no event {event!r}: {last[:200]}")
    return answer


def _file(path: str) -> dict[str, object]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="python -m demo.load", description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=50, help="calls of each user (default: %(default)s)"
    )
    parser.add_argument(
        "--users", type=int, default=4, help="number of simultaneous users (default: %(default)s)"
    )
    sizes = ", ".join(map(str, MEGAPIXELS))
    parser.add_argument(
        "--megapixels",
        type=int,
        nargs="*",
        default=MEGAPIXELS,
        help=f"sizes of photographs in megapixels (default: {sizes})",
    )
    parser.add_argument(
        "--visitors",
        type=int,
        help="measure only visitors who move the slider, while one denoises "
        f"{VISITED_MEGAPIXELS} megapixels (default: none)",
    )
    parser.add_argument(
        "--browser",
        action="store_true",
        help="measure only the first load in Chromium (needs playwright)",
    )
    parser.add_argument("--out", type=Path, help="output file (.json; default: none)")
    return parser


if __name__ == "__main__":
    cli.run(main)
