"""The first load of the page in Chromium, as `python -m demo.load --browser` measures it."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from demo.screenshot import browser_page

RESULT, CONTROLS = "figure img", "gradio-app input[type=range]"
AFTER = 3000  # milliseconds for requests that follow the controls


class FirstVisit(NamedTuple):
    """Requests and bytes on the wire of a first load; seconds to the result and to the controls."""

    requests: int
    kilobytes: float
    result_s: float
    controls_s: float


def measured(url: str) -> FirstVisit:
    """Open a page with an empty cache.

    Raises
    ------
    ValueError
        As `demo.screenshot.browser_page`.
    """
    with browser_page(1280, 720) as page:
        return _visit(page, url)


def _visit(page: Any, url: str) -> FirstVisit:
    asked, sizes = recorded(page)
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector(RESULT)
    result = time.perf_counter() - began
    page.wait_for_selector(CONTROLS)
    controls = time.perf_counter() - began
    page.wait_for_timeout(AFTER)
    size = sum(sizes.get(number, 0) for number in asked) / 1000
    return FirstVisit(len(asked), round(size, 1), round(result, 2), round(controls, 2))


def recorded(page: Any) -> tuple[dict[str, str], dict[str, float]]:
    """Record the requests of a page from now on.

    Return their addresses, and their bytes on the wire once they have ended, both by number.
    """
    session = page.context.new_cdp_session(page)
    asked: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.send("Network.enable")

    def send(event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            asked[event["requestId"]] = event["request"]["url"]

    def end(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = event["encodedDataLength"]

    session.on("Network.requestWillBeSent", send)
    session.on("Network.loadingFinished", end)
    return asked, sizes
