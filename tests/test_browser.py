"""The page in a browser, as a visitor has it. Needs Playwright and a Chromium; `make browser` gets axe-core's rules."""

import functools
import io
import itertools

import numpy as np
import pytest
from chromium import SETTLED, browser, opened, violations  # noqa: F401  fixtures
from PIL import Image

from demo import page as built
from demo.screenshot import SHOWN


@pytest.fixture(scope="module")
def url():
    blocks = built.build()
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **built.launch_options())
    yield address
    blocks.close(verbose=False)


@pytest.fixture
def visit(opened):  # noqa: F811  a fixture
    """Open the page; returns it once its first result is there."""
    return functools.partial(opened, until="#board img")


def board(page):
    """The pictures and the words of the comparison."""
    return page.locator("#board img").evaluate_all("all => all.map(one => one.src)"), page.locator(
        "#board"
    ).inner_text()


def says(page, selector, text):
    """Wait until a part of the page has that text."""
    page.wait_for_function("([at, text]) => document.querySelector(at).innerText.includes(text)", arg=[selector, text])


def test_a_result_is_on_screen_before_any_click(visit):
    pictures, words = board(visit())
    assert len(pictures) == 5
    assert words.count("best") >= 1


def test_the_slider_moves_and_pictures_and_numbers_change_and_the_last_position_wins(visit):
    page = visit()
    pictures, words = board(page)
    slider = page.get_by_role("slider", name="Noise level sigma").first
    for _ in range(5):
        slider.press("ArrowRight")
    says(page, "#board", "sigma 0.45 ")
    page.wait_for_timeout(SETTLED)
    now, said = board(page)
    assert "sigma 0.45 " in said
    assert said != words
    assert now[0] == pictures[0]  # the clean one
    assert all(one != other for one, other in zip(now[1:], pictures[1:], strict=True))


def test_a_drawing_is_cleaned(visit):
    page = visit()
    before = board(page)
    page.get_by_role("tab", name="Draw").click()
    box = page.locator("#pad canvas").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 200, steps=8)
    page.mouse.up()
    page.wait_for_function("(was) => document.querySelector('#board img').src !== was", arg=before[0][0])


def test_an_upload_is_cleaned_and_what_is_none_is_refused_in_a_sentence(visit, tmp_path):
    page = visit()
    page.get_by_role("tab", name="Upload").click()
    Image.fromarray(np.tile(np.arange(40, dtype=np.uint8) * 6, (32, 1))).save(tmp_path / "ramp.png")
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "ramp.png")
    says(page, "#board", "40x32 pixels")
    (tmp_path / "none.png").write_text("no picture")
    page.locator("#picture").get_by_role("button", name="Remove Image").click()
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "none.png")
    page.get_by_text("This picture cannot be used").first.wait_for()


def test_a_photograph_has_a_line_between_before_and_after_that_keys_move(visit):
    page = visit()
    page.get_by_role("tab", name="Photo").click()
    line = page.get_by_role("slider", name="Where the noisy picture ends")
    line.press("ArrowRight")
    assert line.input_value() == "51"
    clip = "getComputedStyle(document.querySelector('#wipe .before')).clipPath"
    page.wait_for_function(f"() => {clip} === 'inset(0px 49% 0px 0px)'")
    page.get_by_label("Clean a noisy picture").check()
    page.wait_for_function("() => !document.querySelector('#wipe').innerText.includes('PSNR')")


def test_a_row_of_the_benchmark_is_loaded_into_compare(visit):
    page = visit()
    page.get_by_role("tab", name="Benchmark").click()
    page.locator("#scores").get_by_text("Non-local means").first.click()
    says(page, "#board", "sigma 0.1 ")
    assert page.get_by_role("tab", name="Compare").get_attribute("aria-selected") == "true"


@pytest.mark.parametrize(
    ("slider", "at", "said"),
    [
        ("Sample", "#lesson-autoencoder", "of the 128 channels"),
        ("Factor", "#lesson-upsampling", "9x9"),
        ("Kernel", "#lesson-transposed", "4 stamps: even"),
    ],
)
def test_a_lesson_changes_with_its_control(visit, slider, at, said):
    page = visit()
    page.get_by_role("tab", name="Learn").click()
    page.get_by_role("slider", name=slider).first.press("ArrowRight")
    says(page, at, said)


def test_the_tabs_are_reached_by_keys(visit):
    page = visit()
    page.get_by_role("tab", name="Compare").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Photo"
    page.keyboard.press("Enter")
    page.wait_for_selector("#wipe img")
    assert page.get_by_role("tab", name="Photo").get_attribute("aria-selected") == "true"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_tab_breaks_a_rule_of_axe_runs_over_the_side_or_asks_another_machine(visit, scheme, width):
    page = visit(width, scheme)
    for tab, selector in SHOWN.items():
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(selector)
        page.wait_for_timeout(SETTLED)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert not page.went_out
        assert not violations(page), tab


PANELS = """() => {
  const seen = (one) => one.checkVisibility() && one.getBoundingClientRect().width > 1 && one.offsetHeight > 1;
  const panels = [...document.querySelectorAll("[role=tabpanel] .block, [role=tabpanel] figure")].filter(seen);
  return panels.map((one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    const within = panels.map((other, i) => [other, i]).filter(([other]) => other !== one && other.contains(one));
    return { name: one.id || one.innerText.slice(0, 40) || one.className, x: x + scrollX, y: y + scrollY, width, height,
      within: within.map(([other, i]) => i) };
  });
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_no_panel_is_empty_or_lies_over_another(visit, width):
    page = visit(width)
    for tab, selector in SHOWN.items():
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(selector)
        page.wait_for_timeout(SETTLED)
        page.evaluate("scrollTo(0, 0)")
        panels = page.evaluate(PANELS)
        assert len(panels) >= 4, tab
        seen = np.asarray(Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("L"))
        for panel in panels:
            top, left = round(panel["y"]), round(panel["x"])
            inner = seen[top + 4 : top + round(panel["height"]) - 4, left + 4 : left + round(panel["width"]) - 4]
            assert inner.size == 0 or inner.min() < inner.max(), f"{tab}: nothing in {panel['name']!r}"
        for (i, one), (j, other) in itertools.combinations(enumerate(panels), 2):
            if i not in other["within"] and j not in one["within"]:
                assert min(_shared(one, other, "x", "width"), _shared(one, other, "y", "height")) <= 1, (
                    f"{tab}: {one['name']!r} and {other['name']!r} overlap"
                )


def _shared(one, other, at, size):
    """How many pixels of one direction two panels have in common."""
    return min(one[at] + one[size], other[at] + other[size]) - max(one[at], other[at])
