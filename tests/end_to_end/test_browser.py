"""The page in a browser.

The tests need Playwright and a Chromium; `make browser` downloads axe-core's rules.
"""

# ruff: noqa: F401, F811  fixtures of another module

import functools
import io
import itertools
import re
import threading

import numpy as np
import pytest
from chromium import SCREENS, SETTLED, browser, opened, violations
from PIL import Image

from demo import page as built
from demo.compute import worker
from demo.compute.answers import FIRST_ARMS
from demo.screenshot import SHOWN
from demo.widgets.head import TITLE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url():
    blocks = built.build()
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **built.launch_options())
    yield address
    blocks.close(verbose=False)


@pytest.fixture
def visit(opened):
    """Return a function that opens the page and returns it once its first result is there."""

    def visit(*where, **options):
        return opened(*where, until="draw-strip", **options)

    return visit


def board(page):
    """Return the image addresses and the text of the comparison."""
    return page.locator("#board img").evaluate_all("all => all.map(one => one.src)"), page.locator(
        "#board"
    ).inner_text()


def says(page, selector, text):
    """Wait until a part of the page contains that text."""
    page.wait_for_function(
        "([at, text]) => document.querySelector(at)?.innerText.includes(text)", arg=[selector, text]
    )


def test_a_result_is_on_screen_before_any_click(visit):
    page = visit()
    pictures, _ = board(page)
    assert len(pictures) == len(FIRST_ARMS) + 2
    assert page.title() == TITLE


def test_many_draws_of_the_noise_tell_which_decoder_leads_and_follow_the_settings(visit):
    page = visit()
    strip = page.locator("#draws draw-strip")
    strip.get_by_text("This noise, drawn 200 times").wait_for()
    assert strip.locator("tbody tr").count() == len(FIRST_ARMS)
    wins = strip.locator("tbody td:nth-of-type(3)").all_inner_texts()
    shares = [int(text.removesuffix(" %")) for text in wins if text != "ceiling"]
    assert sum(shares) == pytest.approx(100, abs=2)
    assert wins[-1] == "ceiling"
    verdict = strip.get_by_role("status")
    assert re.match("No decoder leads on this image|On this image, ", verdict.inner_text())
    page.get_by_label("U-Net").uncheck()
    page.wait_for_function(
        """() => document.querySelector("draw-strip").shadowRoot
          .querySelectorAll("tbody tr").length === 4"""
    )
    for arm in ("Transposed conv 3x3", "Transposed conv 4x4", "Upsampling bilinear + conv 3x3"):
        page.get_by_label(arm, exact=True).uncheck()
    page.get_by_label("Total variation").check()
    says(page, "#board", "Total variation")
    page.wait_for_function(
        """() => document.querySelector("draw-strip").shadowRoot
          .querySelectorAll("tbody tr").length === 1"""
    )
    assert verdict.inner_text() == ""  # one decoder leads nobody


def test_a_lead_in_the_draws_counts_only_if_it_matters_and_is_confirmed(visit):
    page = visit()
    found = page.evaluate(
        """() => {
          const strip = customElements.get("draw-strip"), about = { decoder: true };
          const pair = (leads) => strip.summary([
            { ...about, label: "one", psnr: leads.map(() => 20) },
            { ...about, label: "two", psnr: leads.map((lead) => 20 + lead) }]);
          return [[0.3, 0.3, 0.4, 0.2], [0.05, 0.04, 0.06, 0.05], [2, -1.6, 2, -1.6]]
            .map((leads) => strip.verdict(pair(leads), 0.1));
        }"""
    )
    assert found[0] == (
        "On this image, two leads one by 0.30 dB on average, and in 100 % of 4 draws of this noise."
    )
    assert "0.05 dB apart. Below 0.1 dB" in found[1]
    assert "4 draws of this noise do not confirm the 0.20 dB between two and one" in found[2]


def test_every_image_shows_the_region_under_the_pointer_with_the_clean_outline(visit):
    page = visit()
    images = page.locator("#board .enlarge img")
    images.nth(1).hover(position={"x": 60, "y": 60})
    page.wait_for_function(
        "(count) => document.querySelectorAll('#board .lens').length === count",
        arg=images.count(),
    )
    colored = """(canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) count += data[i] - data[i + 2] > 100;
      return count;
    }"""
    lenses = page.locator("#board .lens")
    # every lens has the same orange outline, the only color on gray images
    outlines = {lenses.nth(place).evaluate(colored) for place in range(images.count())}
    assert min(outlines) > 50
    page.mouse.move(5, 5)
    page.wait_for_function("() => document.querySelectorAll('#board .lens').length === 0")
    page.locator("#board .enlarge").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#board .lens")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelectorAll('#board .lens').length === 0")


def typed(page, field, text):
    """Type into a number field; return its displayed text."""
    field.click()
    field.press("Control+a")
    if text:
        field.press_sequentially(text)
    else:
        field.press("Delete")
    return field.input_value()


def test_what_is_typed_is_clamped_at_once_and_the_board_follows(visit):
    page = visit()
    level = page.get_by_label("number input for Noise level sigma, in units")
    assert typed(page, level, "0.9") == "0.6"
    says(page, "#board", "sigma 0.6 ")
    assert typed(page, level, "-1") == "0"
    says(page, "#board", "sigma 0 ")
    assert typed(page, level, "0.25") == "0.25"
    says(page, "#board", "sigma 0.25 ")
    seed = page.get_by_label("Seed").first
    assert typed(page, seed, "1e30") == str(2**53 - 1)
    says(page, "#board", f"seed {2**53 - 1}.")
    assert typed(page, seed, "2.6") == "3"
    says(page, "#board", "seed 3.")
    page.get_by_role("tab", name="Learn").click()
    factor = page.get_by_label("number input for Factor")
    assert typed(page, factor, "9") == "4"
    says(page, "#lesson-upsampling", "12x12")
    assert typed(page, factor, "1") == "1"  # it may become 12, and is clamped on leaving the field
    factor.press("Enter")
    assert factor.input_value() == "2"
    says(page, "#lesson-upsampling", "6x6")
    assert not page.locator(".toast-body").count()


def test_an_emptied_field_changes_nothing_and_shows_its_number_again_when_it_is_left(visit):
    page = visit()
    for name, number in (("number input for Noise level sigma, in units", "0.4"), ("Seed", "0")):
        field = page.get_by_label(name).first
        assert typed(page, field, "") == ""
        page.wait_for_timeout(SETTLED)
        assert "sigma 0.4 (102 on the 0-255 scale), clipped, seed 0." in board(page)[1]
        field.press("Tab")
        assert field.input_value() == number
    assert not page.locator(".toast-body").count()


def test_the_last_decoder_stays_ticked(visit):
    page = visit()
    boxes = page.locator(".keep-one input")
    ticked = [index for index in range(boxes.count()) if boxes.nth(index).is_checked()]
    assert len(ticked) == len(FIRST_ARMS)
    for index in ticked:
        boxes.nth(index).click()
    assert [boxes.nth(index).is_checked() for index in ticked] == [False] * 4 + [True]
    page.wait_for_function("() => document.querySelectorAll('#board img').length === 3")
    boxes.nth(0).click()
    page.wait_for_function("() => document.querySelectorAll('#board img').length === 4")
    assert not page.locator(".toast-body").count()


def test_a_new_error_takes_the_place_of_the_one_before(visit, url, tmp_path):
    page = visit()
    page.goto(f"{url}?sigma=loud")
    message = page.locator(".toast-message-item:visible")
    page.get_by_text("Sigma in the link: 'loud' is not a number").wait_for()
    page.wait_for_selector("#board img")  # an invalid link does not block the first result
    page.get_by_role("tab", name="Upload").click()
    page.locator("#picture").get_by_role("button", name="Remove Image").click()
    (tmp_path / "none.png").write_text("no image")
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "none.png")
    page.get_by_text("This image cannot be used").filter(visible=True).first.wait_for()
    assert message.count() == 1
    assert "This image cannot be used" in message.inner_text()


COLORS = """(element) => {
  const style = getComputedStyle(element);
  let behind = element.parentElement;
  while (/, 0\\)|transparent/.test(getComputedStyle(behind).backgroundColor))
    behind = behind.parentElement;
  return {
    outline: style.outlineColor, line: style.outlineStyle,
    width: parseFloat(style.outlineWidth),
    own: style.backgroundColor, behind: getComputedStyle(behind).backgroundColor,
  };
}"""


def contrast(one, other):
    """Return the WCAG contrast of two colors."""

    def luminance(color):
        parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return np.dot(linear, (0.2126, 0.7152, 0.0722))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_of_the_keyboard_and_a_checked_radio_under_the_pointer_are_seen(visit, scheme):
    page = visit(scheme=scheme)
    slider = page.get_by_role("slider", name="Noise level sigma").first
    slider.focus()
    for element in (slider, page.get_by_role("radio", name="Images")):
        page.keyboard.press("ArrowRight") if element is slider else element.focus()
        page.wait_for_timeout(SETTLED)
        assert element.evaluate("(element) => element === document.activeElement")
        colors = element.evaluate(COLORS)
        assert colors["line"] == "solid"
        assert colors["width"] >= 2
        assert contrast(colors["outline"], colors["behind"]) >= 3
    radio = page.get_by_role("radio", name="MNIST digits", exact=True)
    radio.hover()
    page.wait_for_timeout(SETTLED)
    colors = radio.evaluate(COLORS)
    assert contrast(colors["own"], colors["behind"]) >= 3
    assert (
        radio.evaluate("(radio) => getComputedStyle(radio, '::after').backgroundColor")
        == "rgb(255, 255, 255)"
    )


def test_the_label_of_the_level_follows_the_noise(visit):
    page = visit()
    page.get_by_label("Noise", exact=True).click()
    page.get_by_role("option", name="Salt and pepper").click()
    page.get_by_text("Noise level: share of pixels replaced").wait_for()
    says(page, "#board", "level 0.4 (share of pixels replaced)")


def test_a_photograph_in_compare_is_opened_in_photo_by_a_button_or_compared_by_another(
    visit, tmp_path
):
    page = visit()
    page.get_by_role("tab", name="Upload").click()
    shades = np.add.outer(np.arange(90), np.arange(120)).astype(np.uint8)
    Image.fromarray(np.stack([shades, shades // 2, 255 - shades], 2)).save(tmp_path / "photo.png")
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "photo.png")
    page.get_by_text("This looks like a photograph.").wait_for()
    assert not page.locator("#board img").count()
    page.get_by_role("button", name="Compare it anyway").click()
    says(page, "#board", "120x90 pixels")
    page.get_by_role("button", name="Open it in Photo").click()
    says(page, "#status", "120x90 pixels, network photo-color")
    assert page.get_by_role("tab", name="Photo").get_attribute("aria-selected") == "true"
    assert page.get_by_label("Denoise as is").is_checked()


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
    assert now[0] == pictures[0]  # the clean image
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
    page.wait_for_function(
        "(was) => document.querySelector('#board img').src !== was", arg=before[0][0]
    )


def test_an_upload_is_cleaned_and_what_is_none_is_refused_in_a_sentence(visit, tmp_path):
    page = visit()
    page.get_by_role("tab", name="Upload").click()
    Image.fromarray(np.tile(np.arange(40, dtype=np.uint8) * 6, (32, 1))).save(tmp_path / "ramp.png")
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "ramp.png")
    says(page, "#board", "40x32 pixels")
    (tmp_path / "none.png").write_text("no picture")
    page.locator("#picture").get_by_role("button", name="Remove Image").click()
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "none.png")
    page.get_by_text("This image cannot be used").filter(visible=True).first.wait_for()


def at_line(page, percent):
    """Wait until every dividing line is at that position, both on screen and for screen readers."""
    page.wait_for_function(
        """(wanted) => {
          const handle = (one) => one.shadowRoot.querySelector("[role=slider]");
          const clip = (one) => getComputedStyle(one.querySelector(".before")).clipPath;
          const lines = [...document.querySelectorAll("before-after")]
            .filter((one) => one.checkVisibility());
          return lines.length && lines.every((one) => handle(one).ariaValueNow === `${wanted}` &&
            clip(one) === `inset(0px ${100 - wanted}% 0px 0px)`);
        }""",
        arg=percent,
    )


def drag(page, locator, start, end):
    """Press the mouse on an image, move and release.

    `start` and `end` are fractions of the image's width.
    """
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    middle = box["y"] + box["height"] / 4
    page.mouse.move(box["x"] + start * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], middle + 3, steps=4)
    page.mouse.up()


def test_a_photograph_has_a_line_between_before_and_after_that_drags_and_keys_move(visit):
    page = visit()
    page.get_by_role("tab", name="Photo").click()
    page.wait_for_selector("photo-viewer[data-shown]")
    line = page.get_by_role("slider", name="Dividing line between input and output")

    def at(percent):
        line.and_(page.locator(f"[aria-valuenow='{percent}']")).wait_for()

    at(50)
    image = page.locator("photo-viewer .stage")
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    left, wide = page.evaluate(
        "(({ x, width, scale }) => [x, width * scale])(document.querySelector('photo-viewer'))"
    )
    page.mouse.move(box["x"] + left + 0.5 * wide, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + left + 0.25 * wide, box["y"] + 103, steps=4)
    page.mouse.up()
    at(25)
    assert page.evaluate("String(getSelection())") == ""
    for key, percent in (
        ("ArrowRight", 26),
        ("PageUp", 36),
        ("ArrowDown", 35),
        ("End", 100),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        at(percent)


def test_the_line_is_dragged_in_compare_and_where_it_is_enlarged_and_stays_when_the_noise_changes(
    visit,
):
    page = visit()
    page.get_by_label("Before / after").check()
    drag(page, page.locator("#board before-after").first, 0.5, 0.25)
    at_line(page, 25)
    assert page.locator("dialog").count() == 0
    page.get_by_role("slider", name="Noise level sigma").first.press("ArrowRight")
    says(page, "#board", "sigma 0.41 ")
    at_line(page, 25)
    page.get_by_role("button", name="Enlarge").nth(2).click()
    drag(page, page.locator("dialog before-after"), 0.1, 0.75)
    at_line(page, 75)
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('dialog')")


@pytest.fixture
def upload(tmp_path):
    """Return a function that uploads a noisy image of 60x48 pixels to the Photo tab."""
    noisy = np.random.default_rng(0).integers(0, 256, (48, 60), dtype=np.uint8)
    Image.fromarray(noisy).save(tmp_path / "mine.png")

    def upload(page):
        page.locator("#photograph").get_by_role("button", name="Remove Image").click()
        says(page, "#wipe", "Choose a sample or upload an image.")
        page.locator("#photograph input[type=file]").set_input_files(tmp_path / "mine.png")

    return upload


def test_an_upload_after_the_sample_of_a_page_is_cleaned_as_a_photograph_and_gets_no_noise(
    visit, upload
):
    page = visit()
    page.get_by_role("tab", name="Photo").click()
    says(page, "#status", "Noise of sigma 25 was added to the sample, then removed.")
    page.locator("#photographs button").nth(3).click()
    says(page, "#status", "The sample, denoised as a scanned page with stains.")
    assert page.get_by_label("Scanned page with stains").first.is_checked()
    upload(page)
    says(page, "#status", "Your image, denoised blind.")
    says(page, "#status", "60x48 pixels, network photo-gray")
    assert page.get_by_label("Photograph", exact=True).first.is_checked()
    assert page.get_by_label("Denoise as is").first.is_checked()


def test_while_an_image_is_cleaned_the_page_says_so_and_offers_no_file(visit, upload):
    page, download = visit(), "Download the output"
    page.get_by_role("tab", name="Photo").click()
    page.wait_for_selector("photo-viewer[data-shown]")
    go = threading.Event()
    busy = worker.start(lambda: go.wait(60))  # keeps the thread busy
    try:
        upload(page)
        says(page, "#status", "Denoising your image…")
        assert "Choose" not in page.locator("#wipe").inner_text()
        # only the image itself, without a result beside it
        assert page.locator("#wipe img").count() == 1
        assert page.get_by_role("button", name=download).is_disabled()
    finally:
        go.set()
        busy.result()
    says(page, "#status", "Your image, denoised")
    with page.expect_download() as file:
        page.get_by_role("button", name=download).click()
    with Image.open(file.value.path()) as clean:
        assert clean.size == (60, 48)


@pytest.mark.parametrize(
    ("slider", "at", "said"),
    [
        ("Sample", "#lesson-autoencoder", "of the 32 channels"),
        ("Factor", "#lesson-upsampling", "9x9"),
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
    assert page.evaluate("document.activeElement.innerText") == "Film"
    page.keyboard.press("Enter")
    page.wait_for_selector(SHOWN["Film"])
    assert page.get_by_role("tab", name="Film").get_attribute("aria-selected") == "true"


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_no_tab_breaks_a_rule_of_axe_runs_over_the_side_or_asks_another_machine(
    visit, scheme, width
):
    page = visit(width, scheme)
    for tab, selector in SHOWN.items():
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(selector)
        page.wait_for_timeout(SETTLED)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert not page.went_out
        assert not violations(page), tab


def test_nothing_that_the_page_does_is_against_its_policy(visit, tmp_path):
    complaints = []

    def listen(page):
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if message.type == "error" else None,
        )

    page = visit(1400, before=listen)
    for tab, selector in SHOWN.items():
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(selector)
        page.wait_for_timeout(SETTLED)
    page.get_by_role("slider", name="Factor").first.press("ArrowRight")
    says(page, "#lesson-upsampling", "9x9")
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("tab", name="Upload").click()
    Image.new("L", (40, 32), 90).save(tmp_path / "gray.png")
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "gray.png")
    says(page, "#board", "40x32 pixels")
    assert complaints == []
    assert not page.went_out


@pytest.mark.parametrize(
    ("site", "shown"), [("https://huggingface.co/", True), ("https://evil.example/", False)]
)
def test_the_page_may_be_shown_within_a_space_and_within_no_other_site(browser, url, site, shown):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    framed = f'<iframe src="{url}" width="1300" height="800"></iframe>'
    page.route(site, lambda route: route.fulfill(content_type="text/html", body=framed))
    refused = []
    page.on("requestfailed", lambda asked: refused.append((asked.url, asked.failure)))
    page.goto(site)
    frame = page.frames[1]
    if shown:
        frame.get_by_role("slider", name="Noise level sigma").first.press("ArrowRight")
        frame.wait_for_function(
            "() => document.querySelector('#board').innerText.includes('sigma 0.41 ')"
        )
    else:
        assert (url, "net::ERR_BLOCKED_BY_RESPONSE") in refused
    page.close()


def test_a_link_puts_no_html_into_the_page(visit, url):
    page = visit()
    page.goto(f"{url}?noise=<img src=x><b>bold</b>&sigma=0.2")
    box = page.get_by_test_id("toast-text")
    box.wait_for()
    assert "'<img src=x><b>bold</b>'" in box.inner_text()
    assert page.locator("[data-testid=toast-text] :is(img, b)").count() == 0


PANELS = """() => {
  const seen = (one) => one.checkVisibility() && one.getBoundingClientRect().width > 1
    && one.offsetHeight > 1;
  const blocks = "[role=tabpanel] .block, [role=tabpanel] figure";
  const panels = [...document.querySelectorAll(blocks)].filter(seen);
  return panels.map((one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    const name = one.id || one.innerText.slice(0, 40) || one.className;
    const within = panels.flatMap((other, i) => other !== one && other.contains(one) ? [i] : []);
    return { name, x: x + scrollX, y: y + scrollY, width, height, within };
  });
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_no_panel_is_empty_or_lies_over_another(visit, width):
    page = visit(width)
    for tab, selector in SHOWN.items():
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector(selector)
        page.wait_for_load_state("networkidle")  # the code of each component comes when needed
        page.wait_for_timeout(SETTLED)
        page.evaluate("scrollTo(0, 0)")
        panels = page.evaluate(PANELS)
        assert len(panels) >= 2, tab
        seen = np.asarray(Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("L"))
        for panel in panels:
            top, left = round(panel["y"]), round(panel["x"])
            inner = seen[
                top + 4 : top + round(panel["height"]) - 4,
                left + 4 : left + round(panel["width"]) - 4,
            ]
            assert inner.size == 0 or inner.min() < inner.max(), (
                f"{tab}: nothing in {panel['name']!r}"
            )
        for (i, one), (j, other) in itertools.combinations(enumerate(panels), 2):
            if i not in other["within"] and j not in one["within"]:
                assert (
                    min(_shared(one, other, "x", "width"), _shared(one, other, "y", "height")) <= 1
                ), f"{tab}: {one['name']!r} and {other['name']!r} overlap"


def _shared(one, other, at, size):
    """Count the pixels that two panels share in one direction."""
    return min(one[at] + one[size], other[at] + other[size]) - max(one[at], other[at])
