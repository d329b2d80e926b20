"""The Train tab in a browser: one real training, and scripted ones for all else.

The tests need Playwright and a Chromium; `make browser` downloads axe-core's rules.
"""

# ruff: noqa: F401, F811  fixtures of another module

import base64
import json
import sys
import zipfile

import pytest
from chromium import SCREENS, SETTLED, browser, opened, violations
from served_page import blocks, url

import denoise
from demo.compute import race
from demo.tabs import train_events

pytestmark = pytest.mark.slow

PATIENCE = 120_000  # milliseconds for a training on a busy machine
IMAGE = {"pixels": base64.b64encode(bytes(range(196)) * 4).decode(), "psnr": 15.5}
DONE = {
    "end": "stopped",
    "scores": [20.5, 20.0],
    "counts": [155, 40],
    "archive": False,
    "commands": ["python -m denoise.train", "python -m denoise.train --decoder transposed_k3"],
}
SCRIPT = f"""
import json, select, sys
sys.stdin.readline()
for number in range(1, 10_000):
    print(json.dumps({{"images": 100 * number, "seconds": number / 4, "noisy_psnr": 11,
        "psnr": [20 - 9 / number, 20.1 - 10 / number], "outputs": [{IMAGE}, {IMAGE}]}}), flush=True)
    if select.select([sys.stdin], [], [], 0.25)[0]:
        break
print(json.dumps({DONE}))
"""


@pytest.fixture
def scripted(monkeypatch):
    """Replace the training process by one that sends points until it is stopped."""
    monkeypatch.setattr(race, "COMMAND", (sys.executable, "-c", SCRIPT))


@pytest.fixture
def visit(opened):
    """Return a function that opens the Train tab."""

    def visit(**options):
        page = opened(until="#board img", **options)
        page.get_by_role("tab", name="Train").click()
        page.wait_for_selector("#training-board canvas")
        return page

    return visit


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def waits_for(page, part, text):
    page.locator(f"#training-board {part}").get_by_text(text).wait_for(timeout=PATIENCE)


def waits_for_images(page, count):
    """Wait until the board shows a point after at least that many images."""
    page.wait_for_function(
        """(count) => {
          const found = document.querySelector("#training-board .lead").innerText.match(/[\\d,]+/);
          return found && Number(found[0].replace(",", "")) >= count;
        }""",
        arg=count,
        timeout=PATIENCE,
    )


def canvas(page, name):
    return page.locator(f"#training-board .{name} canvas").evaluate("one => one.toDataURL()")


def test_a_real_training_ends_with_networks_that_load(visit, tmp_path):
    page = visit()
    seconds = page.get_by_role("spinbutton", name="Seconds")
    seconds.fill("10")
    seconds.press("Tab")
    press(page, "Train")
    waits_for(page, ".lead", "After ")
    first = canvas(page, "first")
    waits_for(page, ".said", "Done after ")
    assert canvas(page, "first") != first
    assert "--dataset glyphs" in page.locator("#training-board pre").inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download both networks").or_(
            page.get_by_role("button", name="Download both networks")
        ).first.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(tmp_path)
    for name in ("nearest", "transposed_k3"):
        assert denoise.load(tmp_path / f"{name}.safetensors").card["settings"]["decoder"] == name


def test_curves_grow_and_a_stop_ends_the_training_with_its_sentence(visit, scripted):
    page = visit()
    press(page, "Train")
    waits_for_images(page, 300)
    assert page.get_by_role("button", name="Train", exact=True).is_disabled()
    curve = page.locator("#training-board polyline.first")
    before = len(curve.get_attribute("points").split())
    waits_for_images(page, 100 * before + 200)
    assert len(curve.get_attribute("points").split()) > before
    assert page.locator("#training-board rect").count() > before  # the differences
    press(page, "Stop")
    waits_for(page, ".said", "without the cooldown")
    assert page.get_by_role("button", name="Train", exact=True).is_enabled()


def test_others_see_that_they_wait_and_a_visitor_who_leaves_makes_room(visit, scripted):
    first, second = visit(), visit()
    press(first, "Train")
    waits_for(first, ".lead", "After ")
    press(second, "Train")
    waits_for(second, ".line", "1 training is before yours")
    first.close()
    waits_for(second, ".lead", "After ")
    assert len(train_events._latest) == 1
    press(second, "Stop")
    waits_for(second, ".said", "Stopped")


def test_the_same_decoder_twice_is_refused_in_a_sentence(visit):
    page = visit()
    page.get_by_role("listbox", name="Second decoder").or_(
        page.get_by_label("Second decoder")
    ).first.click()
    page.get_by_role("option", name="Upsampling nearest + conv 3x3").click()
    press(page, "Train")
    page.get_by_text("Both decoders are the same").filter(visible=True).first.wait_for()
    waits_for(page, ".line", "Nothing was trained")


def test_a_drawing_is_added_and_removed(visit):
    page = visit()
    page.get_by_role("button", name="Draw your own images").click()
    box = page.locator("#training-pad canvas").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 200, steps=8)
    page.mouse.up()
    page.wait_for_timeout(300)
    press(page, "Add this drawing")
    page.get_by_text("1 drawing, each shifted").wait_for()
    page.wait_for_function("document.querySelector('input[value=drawings]').checked")
    press(page, "Remove drawing 1")
    page.get_by_text("No drawing yet.").wait_for()
    page.wait_for_function("!document.querySelector('input[value=drawings]').checked")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_the_tab_passes_axe_and_fits_during_and_after_a_training(visit, scripted, width, scheme):
    page = visit(width=width, scheme=scheme)
    press(page, "Train")
    waits_for(page, ".lead", "After ")
    page.wait_for_timeout(SETTLED)  # the button that was pressed changes its color
    assert not violations(page)
    press(page, "Stop")
    waits_for(page, ".said", "Stopped")
    page.wait_for_timeout(SETTLED)
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not page.went_out
