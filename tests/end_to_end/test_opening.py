"""The first load of the page, and the signs of pending work, in a browser."""

# ruff: noqa: F401, F811  fixtures of another module

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest
from chromium import browser, opened
from PIL import Image
from served_page import SETTINGS, image, web

from demo import first_visit
from demo import page as built
from demo.compute import worker
from demo.widgets import first_load

pytestmark = pytest.mark.slow

ROOT = Path(built.__file__).parents[1]
DRAWN = "gradio-app #board figure"
MOST_REQUESTS, MOST_BYTES = 60, 600_000  # of the first load


@pytest.fixture(scope="module")
def blocks():
    made = built.build()
    made.launch(prevent_thread_lock=True, quiet=True, **built.launch_options())
    yield made
    made.close(verbose=False)


@pytest.fixture(scope="module")
def url(blocks):
    return blocks.local_url


@pytest.fixture
def held():
    """Keep the thread of the networks busy until the returned function is called."""
    go = threading.Event()
    job = worker.start(lambda: go.wait(60))
    yield go.set
    go.set()
    job.result()


def recorded(page):
    page.requests, page.sizes = first_visit.recorded(page)


def scripts(page):
    return {Path(path).name for path in page.requests.values() if path.endswith(".js")}


def test_the_first_load_is_small_and_has_no_code_of_closed_tabs(opened, blocks):
    page = opened(before=recorded, until=DRAWN)
    page.wait_for_load_state("networkidle")
    assert len(page.requests) <= MOST_REQUESTS
    assert sum(page.sizes.get(number, 0) for number in page.requests) <= MOST_BYTES
    drawn = first_load.types(blocks.config)
    later = set(first_load.files(frozenset({"gallery"}))) - set(first_load.files(drawn))
    later = {name for name in later if name.endswith(".js")}
    assert later
    assert not later & scripts(page)
    page.get_by_role("tab", name="Photo").click()
    page.wait_for_selector("#photographs img")
    assert later <= scripts(page)


def test_the_measured_first_load_is_that_of_a_browser_with_an_empty_cache(url):
    # A process of its own: Playwright runs once in each thread.
    line = "import sys; from demo import first_visit; print(*first_visit.measured(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", line, url], cwd=ROOT, capture_output=True, text=True, check=True
    )
    requests, kilobytes, result, controls = map(float, done.stdout.split())
    assert 20 < requests <= MOST_REQUESTS
    assert 100 < kilobytes <= MOST_BYTES / 1000
    assert result <= controls


def test_each_style_sheet_of_the_first_components_comes_in_one(opened, blocks):
    page = opened(before=recorded, until=DRAWN)
    loaded = {Path(path).name for path in page.requests.values() if path.endswith(".css")}
    drawn = first_load.types(blocks.config)
    assert Path(first_load.address(drawn)).name in loaded
    assert not loaded & set(first_load._styles(first_load.files(drawn)))


@pytest.fixture
def unscripted(browser, url):
    """Return a function that opens an address whose scripts of Gradio never come."""
    page = browser.new_page()
    page.route("**/assets/*.js", lambda route: None)

    def unscripted(query=""):
        page.goto(url + query, wait_until="commit")
        page.wait_for_selector("#opening h1")
        return page

    yield unscripted
    page.close()


def test_the_result_shows_before_any_script_of_gradio_has_come(unscripted):
    page = unscripted()
    page.wait_for_selector("#opening figure")
    assert " dB" in page.locator("#opening").inner_text()
    assert page.locator(DRAWN).count() == 0


def test_a_permalink_shows_no_other_result_first(unscripted):
    page = unscripted("?sigma=0.2")
    page.wait_for_selector("#opened", state="detached")
    assert page.locator("#opening figure").count() == 0


def test_the_first_view_gives_way_to_the_same_result_and_no_request_fails(opened):
    failed = []
    page = opened(
        before=lambda page: page.on(
            "response", lambda answer: answer.ok or failed.append(answer.url)
        ),
        until=DRAWN,
    )
    page.wait_for_function("() => !document.querySelector('#opening')")
    assert page.locator(DRAWN).first.is_visible()
    page.wait_for_load_state("networkidle")
    assert failed == []


def test_a_sample_is_chosen_by_its_button(opened):
    page = opened(until=DRAWN)
    page.locator("#samples button").last.press("Enter")
    page.get_by_text("Networks trained on notMNIST").wait_for()


def test_pending_work_is_told_with_the_number_of_requests_that_come_first(opened, held, web, image):
    first, late = opened(until=DRAWN), opened(until=DRAWN)
    assert first.locator("#busy").is_hidden()
    first.locator("input[type=range]").first.press("ArrowLeft")
    first.get_by_text("Computing…", exact=True).wait_for()
    for _ in range(built.AT_ONCE - 1):
        web.post("gradio_api/call/compare", json={"data": [image, *SETTINGS["compare"]]})
    late.locator("input[type=range]").first.press("ArrowLeft")
    late.get_by_text("Waiting: 1 request comes first.").wait_for()
    held()
    for page in (first, late):
        page.get_by_text("sigma 0.39").first.wait_for()
        page.locator("#busy").wait_for(state="hidden")


def test_a_photograph_is_cancelled_by_its_button(opened, held, tmp_path):
    Image.fromarray(np.full((48, 60), 90, np.uint8)).save(tmp_path / "mine.png")
    page = opened(until=DRAWN)
    page.get_by_role("tab", name="Photo").click()
    cancel = page.get_by_role("button", name="Cancel")
    page.locator("#photograph").get_by_role("button", name="Remove Image").click()
    page.get_by_text("Choose a sample or upload an image.").wait_for()
    page.locator("#photograph input[type=file]").set_input_files(tmp_path / "mine.png")
    page.get_by_text("Denoising your image").wait_for()
    cancel.click()
    page.get_by_text("Cancelled: nothing was denoised.").wait_for()
    assert cancel.is_hidden()
    held()
    worker.start(lambda: None, 2**40).result()
    assert "Cancelled" in page.locator("#status").inner_text()


def test_the_port_answers_during_the_imports_and_turns_into_the_page(browser, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(tmp_path)}
    started = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env={**os.environ, **places})
    try:
        address = f"http://127.0.0.1:{port}/"
        transport = httpx.HTTPTransport(retries=10)  # until the port is open
        with httpx.Client(transport=transport, timeout=60) as client:
            early = client.get(address)
            assert early.status_code == 200
            assert client.get(f"{address}gradio_api/app_id").status_code == 503
        page = browser.new_page()
        page.goto(address)
        assert page.locator("#opening figure").first.is_visible()
        page.wait_for_selector(DRAWN, timeout=120_000)
        page.close()
    finally:
        started.terminate()
        started.wait()
