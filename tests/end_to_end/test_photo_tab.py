"""The Photo tab in a browser: one viewer for both images, its strength, and large photographs.

The tests need Playwright and a Chromium; `make browser` downloads axe-core's rules.
"""

# ruff: noqa: F401, F811  fixtures of another module

import numpy as np
import pytest
from chromium import SCREENS, SETTLED, browser, opened, violations
from PIL import Image
from served_page import blocks, url

from demo.compute import photographs
from denoise.inference.camera import Restored

pytestmark = pytest.mark.slow

SHOWN = "photo-viewer[data-shown]"
FIRST_RESULT = 120_000  # milliseconds; the network runs while the page warms up
VIEW = """() => {
  const { scale, x, y, at, width, height, fitted } = document.querySelector("photo-viewer");
  return { scale, x, y, at, width, height, fitted };
}"""
PIXELS = """() => document.querySelector("photo-viewer").layers.map((layer) => {
  const context = layer.naturalWidth
    ? PhotoViewer.context(layer.naturalWidth, layer.naturalHeight)
    : PhotoViewer.context(layer.width, layer.height);
  context.drawImage(layer, 0, 0);
  const { data } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
  return [...data.filter((_, i) => i % 4 === 0)];
})"""


@pytest.fixture
def photo(opened):
    """Return a function that opens the Photo tab and waits for its first result."""

    def photo(**options):
        page = opened(**options)
        page.get_by_role("tab", name="Photo").click()
        page.wait_for_selector(SHOWN, timeout=FIRST_RESULT)
        return page

    return photo


def view(page):
    page.wait_for_function("!document.querySelector('photo-viewer').waiting")
    return page.evaluate(VIEW)


def stage(page):
    page.locator("photo-viewer .stage").scroll_into_view_if_needed()
    box = page.locator("photo-viewer .stage").bounding_box()
    page.wait_for_timeout(SETTLED)  # the wheel zooms once the page does not scroll
    return box


def says(page, text):
    page.wait_for_function(
        "(text) => document.querySelector('#status')?.innerText.includes(text)", arg=text
    )


def test_zoom_by_wheel_buttons_and_keys_keeps_its_point_and_stops_at_100_percent(photo):
    page = photo(width=1280)
    box = stage(page)
    fit = view(page)["scale"]
    spot = np.array([box["width"] / 2 + 100, 120])
    before = view(page)
    page.mouse.move(box["x"] + spot[0], box["y"] + spot[1])
    page.mouse.wheel(0, -400)
    page.wait_for_function(f"document.querySelector('photo-viewer').scale > {fit * 1.5}")
    after = view(page)
    pixel = [(spot - [one["x"], one["y"]]) / one["scale"] for one in (before, after)]
    assert np.abs(pixel[0] - pixel[1]).max() <= 0.5  # the pixel under the pointer stays there
    page.get_by_role("button", name="Fit").click()
    assert view(page)["scale"] == fit
    page.get_by_role("button", name="Zoom in").click()
    assert view(page)["scale"] == pytest.approx(fit * 1.5)
    page.get_by_role("button", name="100 %").click()
    assert view(page)["scale"] == 1
    page.locator("photo-viewer .stage").focus()
    for key, scale in (("+", 1.5), ("+", 2.25), ("-", 1.5), ("1", 1), ("0", fit)):
        page.keyboard.press(key)
        assert view(page)["scale"] == pytest.approx(scale)


def test_a_wheel_that_scrolls_the_page_does_not_zoom_the_image_that_comes_below_it(photo):
    page = photo(width=1280)
    box = stage(page)
    scales = page.evaluate(
        """([x, y]) => {
          const viewer = document.querySelector("photo-viewer"), before = viewer.scale;
          dispatchEvent(new Event("scroll"));
          viewer.stage.dispatchEvent(new WheelEvent("wheel",
            { deltaY: -400, clientX: x, clientY: y, bubbles: true, cancelable: true }));
          return [before, viewer.scale];
        }""",
        [box["x"] + 100, box["y"] + 100],
    )
    assert scales[0] == scales[1]


def test_a_zoomed_image_is_panned_by_drag_and_arrows_and_the_line_by_its_handle(photo):
    page = photo(width=1280)
    box = stage(page)
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    before = view(page)
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 70, steps=4)
    page.mouse.up()
    after = view(page)
    assert (after["x"] - before["x"], after["y"] - before["y"]) == (-40, -30)
    assert after["at"] == before["at"] == 50
    page.keyboard.press("ArrowLeft")
    assert view(page)["x"] == after["x"] + 40
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 50, steps=4)
    page.mouse.up()
    moved = view(page)
    assert moved["at"] == pytest.approx(25, abs=0.5)
    assert (moved["x"], moved["y"]) == (after["x"] + 40, after["y"])


def test_at_100_percent_each_pixel_of_the_screen_is_a_pixel_of_its_image(photo):
    page = photo(width=1280)
    page.get_by_role("button", name="100 %").click()
    seen = view(page)
    screen = page.evaluate(
        """() => {
          const { canvas } = document.querySelector("photo-viewer");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return [canvas.width, canvas.height, [...data.filter((_, i) => i % 4 === 0)]];
        }"""
    )
    screen = np.array(screen[2]).reshape(screen[1], screen[0])
    both = [np.array(one).reshape(512, 512) for one in page.evaluate(PIXELS)]
    line = seen["x"] + 256
    for column in (line - 40, line + 40):
        image = both[0] if column < line else both[1]
        height = screen.shape[0]
        first = -seen["y"]
        assert np.array_equal(
            screen[:, int(column)],
            image[int(first) : int(first) + height, int(column - seen["x"])],
        )


def test_the_loupe_shows_both_images_around_the_pointer_and_moves_by_keys(photo):
    page = photo(width=1280)
    box = stage(page)
    loupe = page.locator("photo-viewer .loupe")
    assert not loupe.is_visible()
    page.get_by_role("button", name="Loupe").click()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + 200)
    loupe.wait_for()
    assert page.get_by_role("button", name="Loupe").get_attribute("aria-pressed") == "true"
    view(page)
    differ = """() => {
      const { loupe } = document.querySelector("photo-viewer");
      const [one, other] = [...loupe.querySelectorAll("canvas")].map((one) => one.toDataURL());
      return one !== other && one.length > 500;
    }"""
    assert page.evaluate(differ)
    before = loupe.evaluate("(one) => one.style.transform")
    page.locator("photo-viewer .stage").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "(was) => document.querySelector('photo-viewer').loupe.style.transform !== was", arg=before
    )
    page.keyboard.press("l")
    page.wait_for_function("document.querySelector('photo-viewer').loupe.hidden")


def test_the_strength_blends_at_once_and_the_file_has_exactly_the_shown_pixels(photo):
    page = photo(width=1280)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    input_, output = (np.array(one) for one in page.evaluate(PIXELS))
    page.get_by_label("number input for Strength in percent").fill("35")
    page.get_by_role("button", name="Download at strength 35 %").wait_for()
    shown = np.array(page.evaluate(PIXELS)[1])
    assert np.array_equal(shown, (100 * input_ + 35 * (output - input_) + 50) // 100)
    scores = page.locator("photo-viewer .scores").inner_text()
    assert scores.startswith("Strength 35 %: PSNR ")
    assert page.evaluate("document.querySelector('photo-viewer').dataset.result") == (
        page.evaluate("document.querySelector('photo-viewer').dataset.shown")
    )
    with page.expect_download() as file:
        page.get_by_role("button", name="Download at strength 35 %").click()
    with Image.open(file.value.path()) as image:
        assert np.array_equal(np.asarray(image).ravel(), shown)
    page.get_by_label("number input for Strength in percent").fill("100")
    page.get_by_role("button", name="Download the output").wait_for()
    assert page.locator("photo-viewer .scores").inner_text() == ""


@pytest.fixture
def instant(monkeypatch):
    """Replace the network by a copy of its input, because large images take minutes."""
    monkeypatch.setattr(
        photographs, "_timed", lambda name, noisy, _: (Restored(noisy.clamp(0, 1), name), 1.0)
    )


def test_of_a_large_photograph_the_visitor_moves_the_crop_and_every_pixel_is_loaded(
    photo, tmp_path, instant
):
    # upright 2400x2000: the file lies on its side, as of a phone
    shades = np.add.outer(np.arange(2_400), np.arange(2_000)).astype(np.uint8)
    picture = Image.fromarray(shades)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "phone.png", exif=exif)
    page = photo(width=1280)
    page.locator("#photograph").get_by_role("button", name="Remove Image").click()
    page.wait_for_function("document.querySelector('#wipe').innerText.includes('Choose a sample')")
    page.locator("#photograph input[type=file]").set_input_files(tmp_path / "phone.png")
    says(page, "Your image, shrunk from 2400x2000, denoised blind.")
    page.wait_for_function("document.querySelector('photo-viewer').width === 1200")
    assert page.evaluate("document.querySelector('photo-viewer').sources[0].naturalWidth") == 1024
    page.get_by_role("button", name="100 %").click()  # only now, each pixel is seen
    page.wait_for_function(
        "document.querySelector('photo-viewer').sources[0].naturalWidth === 1200"
    )
    assert not page.locator("#photo-place").is_visible()
    page.get_by_label("Crop at full size, 1024x1024").check()
    says(page, "A crop of your image, from pixel (688, 488) of 2400x2000")
    frame = page.locator("#photo-place .frame")
    frame.scroll_into_view_if_needed()
    box = page.locator("#photo-place .whole").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 3, box["y"] + 3)
    says(page, "A crop of your image, from pixel (1376, 0) of 2400x2000")
    expected = np.rot90(shades, -1)[:1024, 1376:]
    # the line of text is there before the images are decoded
    page.wait_for_function(f"(first) => ({PIXELS})()[0][0] === first", arg=int(expected[0, 0]))
    assert np.array_equal(np.array(page.evaluate(PIXELS)[0]).reshape(1024, 1024), expected)


def touch(page, kind, *points):
    """Send touches through the protocol of Chromium."""
    places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
    page.client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})


def test_on_a_phone_two_fingers_zoom_one_finger_moves_the_line_and_then_the_image(browser, url):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.client = context.new_cdp_session(page)
    page.goto(url)
    page.get_by_role("tab", name="Photo").tap()
    page.wait_for_selector(SHOWN, timeout=FIRST_RESULT)
    for selector in ("photo-viewer .stage", "#photo-level input[type=range]"):
        box = page.locator(selector).bounding_box()
        assert box["y"] + box["height"] <= 844, f"{selector} is below the first screen"
    box = page.locator("photo-viewer .stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fit = view(page)["scale"]
    touch(page, "touchStart", (x + 60, y))
    for step in (10, 40, 60):
        touch(page, "touchMove", (x + 60 - step, y))
    touch(page, "touchEnd")
    assert view(page)["at"] == pytest.approx(50, abs=1)
    touch(page, "touchStart", (x - 20, y), (x + 20, y))
    touch(page, "touchMove", (x - 50, y), (x + 50, y))
    touch(page, "touchMove", (x - 80, y), (x + 80, y))
    touch(page, "touchEnd")
    zoomed = view(page)
    assert zoomed["scale"] == pytest.approx(4 * fit, rel=0.1)
    touch(page, "touchStart", (x + 100, y))
    touch(page, "touchMove", (x + 80, y + 20))
    touch(page, "touchMove", (x + 70, y + 30))
    touch(page, "touchEnd")
    moved = view(page)
    assert moved["x"] < zoomed["x"]
    assert moved["y"] > zoomed["y"]
    assert moved["at"] == zoomed["at"]
    assert page.evaluate("scrollY") == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    context.close()


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_the_viewer_with_its_loupe_breaks_no_rule_of_axe(photo, scheme, width):
    page = photo(width=width, scheme=scheme)
    page.get_by_role("button", name="Loupe").click()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_label("number input for Strength in percent").fill("60")
    page.get_by_role("button", name="Download at strength 60 %").wait_for()
    page.wait_for_timeout(SETTLED)
    assert not violations(page)
    for name in ("Zoom in", "Loupe"):
        button = page.get_by_role("button", name=name)
        button.focus()
        page.keyboard.press("Shift")  # the focus is of the keyboard
        assert button.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
