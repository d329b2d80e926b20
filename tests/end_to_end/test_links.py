"""Links and the blind test in a browser: the address holds what a visitor sees.

The tests need Playwright and a Chromium; `make browser` downloads axe-core's rules.
"""

# ruff: noqa: F401, F811  fixtures of another module

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from chromium import SCREENS, SETTLED, browser, opened, violations
from served_page import blocks, url

from demo.compute.blind_test import ROUNDS

pytestmark = pytest.mark.slow
NEXT = "#blind [data-act=next]"
GUESS = "#blind [data-guess]"


@pytest.fixture
def follow(browser, url):
    """Return a function that opens a link of the page in a new tab of one browser."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])

    def follow(query="", until="#board img"):
        page = context.new_page()
        page.goto(url + query)
        page.wait_for_selector(until)
        page.wait_for_function("!document.documentElement.classList.contains('restoring')")
        return page

    yield follow
    context.close()


def query(page):
    return dict(parse_qsl(urlsplit(page.url).query))


def holds(page, **settings):
    """Wait until the address has these settings."""
    page.wait_for_function(
        """settings => Object.entries(settings).every(([name, value]) =>
            new URLSearchParams(location.search).get(name) === value)""",
        arg=settings,
    )


def selected(page):
    return page.locator("#tabs > .tab-wrapper [aria-selected=true]").inner_text()


def test_the_address_is_bare_until_a_visitor_acts_then_holds_every_setting_of_the_tab(follow):
    page = follow()
    page.wait_for_timeout(SETTLED)
    assert query(page) == {}
    page.get_by_role("slider", name="Noise level sigma").first.press("ArrowRight")
    holds(page, sigma="0.41", sample="rendered-2")
    assert set(query(page)) == {
        "tab", "sample", "noise", "clip", "sigma", "seed", "weights", "decoders", "view",
    }  # fmt: skip


def test_a_link_of_compare_restores_its_settings_and_its_sample(follow):
    page = follow(
        "?tab=compare&sample=rendered-A&noise=speckle&clip=0&sigma=0.25&seed=9"
        "&weights=notmnist&decoders=bilinear.nearest&view=wipe"
    )
    page.get_by_text("Speckle noise, level 0.25").wait_for()
    assert "unclipped, seed 9" in page.locator("#board").inner_text()
    assert page.locator("#board before-after").count() == 2
    assert page.get_by_role("radio", name="notMNIST letters").first.is_checked()
    page.locator("#samples button").nth(1).click()
    holds(page, sample="rendered-3", seed="9")


def test_a_drawing_stands_in_the_address_and_comes_back(follow):
    page = follow()
    page.get_by_role("tab", name="Draw").click()
    box = page.locator("#pad canvas").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 200, steps=8)
    page.mouse.up()
    page.wait_for_function("new URLSearchParams(location.search).has('picture')")
    drawn = page.locator("#board img").first.get_attribute("src")
    again = follow(page.url.partition("/?")[2].join(("?", "")))
    again.wait_for_function("src => document.querySelector('#board img').src === src", arg=drawn)


def test_a_link_opens_its_tab_at_once_and_the_address_follows_the_tabs(follow):
    page = follow("?tab=learn&factor=3&lab-size=4&__theme=dark", until="decoder-lab")
    assert selected(page) == "Learn"
    page.get_by_text("bilinear, 9x9").wait_for()
    assert "4x4" in page.locator("decoder-lab .transposed figcaption").inner_text()
    page.get_by_role("tab", name="Benchmark").click()
    holds(page, tab="benchmark", __theme="dark")
    page.get_by_role("tab", name="Learn").click()
    page.locator("decoder-lab [name=stride]").press("ArrowRight")
    holds(page, tab="learn", factor="3", **{"lab-size": "4", "lab-stride": "3"})
    page.locator("decoder-lab").get_by_label("Weight 1, 1").first.fill("7")
    page.wait_for_function("location.search.includes('weights=7_')")
    again = follow("?" + urlsplit(page.url).query, until="decoder-lab")
    again.wait_for_function(
        "document.querySelector('decoder-lab').shadowRoot.querySelector('.weight').value === '7'"
    )


def test_a_link_of_the_chart_restores_its_view(follow):
    given = {
        "chart-backbone": "unet", "chart-cost": "parameters", "chart-clip": "0",
        "chart-level": "0.0588235", "chart-hidden": "transposed_k3",
    }  # fmt: skip
    page = follow("?tab=benchmark&" + urlencode(given), until="score-chart .main-svg")
    for name, value in (("body", "unet"), ("group", "parameters")):
        assert page.locator(f"score-chart [name={name}][value={value}]").is_checked()
    assert page.locator("score-chart .level output").inner_text() == "15/255"
    arms = page.locator("score-chart .arms button")
    hidden = arms.and_(page.locator("[aria-pressed=false]"))
    assert hidden.evaluate_all("all => all.map(({ value }) => value)") == ["transposed_k3"]
    assert arms.count() > 3
    page.get_by_label("Mean over all levels").check()
    holds(page, **given | {"chart-level": "all"})


@pytest.mark.parametrize(
    ("asked", "said", "tab"),
    [
        ("?tab=benchmark&chart-backbone=cats", "'cats' is not one of", "Benchmark"),
        ("?tab=cats", "names no tab of this page", "Compare"),
        ("?sigma=loud&__theme=dark", "'loud' is not a number", "Compare"),
        ("?tab=blind&noise=3", "'3' is not one of 0.2", "Blind test"),
    ],
)
def test_an_invalid_link_gives_one_line_and_the_usual_page(follow, asked, said, tab):
    page = follow(asked, until="[data-testid=toast-text]")
    assert said in page.get_by_test_id("toast-text").inner_text()
    assert selected(page) == tab
    page.wait_for_function("!/tab=|sigma=|noise=/.test(location.search)")
    assert query(page) == ({"__theme": "dark"} if "__theme" in asked else {})
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_selector("#board img")


def test_the_link_is_copied_and_the_page_says_so(follow):
    page = follow()
    page.get_by_role("button", name="Copy link").click()
    page.locator("copy-link").get_by_role("status").filter(has_text="Link copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    assert query(page)["sample"] == "rendered-2"


def test_without_the_right_to_copy_the_link_is_shown_to_be_copied(follow):
    page = follow()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject('denied'); }")
    page.get_by_role("button", name="Copy link").click()
    field = page.locator("copy-link input")
    field.wait_for()
    assert field.input_value() == page.url
    field.press("Escape")
    field.wait_for(state="hidden")


def play(page, guesses):
    """Play from the first round to the score by keys alone."""
    for guess in guesses:
        page.wait_for_selector(GUESS)
        page.keyboard.press(guess)
        page.wait_for_selector(NEXT)
        page.wait_for_function(f"document.activeElement === document.querySelector('{NEXT}')")
        page.keyboard.press("Enter")
    page.wait_for_selector("#blind .played")


def test_ten_rounds_are_played_by_keys_and_a_friend_gets_the_same(follow):
    page = follow("?tab=blind", until="#blind button")
    page.get_by_role("button", name="Start").focus()
    page.keyboard.press("Enter")
    play(page, ["1", "2", "3", "1", "2", "3", "1", "2", "3", "1"])
    found = page.locator("#blind h2").inner_text()
    rounds = page.locator("#blind .played img").evaluate_all("all => all.map(one => one.src)")
    page.get_by_role("button", name="with your score").click()
    page.get_by_text("Link copied.").first.wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    friend = follow("?" + urlsplit(link).query, until="#blind .sender")
    score = found.removeprefix("You found ").partition(" ")[0]
    assert f"found {score} of these 10" in friend.locator("#blind .sender").inner_text()
    friend.get_by_role("button", name="Start").click()
    friend.locator(GUESS).first.wait_for()
    shown = friend.locator("#blind .outputs img").evaluate_all("all => all.map(one => one.src)")
    assert shown == rounds[1:4]
    assert friend.get_by_text("Round 1 of 10").is_visible()


def test_a_digit_typed_elsewhere_is_no_guess(follow):
    page = follow("?tab=blind", until="#blind button")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(GUESS)
    page.get_by_role("radio", name="MNIST digits", exact=True).last.focus()
    page.keyboard.press("1")
    page.wait_for_timeout(SETTLED)
    assert page.locator(GUESS).count() == 3


def test_other_noise_gives_new_rounds(follow):
    page = follow("?tab=blind&seed=5", until="#blind .sender")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(GUESS)
    holds(page, seed="5")
    page.get_by_text("little: sigma 0.2").click()
    page.wait_for_function(
        "!location.search.includes('seed=5&') && !location.search.endsWith('seed=5')"
    )
    holds(page, noise="0.2")
    assert page.locator(GUESS).count() == 3


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_every_state_of_the_blind_test_passes_axe_and_fits(opened, width, scheme):
    page = opened(width=width, scheme=scheme, until="#board img")
    page.get_by_role("tab", name="Blind test").click()
    page.get_by_role("button", name="Start").click()
    page.locator(GUESS).first.wait_for()
    for number in range(ROUNDS):
        if number == 0:
            check(page)
        page.locator(GUESS).nth(1).click()
        page.locator(NEXT).wait_for()
        if number == 0:
            check(page)
        page.locator(NEXT).click()
        page.locator("#blind .played" if number == ROUNDS - 1 else GUESS).first.wait_for()
    check(page)


def check(page):
    page.wait_for_timeout(SETTLED)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert not violations(page)


def test_every_tab_fits_beside_the_others_on_a_phone(opened):
    page = opened(width=390, until="#board img")
    for name in ("Compare", "Film", "Train", "Photo", "Benchmark", "Blind test", "Learn"):
        box = page.locator("#tabs > .tab-wrapper").get_by_role("tab", name=name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
