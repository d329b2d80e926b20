"""The Benchmark tab in a browser: its chart and tables by pointer, keys and touch.

The tests need Playwright and a Chromium; `make browser` downloads axe-core's rules.
"""

# ruff: noqa: F401, F811  fixtures of another module

import json

import pytest
from chromium import browser, opened, violations
from served_page import blocks, url

from demo.compute import scores

pytestmark = pytest.mark.slow

DRAWN = "score-chart .main-svg"
OUTPUT = "score-chart .card figure:last-child img:not(.old):not([hidden])"


def tab(page):
    """Open the tab, and wait for its chart and the first output."""
    page.get_by_role("tab", name="Benchmark").click()
    page.wait_for_selector(DRAWN)
    page.wait_for_selector(OUTPUT)
    return page


@pytest.fixture(scope="module")
def shared(browser, url):
    """Return a page with the tab open, which many tests look at."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(url)
    page.wait_for_selector("#board img")
    yield tab(page)
    page.close()


@pytest.fixture
def chart(shared):
    """Return the page with the chart as it opens."""
    shared.evaluate(
        """() => {
            const chart = document.querySelector("score-chart");
            chart.state = { body: chart.data.bodies[0].name, group: "macs", scale: 0, mean: false,
                hidden: new Set(chart.armsOf("classical")) };
            chart.chosen = null;
            chart.settle();
        }"""
    )
    return shared


def drawn(page):
    """Return the traces of Plotly that have points: name, x, y and interval."""
    return page.locator("score-chart .plot").evaluate(
        """plot => plot.data.filter(({ name }) => name).map(
            ({ name, x, y, xaxis, error_y, customdata: methods }) =>
            ({ name, x, y, xaxis, high: error_y.array, low: error_y.arrayminus, methods }))"""
    )


def place(page, method):
    """Return the place of a point on the screen."""
    return page.locator("score-chart .plot").evaluate(
        """(plot, method) => {
            plot.scrollIntoView({ block: "center" });
            const trace = plot.data.find(({ customdata }) => customdata?.includes(method));
            const at = trace.customdata.indexOf(method), box = plot.getBoundingClientRect();
            const { xaxis, yaxis } = plot._fullLayout;
            return [box.x + xaxis._offset + xaxis.l2p(Math.log10(trace.x[at])),
                    box.y + yaxis._offset + yaxis.l2p(trace.y[at])];
        }""",
        method,
    )


def committed(**asked):
    rows = scores.points(scores.GRIDS[0])
    for name, value in asked.items():
        rows = rows[rows[name] == value]
    return rows


def test_nothing_of_the_tab_is_loaded_before_it_is_opened(opened):
    asked = []
    page = opened(
        before=lambda page: page.on("request", lambda one: asked.append(one.url)),
        until="#board img",
    )
    assert not [address for address in asked if "/benchmark/" in address]
    tab(page)
    names = {address.rpartition("/")[2] for address in asked if "/benchmark/" in address}
    assert names == {"plotly.js", "tab.js", "tab.css", "scores.json"}
    assert not page.went_out


def test_the_points_are_the_committed_scores_with_their_intervals(chart):
    rows = committed(tested_on="mnist", trained_on="mnist", clipped=True, levels="0.4")
    rows = rows.set_index("method")
    traces = drawn(chart)
    assert {trace["name"] for trace in traces} >= {"Transposed conv 3x3", "U-Net"}
    for trace in traces:
        for i, method in enumerate(trace["methods"]):
            row = rows.loc[method]
            assert trace["y"][i] == pytest.approx(row.psnr_db, abs=1e-4)
            assert trace["high"][i] == pytest.approx(row.psnr_db_high - row.psnr_db, abs=2e-4)
            assert trace["low"][i] == pytest.approx(row.psnr_db - row.psnr_db_low, abs=2e-4)
            macs = scores.methods(scores.GRIDS[0]).macs[method]
            assert trace["x"][i] == pytest.approx(
                macs, rel=0.2
            )  # points of equal cost: side by side


def test_the_slider_the_budgets_the_data_set_and_the_body_choose_the_points(chart):
    chart.get_by_role("slider", name="Noise level sigma").last.press("ArrowRight")
    level = chart.locator("score-chart output").inner_text()
    rows = committed(tested_on="mnist", clipped=True, levels=level).set_index("method")
    assert all(
        trace["y"][0] == pytest.approx(rows.loc[trace["methods"][0]].psnr_db, abs=1e-4)
        for trace in drawn(chart)
    )
    before = sum(len(trace["methods"]) for trace in drawn(chart))
    settings = chart.locator("score-chart")
    settings.get_by_label("Equal MACs", exact=True).check(force=True)
    assert sum(len(trace["methods"]) for trace in drawn(chart)) > before
    settings.get_by_label("notMNIST letters", exact=True).check(force=True)
    assert all("notmnist-" in method for trace in drawn(chart) for method in trace["methods"])
    chart.get_by_label("Mean over all levels").check()
    rows = committed(tested_on="notmnist", clipped=True, levels="all").set_index("method")
    assert all(
        trace["y"][0] == pytest.approx(rows.loc[trace["methods"][0]].psnr_db, abs=1e-4)
        for trace in drawn(chart)
    )
    chart.locator("score-chart").get_by_label("U-Net", exact=True).check(force=True)
    assert all("bsd68" in method for trace in drawn(chart) for method in trace["methods"])
    assert (
        "Not measured for these networks: time" in chart.locator("score-chart .note").inner_text()
    )
    assert not chart.get_by_label("Measured time").count()


def test_the_time_is_of_the_machine_that_is_chosen(chart):
    chart.get_by_label("Measured time").check(force=True)
    menu = chart.get_by_label("Measured on")
    texts = menu.locator("option").all_inner_texts()
    assert texts == [
        scale.label for scale in scores.scales(scores.GRIDS[0]) if scale.group == "time"
    ]
    menu.select_option(texts[-1])
    *_, scale = [scale for scale in scores.scales(scores.GRIDS[0]) if scale.group == "time"]
    trace = next(trace for trace in drawn(chart) if trace["name"] == "Transposed conv 4x4")
    assert trace["x"][0] == pytest.approx(scale.costs[trace["methods"][0]], rel=0.2)
    text = chart.locator("score-table .lit td").last.inner_text()
    assert len(text.partition(".")[2]) == 4


def test_classical_methods_have_no_cost_and_are_lines(chart):
    assert "Non-local means" not in {trace["name"] for trace in drawn(chart)}
    chart.locator("score-chart .arms").get_by_role("button", name="Non-local means").click()
    (trace,) = [trace for trace in drawn(chart) if trace["name"] == "Non-local means"]
    assert trace["xaxis"] == "x2"
    (line,) = chart.locator("score-chart .plot").evaluate(
        "plot => plot.layout.shapes.map(({ y0, y1 }) => [y0, y1])"
    )
    assert line == [trace["y"][0]] * 2


def test_a_point_under_the_pointer_shows_its_scores_its_output_and_its_row(chart):
    row = committed(arm="transposed_k4", tested_on="mnist", clipped=True, levels="0.4").iloc[0]
    chart.mouse.move(*place(chart, row.method))
    card = chart.locator("score-chart .card")
    chart.wait_for_function(
        "() => document.querySelector('score-chart .card h3').innerText === 'Transposed conv 4x4'"
    )
    chart.wait_for_selector(OUTPUT)
    text = card.inner_text()
    assert f"{row.psnr_db:.2f} dB" in text
    assert f"{row.psnr_db_low:.2f} to {row.psnr_db_high:.2f} dB" in text
    assert f"{row.ssim:.4f}" in text
    assert (
        card.locator("img").evaluate_all("all => all.map(({ naturalWidth }) => naturalWidth)")
        == [28] * 3
    )
    assert chart.locator("score-chart tr.lit th").inner_text() == "Transposed conv 4x4"


def test_a_row_with_the_focus_lights_its_point_and_the_output_follows_the_noise(chart):
    row = committed(arm="max_unpool", tested_on="mnist", clipped=True, levels="0.4").iloc[0]
    chart.locator("score-chart tbody").get_by_role(
        "button", name="Conv 3x3 + max-unpooling"
    ).focus()
    chart.wait_for_selector(OUTPUT)
    ring = chart.locator("score-chart .plot").evaluate("plot => plot.data.at(-2).y")
    assert ring == [pytest.approx(row.psnr_db, abs=1e-4)]
    before = chart.locator(OUTPUT).get_attribute("src")
    chart.get_by_role("slider", name="Noise level sigma").last.press("ArrowLeft")
    chart.wait_for_function(
        """([at, before]) => {
            const image = document.querySelector(at);
            return image && image.src !== before;
        }""",
        arg=[OUTPUT, before],
    )
    assert "sigma 0.3" in chart.locator("score-chart .sample").inner_text()
    assert chart.locator("score-chart .card h3").inner_text() == "Conv 3x3 + max-unpooling"


def column(page, name, at="#scores"):
    return page.locator(at).evaluate(
        """(table, name) => {
            const heads = [...table.querySelectorAll("thead th")];
            const index = heads.findIndex((one) => one.innerText.startsWith(name));
            const rows = [...table.querySelectorAll("tbody tr:not([hidden])")];
            return rows.map((row) => row.cells[index].innerText);
        }""",
        name,
    )


def test_a_table_is_sorted_by_its_headers_and_missing_values_come_last(shared):
    header = shared.locator("#scores thead").get_by_role("button", name="CPU ms")
    for direction, sign in (("descending", -1), ("ascending", 1)):
        header.click()
        assert shared.locator("#scores [aria-sort]").get_attribute("aria-sort") == direction
        shown = column(shared, "CPU ms")
        numbers = [float(text.replace(",", "")) for text in shown if text != "–"]
        assert numbers == sorted(numbers, key=lambda number: sign * number)
        assert "–" in shown[len(numbers) :]
    assert "Sorted by CPU ms" in shared.locator("#scores .said").inner_text()


def test_the_decimals_of_a_column_stand_under_each_other(shared):
    for at in ("#scores", "#photo-scores", "score-chart"):
        for name in ("PSNR", "SSIM"):
            texts = set(column(shared, name, at)) - {"–"}
            assert len({len(text.partition(".")[2]) for text in texts}) == 1
    right = shared.locator("#scores").evaluate(
        """table => {
            const cells = [...table.querySelectorAll("td.number:nth-child(4)")].slice(0, 9);
            return cells.map((cell) => {
                const range = document.createRange();
                range.selectNodeContents(cell);
                return Math.round(range.getBoundingClientRect().right);
            });
        }"""
    )
    assert len(set(right)) == 1


def copied(page, format, at="#scores"):
    """Press a copy button; return the text that the page handed to the clipboard."""
    page.evaluate("() => { copying.put = async (text) => { window.copied = text; return true; }; }")
    page.locator(at).get_by_role("button", name=format, exact=True).click()
    page.wait_for_function("() => 'copied' in window")
    return page.evaluate("() => { const text = copied; delete window.copied; return text; }")


def test_a_table_is_copied_as_it_is_filtered_and_sorted_and_says_so(shared):
    table = shared.locator("#photo-scores")
    table.get_by_label("Filter the table").fill("bsd68 published")
    table.get_by_role("button", name="PSNR (dB)").click()
    shown = column(shared, "PSNR", "#photo-scores")
    assert 0 < len(shown) < 30
    lines = copied(shared, "CSV", "#photo-scores").splitlines()
    assert lines[0].startswith("Images,Method,sigma,PSNR (dB)")
    assert [line.split(",")[-6] for line in lines[1:]] == shown
    said = table.locator(".said")
    assert said.inner_text() == f"Copied {len(shown)} rows as CSV."
    markdown = copied(shared, "Markdown", "#photo-scores").splitlines()
    assert markdown[1].startswith("| :--- | :--- | ---: | ---: |")
    assert len(markdown) == len(shown) + 2
    latex = copied(shared, "LaTeX", "#photo-scores")
    assert latex.count("\\\\\n") == len(shown) + 1
    assert "\\begin{tabular}{llrrrrrrr}" in latex
    assert "$\\pm$ (95 \\%)" in latex
    table.get_by_label("Filter the table").fill("")


def test_special_characters_are_escaped(shared):
    made = shared.evaluate(
        """() => ["csv", "markdown", "latex"].map((format) => copying[format]({
            columns: [{ name: 'a|b_c' }, { name: "n", digits: 2 }],
            rows: [['50 % & "x", <y>', 1234.5], ["\\\\~^{}", null]],
        }))"""
    )
    assert made[0] == 'a|b_c,n\n"50 % & ""x"", <y>",1234.50\n\\~^{},\n'
    assert made[1] == (
        '| a\\|b\\_c | n |\n| :--- | ---: |\n| 50 % & "x", \\<y\\> | 1,234.50 |\n| \\\\~^{} | – |\n'
    )
    assert "a\\textbar{}b\\_c & n \\\\" in made[2]
    assert '50 \\% \\& "x", \\textless{}y\\textgreater{} & 1,234.50 \\\\' in made[2]
    assert "\\textbackslash{}\\textasciitilde{}\\textasciicircum{}\\{\\} & -- \\\\" in made[2]


def test_the_browser_gets_the_text_with_and_without_a_clipboard(opened):
    page = tab(opened(until="#board img"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.locator("#scores").get_by_role("button", name="CSV")
    for before in (
        "() => {}",
        "() => Object.defineProperty(navigator, 'clipboard', { value: undefined })",
    ):
        read = page.evaluate_handle("() => navigator.clipboard")
        page.evaluate(before)
        button.click()
        page.locator("#scores .said", has_text="Copied").wait_for()
        assert page.evaluate("(clipboard) => clipboard.readText()", read).startswith(
            "Images,Method"
        )
        page.evaluate("(clipboard) => clipboard.writeText('')", read)


def says(page, text):
    page.wait_for_function(
        "(text) => document.querySelector('#board').innerText.includes(text)", arg=text
    )


def test_a_click_on_a_point_and_enter_on_a_row_open_its_setting_in_compare(opened):
    page = tab(opened(until="#board img"))
    row = committed(arm="transposed_k4", tested_on="mnist", clipped=True, levels="0.4").iloc[0]
    page.get_by_role("slider", name="Noise level sigma").last.press("ArrowRight")
    low, high = page.locator("score-chart .plot").evaluate("plot => plot._fullLayout.yaxis.range")
    assert all(low < y < high for trace in drawn(page) for y in trace["y"])
    page.mouse.click(*place(page, row.method))
    says(page, "sigma 0.5 ")
    assert page.get_by_role("tab", name="Compare").get_attribute("aria-selected") == "true"
    page.get_by_role("tab", name="Benchmark").click()
    page.locator("score-chart").get_by_label("notMNIST letters", exact=True).check(force=True)
    page.locator("score-chart tbody").get_by_role("button", name="Transposed conv 2x2").press(
        "Enter"
    )
    says(page, "Networks trained on notMNIST letters")
    assert page.get_by_role("tab", name="Compare").get_attribute("aria-selected") == "true"


def test_a_finger_shows_a_point_and_the_button_of_its_card_opens_it(browser, url):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#board img")
    tab(page)
    row = committed(arm="transposed_k2", tested_on="mnist", clipped=True, levels="0.4").iloc[0]
    page.touchscreen.tap(*place(page, row.method))
    page.wait_for_function(
        "() => document.querySelector('score-chart .card h3').innerText === 'Transposed conv 2x2'"
    )
    assert page.get_by_role("tab", name="Benchmark").get_attribute("aria-selected") == "true"
    page.locator("#scores .scroll").evaluate("box => box.scrollTo(500, 0)")
    assert page.locator("#scores .scroll").evaluate("box => box.scrollLeft") > 100
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_role("button", name="Show in Compare").tap()
    page.wait_for_function(
        "() => document.querySelector('[role=tab][aria-selected=true]').innerText === 'Compare'"
    )
    context.close()


def test_a_row_of_a_table_opens_its_setting_by_a_button_alone(opened):
    page = tab(opened(until="#board img"))
    assert page.get_by_role("button", name="Show a setting in Compare").is_disabled()
    page.locator("#scores tbody").get_by_role("button", name="Non-local means").first.click()
    button = page.get_by_role(
        "button", name="Show this setting in Compare: MNIST digits, sigma 0.1"
    )
    assert page.get_by_role("tab", name="Benchmark").get_attribute("aria-selected") == "true"
    button.click()
    says(page, "sigma 0.1 ")
    page.get_by_role("tab", name="Benchmark").click()
    page.locator("#photo-scores tbody").get_by_role("button", name="DRUNet").first.click()
    page.get_by_role("button", name="Show this setting in Photo: BSD68, sigma 15").click()
    page.wait_for_selector("[role=tab][aria-selected=true]:has-text('Photo')")
    level = page.get_by_label("number input for Noise to add: sigma, on the 0-255 scale")
    page.wait_for_function("(field) => field.value === '15'", arg=level.element_handle())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chart_has_the_colors_of_the_page(opened, scheme):
    page = tab(opened(width=390, scheme=scheme, until="#board img"))
    ink = page.locator("score-chart .xtick text").first.evaluate(
        "(text) => getComputedStyle(text).fill"
    )
    assert ink == page.locator("score-chart").evaluate("(chart) => getComputedStyle(chart).color")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert not violations(page)


def test_without_the_plotting_library_the_table_stays(opened):
    page = opened(
        before=lambda page: page.route("**/benchmark/plotly.js", lambda route: route.abort()),
        until="#board img",
    )
    page.get_by_role("tab", name="Benchmark").click()
    page.get_by_text("The chart could not be loaded").wait_for()
    page.locator("score-chart tbody").get_by_role("button", name="Transposed conv 3x3").click()
    says(page, "Networks trained on MNIST digits")


def test_without_the_scores_the_tab_says_so(opened):
    page = opened(
        before=lambda page: page.route("**/benchmark/scores.json", lambda route: route.abort()),
        until="#board img",
    )
    page.get_by_role("tab", name="Benchmark").click()
    page.get_by_text("The scores could not be loaded: reload the page.").first.wait_for()
