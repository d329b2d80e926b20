"""Browser for tests of pages: Playwright with an installed Chromium, and axe-core's rules."""

import shutil
from pathlib import Path

import pytest

from demo.screenshot import BROWSERS, SWITCHES

AXE = Path(__file__).parents[2] / ".venv" / "axe.min.js"
SETTLED = 500  # milliseconds
SCREENS = ((1400, "light"), (390, "dark"))
"""Widths in pixels, and color schemes, in which every view is checked."""
# sites may frame loopback
FRAMES = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=[*SWITCHES, FRAMES])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, url):
    """Return a function that opens `url`, after `before(page)`, and waits for a selector.

    The page's `went_out` lists requests to other hosts.
    """
    pages = []

    def opened(width=1280, scheme="light", before=lambda page: None, until="body"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        page.went_out = []
        page.on("request", lambda asked: _note(page.went_out, asked.url, url))
        before(page)
        page.goto(url)
        page.wait_for_selector(until)
        return page

    yield opened
    for page in pages:
        page.close()


def _note(seen, asked, url):
    if not asked.startswith((url, "data:", "blob:")):
        seen.append(asked)


def violations(page):
    """Return violations of axe-core: pairs of rule and element.

    Skip the test if the rules are missing.
    """
    if not AXE.is_file():
        pytest.skip(f"no axe-core at {AXE}: make browser")
    page.evaluate(AXE.read_text())
    return [
        (rule["id"], rule["nodes"][0]["html"]) for rule in page.evaluate("axe.run()")["violations"]
    ]
