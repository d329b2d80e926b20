"""Labs of the Learn tab in a browser: their numbers equal PyTorch's, and they can be touched.

The tests need Playwright and a Chromium; `make browser` downloads axe-core's rules.
"""

# ruff: noqa: F401, F811  fixtures of another module

import pytest
import torch
import torch.nn.functional as F
from chromium import SCREENS, browser, opened, violations
from served_page import blocks, url

pytestmark = pytest.mark.slow


@pytest.fixture
def learn(opened):
    """Return a function that opens the Learn tab."""

    def learn(**options):
        page = opened(until="#board img", **options)
        page.get_by_role("tab", name="Learn").click()
        page.wait_for_selector("decoder-lab .output button, decoder-lab .transposed [data-grid]")
        return page

    return learn


def values(page, grid):
    """Return the numbers of a grid, as rows."""
    return page.locator(f"decoder-lab .{grid} table").evaluate(
        "table => [...table.rows].map(row => [...row.cells]"
        ".map(cell => Number(cell.innerText.replace('−', '-'))))"
    )


@pytest.mark.parametrize("size", range(1, 6))
@pytest.mark.parametrize("stride", range(1, 5))
def test_the_layers_compute_what_pytorch_computes(learn_page, size, stride):
    generator = torch.Generator().manual_seed(size)
    x, kernel = (torch.rand(n, n, generator=generator) for n in (4, size))
    conv = torch.rand(3, 3, generator=generator)
    found = learn_page.evaluate(
        """([x, kernel, conv, stride]) => [
            layers.transposed(x, kernel, stride, "none"),
            layers.transposed(x, kernel, stride, "pytorch"),
            layers.resized(x, conv, stride),
        ].map(rows => rows.map(row => row.map(one => one.value)))""",
        [x.tolist(), kernel.tolist(), conv.tolist(), stride],
    )
    whole = F.conv_transpose2d(x[None, None], kernel[None, None], stride=stride)[0, 0]
    torch.testing.assert_close(torch.tensor(found[0]), whole)
    extra = size - stride
    padding, added = (-(-extra // 2), extra % 2) if extra >= 0 else (0, -extra)
    if added < stride:  # PyTorch's condition
        cropped = F.conv_transpose2d(
            x[None, None], kernel[None, None], None, stride, padding, added
        )[0, 0]
        torch.testing.assert_close(torch.tensor(found[1]), cropped)
    assert torch.tensor(found[1]).shape == (4 * stride, 4 * stride)
    large = F.interpolate(x[None, None], scale_factor=stride)
    resized = F.conv2d(large, conv[None, None], padding=1)[0, 0]
    torch.testing.assert_close(torch.tensor(found[2]), resized)


@pytest.fixture(scope="module")
def learn_page(browser, url):
    page = browser.new_page()
    page.goto(url)
    page.wait_for_function("typeof layers === 'object'")
    yield page
    page.close()


def test_an_output_pixel_lights_its_inputs_and_weights_and_says_its_sum(learn):
    page = learn()
    lab = page.locator("decoder-lab")
    for row, column, copies in ((1, 1, 4), (1, 2, 2), (2, 2, 1)):
        lab.locator(f".transposed [data-row='{row}'][data-column='{column}']").hover()
        sum_of = " + ".join(["1 · 1"] * copies)
        said = lab.locator(".said").inner_text()
        assert said == f"Output ({row + 1}, {column + 1}) = {sum_of} = {copies}."
        assert lab.locator(".input .lit").count() == copies
        assert lab.locator(".kernel-transposed .lit").count() == copies
    lab.locator(".resized [data-row='2'][data-column='2']").hover()
    assert lab.locator(".kernel-resized .lit").count() == 9


def test_kernel_3_adds_up_1_2_or_4_copies_and_kernel_4_evenly(learn):
    page = learn()
    lab = page.locator("decoder-lab")
    lab.locator("[name=framework]").select_option("none")
    inner = [row[2:-2] for row in values(page, "transposed")[2:-2]]
    assert {value for row in inner for value in row} == {1, 2, 4}
    lab.locator("[name=size]").press("ArrowRight")
    inner = [row[2:-2] for row in values(page, "transposed")[2:-2]]
    assert {value for row in inner for value in row} == {4}
    assert "as many copies" in lab.locator(".transposed figcaption").inner_text()


def test_a_pressed_input_pixel_shows_its_stamp_alone_and_pressed_again_all(learn):
    page = learn()
    lab = page.locator("decoder-lab")
    whole = values(page, "transposed")
    pixel = lab.locator(".input [data-row='1'][data-column='2']")
    pixel.click()
    alone = torch.tensor(values(page, "transposed"))
    assert alone.sum() == 9  # one copy of a 3x3 kernel of ones
    assert pixel.get_attribute("aria-pressed") == "true"
    pixel.click()
    assert values(page, "transposed") == whole


def test_an_edited_weight_changes_the_output_at_once(learn):
    page = learn()
    lab = page.locator("decoder-lab")
    lab.locator("[name=pattern]").select_option("point")
    lab.get_by_label("Weight 2, 2").first.fill("5")
    assert max(map(max, values(page, "transposed"))) == 5


def test_frameworks_crop_at_other_ends(learn):
    page = learn()
    lab = page.locator("decoder-lab")
    lab.locator("[name=pattern]").select_option("point")
    first = torch.tensor(values(page, "transposed"))
    assert "PyTorch crops 1 at the start and 0 at the end" in lab.locator(".size").inner_text()
    lab.locator("[name=framework]").select_option("keras")
    second = torch.tensor(values(page, "transposed"))
    assert "Keras crops 0 at the start and 1 at the end" in lab.locator(".size").inner_text()
    assert torch.equal(first[:-1, :-1], second[1:, 1:])  # a shift of one pixel


def test_weights_of_trained_networks_can_be_chosen(learn):
    page = learn()
    lab = page.locator("decoder-lab")
    lab.locator("[name=preset]").select_option("trained")
    weights = lab.locator(".kernel-transposed input").evaluate_all(
        "all => all.map(one => +one.value)"
    )
    assert len(weights) == 9
    assert max(map(abs, weights)) == 1


def test_the_stamps_are_played_one_by_one(learn):
    page = learn(before=lambda page: page.emulate_media(reduced_motion="no-preference"))
    lab = page.locator("decoder-lab")
    lab.get_by_role("button", name="Play").click()
    assert "1 of 16 stamps" in lab.locator(".said").inner_text()
    lab.get_by_text("16 of 16 stamps").wait_for()


def test_the_grids_are_walked_by_the_arrow_keys_with_one_stop_each(learn):
    page = learn()
    lab = page.locator("decoder-lab")
    lab.locator(".transposed [data-row='0'][data-column='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert "Output (2, 2)" in lab.locator(".said").inner_text()
    assert lab.locator(".transposed [tabindex='0']").count() == 1


def test_pooling_keeps_the_maximum_and_unpooling_its_position(learn):
    page = learn()
    lab = page.locator("pooling-lab")
    lab.locator(".unpooled [data-row='0'][data-column='1']").hover()
    assert "The block keeps 11" in lab.locator(".said").inner_text()
    assert lab.locator(".repeated .lit").count() == 4
    lab.locator(".input [data-row='0'][data-column='0']").click()  # takes the maximum's place
    assert lab.locator(".unpooled [data-row='0'][data-column='0']").inner_text() == "11"
    lab.get_by_role("button", name="Other numbers").click()
    pooled = lab.locator(".pooled [data-grid]").all_inner_texts()
    assert "16" in pooled


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_the_labs_pass_axe_and_fit(learn, width, scheme):
    page = learn(width=width, scheme=scheme)
    assert not [found for found in violations(page) if "lab" in str(found)]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
