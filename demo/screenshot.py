"""Screenshot of a tab of the page: `python -m demo.screenshot docs/demo-photo.png --tab Photo`."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from demo.page import build, launch_options
from denoise import cli

SHOWN = {
    "Compare": "#board img",
    "Film": "training-film",
    "Train": "#training-board",
    "Photo": "photo-viewer[data-shown]",
    "Benchmark": "score-chart .main-svg",
    "Blind test": "#blind button",
    "Learn": "pooling-lab",
}  # selector that is present once a tab has loaded
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-gpu-rasterization",  # which Debian enables
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def take(
    url: str,
    target: Path,
    *,
    tab: str = "Compare",
    width: int = 1280,
    height: int = 720,
    dark: bool = False,
) -> None:
    """Save a screenshot of a tab of the page at `url`, a PNG of `width` x `height` pixels.

    Raises
    ------
    ValueError
        As `browser_page`, or the page did not load.
    """
    with browser_page(width, height, dark=dark) as page:
        page.goto(url)
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(SHOWN[tab])
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        page.evaluate("scrollTo(0, 0)")  # a click on a tab may have scrolled the page
        page.screenshot(path=target)


@contextlib.contextmanager
def browser_page(width: int, height: int, *, dark: bool = False) -> Iterator[Any]:
    """Yield an empty page of a new browser.

    Raises
    ------
    ValueError
        Playwright or a Chromium is missing, or the browser failed.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise ValueError("playwright is missing: pip install playwright") from None
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=list(SWITCHES))
            scheme = "dark" if dark else "light"
            yield browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            browser.close()
    except Error as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"the browser failed, it needs Chromium (apt-get install chromium): {reason}"
        ) from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = cli.Parser(prog="python -m demo.screenshot", description=__doc__)
    parser.add_argument("target", type=Path, help="output file (.png)")
    parser.add_argument(
        "--tab",
        choices=list(SHOWN),
        default="Compare",
        help="tab of the page (default: %(default)s)",
    )
    parser.add_argument(
        "--width", type=int, default=1280, help="width in pixels (default: %(default)s)"
    )
    parser.add_argument(
        "--height", type=int, default=720, help="height in pixels (default: %(default)s)"
    )
    parser.add_argument(
        "--dark", action="store_true", help="use the dark color scheme (default: light)"
    )
    given = parser.parse_args(arguments)
    blocks = build()
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    try:
        take(
            url,
            given.target,
            tab=given.tab,
            width=given.width,
            height=given.height,
            dark=given.dark,
        )
    finally:
        blocks.close(verbose=False)


def _command(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and end the process at once.

    The page may still compute what nobody will see; a library would then abort the process.
    """
    main(arguments)
    os._exit(0)


if __name__ == "__main__":
    cli.run(_command)
