"""The static page: built with npm from the weights, driven in a browser."""

# ruff: noqa: F401, F811  fixtures of another module

import contextlib
import functools
import http.server
import shutil

import loopback
import numpy as np
import pytest
import torch
import yaml
from chromium import SCREENS, SETTLED, browser, opened, violations
from PIL import Image

from demo.compute import answers, results
from demo.space import build, static_page
from demo.widgets import head
from denoise import cli
from denoise.inference import packed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    if shutil.which("npm") is None:
        pytest.skip("no npm")
    folder = tmp_path_factory.mktemp("static") / "built"
    build.build(folder, static=True)
    return folder


@pytest.fixture(scope="module")
def url(built):
    with _served(built) as address:
        yield address


@contextlib.contextmanager
def _served(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    with loopback.running(loopback.Server(functools.partial(Quiet, directory=folder))) as server:
        yield f"{server.url}/"


@pytest.fixture
def visit(opened):
    """Return a function that opens the page and returns it once its first result is there."""
    return functools.partial(opened, until="#board figure")


def shown(page):
    """Return the clean image, the noisy image, and each network's output by name, as arrays."""
    found = page.evaluate("""() => {
        const { clean, noisy, answers } = window.shown();
        const plain = (image) => ({ ...image, values: [...image.values] });
        const outputs = Object.entries(answers)
          .map(([name, { picture }]) => [name, plain(picture)]);
        return { clean: plain(clean), noisy: plain(noisy), answers: Object.fromEntries(outputs) };
    }""")
    answers = {name: _array(picture) for name, picture in found["answers"].items()}
    return _array(found["clean"]), _array(found["noisy"]), answers


def _array(picture):
    return np.array(picture["values"], np.float32).reshape(picture["height"], picture["width"])


def until_said(page, text):
    page.wait_for_function(
        "(text) => document.querySelector('#said').innerText.includes(text)", arg=text
    )


def _network(name):
    family, _, arm = name.partition("-")
    return packed.denoiser(results.FOLDER, results.trained()[family][arm])


def assert_as_in_python(page):
    _, noisy, found = shown(page)
    assert found
    for name, answer in found.items():
        expected = _network(name).estimate(torch.from_numpy(noisy)[None, None])[0, 0].numpy()
        np.testing.assert_allclose(answer, expected, atol=1e-4, rtol=0)


def test_it_is_a_static_space_with_all_that_it_needs(built):
    facts = yaml.safe_load((built / "README.md").read_text().split("---\n")[1])
    assert (facts["sdk"], facts["app_file"], facts["license"]) == ("static", "index.html", "mit")
    names = {str(path.relative_to(built)) for path in built.rglob("*")}
    networks = {
        f"{family}-{arm}.onnx" for family in results.families() for arm in answers.FIRST_ARMS
    }
    assert {
        "index.html",
        "LICENSE",
        "controls.js",
        "decoder_lab.js",
        "preview.png",
        *static_page.RUNTIME_FILES,
        *networks,
    } <= names
    assert not [name for name in names if name.endswith(".py")]


def test_link_previews_and_the_title_are_those_of_the_python_page(built):
    document = (built / "index.html").read_text()
    assert head.tags("") in document
    assert document.count("<title>") == document.count('rel="icon"') == 1


def test_the_answers_are_those_of_python(visit):
    page = visit()
    assert len(shown(page)[2]) == len(answers.FIRST_ARMS)
    assert_as_in_python(page)


@pytest.mark.parametrize("size", [(40, 31), (3, 2), (1, 1)])
def test_a_picture_of_any_size_is_answered_as_in_python(visit, tmp_path, size):
    page = visit()
    ramp = np.linspace(0, 255, size[0] * size[1]).reshape(size[::-1]).astype(np.uint8)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    page.get_by_label("Upload an image").set_input_files(tmp_path / "ramp.png")
    until_said(page, f"{size[0]}x{size[1]} pixels")
    np.testing.assert_array_equal(np.round(shown(page)[0] * 255), ramp)
    assert_as_in_python(page)


def test_the_slider_changes_pictures_and_numbers_and_the_last_position_wins(visit):
    page = visit()
    clean, noisy, answers = shown(page)
    words = page.locator("#board").inner_text()
    slider = page.get_by_role("slider", name="Noise level sigma")
    for _ in range(5):
        slider.press("ArrowRight")
    until_said(page, "sigma 0.45,")
    page.wait_for_timeout(SETTLED)
    now_clean, now_noisy, now_answers = shown(page)
    assert "sigma 0.45," in page.locator("#said").inner_text()
    assert page.locator("#board").inner_text() != words
    np.testing.assert_array_equal(now_clean, clean)
    assert (now_noisy != noisy).any()
    assert all((now_answers[name] != answers[name]).any() for name in answers)


def test_the_labs_can_be_touched(visit):
    page = visit()
    page.locator("decoder-lab .transposed [data-row='2'][data-column='2']").hover()
    assert "Output (3, 3) = 1 · 1 = 1." in page.locator("decoder-lab .said").inner_text()
    page.locator("pooling-lab .pooled [data-row='0'][data-column='0']").hover()
    assert "The block keeps 11" in page.locator("pooling-lab .said").inner_text()


def held(page, pattern):
    """Hold back the page's requests with a matching address until `continue_` of each is called."""
    waiting = []
    page.route(pattern, lambda route: waiting.append(route))
    return waiting


def test_a_slider_that_is_moved_before_there_is_a_picture_is_heard(opened):
    waiting = []
    page = opened(before=lambda page: waiting.append(held(page, "**/sample-0.png")))
    page.wait_for_function("() => document.querySelector('#sigma').value === '0.4'")
    page.get_by_role("slider", name="Noise level sigma").press("ArrowRight")
    waiting[0][0].continue_()
    until_said(page, "sigma 0.41,")
    assert_as_in_python(page)


def test_a_sample_that_is_chosen_while_networks_load_has_its_own_answers(opened):
    waiting = []
    page = opened(before=lambda page: waiting.append(held(page, "**/mnist-nearest.onnx")))
    page.wait_for_function("() => document.querySelector('#samples [aria-pressed=true]')")
    page.wait_for_timeout(SETTLED)
    page.locator("#samples button").last.click()
    page.wait_for_timeout(SETTLED)
    waiting[0][0].continue_()
    until_said(page, "notMNIST")
    page.wait_for_timeout(SETTLED)
    assert set(shown(page)[2]) == {f"notmnist-{arm}" for arm in answers.FIRST_ARMS}
    assert_as_in_python(page)


def test_a_network_that_did_not_load_is_asked_for_again(opened):
    page = opened(
        before=lambda page: page.route(
            "**/mnist-bilinear.onnx", lambda route: route.abort(), times=1
        )
    )
    until_said(page, "The networks failed")
    page.get_by_role("slider", name="Noise level sigma").press("ArrowLeft")
    until_said(page, "sigma 0.39,")
    assert_as_in_python(page)


def test_enter_in_the_seed_s_field_keeps_the_page(visit):
    page = visit()
    page.get_by_label("Seed").fill("5")
    page.get_by_label("Seed").press("Enter")
    until_said(page, "seed 5.")
    assert page.url.endswith("/")


def test_a_typed_seed_is_clamped_and_an_emptied_field_keeps_the_last_one(visit):
    page = visit()
    seed = page.get_by_label("Seed")
    for typed, held in (("-1", "0"), ("1e12", "4294967295"), ("6.7", "7")):
        seed.fill(typed)
        assert seed.input_value() == held
        until_said(page, f"seed {held}.")
    seed.fill("")
    page.get_by_role("slider", name="Noise level sigma").press("ArrowRight")
    until_said(page, "sigma 0.41,")
    until_said(page, "seed 7.")
    assert seed.input_value() == "7"


def test_the_strip_shows_many_draws_of_the_noise_against_the_first_network(visit):
    page = visit()
    page.wait_for_function("() => document.querySelector('draw-strip').dataset.draws")
    found = page.evaluate("""() => {
        const strip = document.querySelector("draw-strip"), root = strip.shadowRoot;
        const all = (selector) => [...root.querySelectorAll(selector)];
        const texts = (selector) => all(selector).map((one) => one.innerText);
        return { rows: JSON.parse(strip.dataset.draws).rows, caption: texts("caption")[0],
          names: texts("tbody th"), means: texts("tbody td:nth-of-type(2)") };
    }""")
    scores = np.array([row["psnr"] for row in found["rows"]])
    assert scores.shape[1] in static_page.COUNTS
    assert f"drawn {scores.shape[1]} times" in found["caption"]
    assert found["names"] == [results.entry(arm).label for arm in answers.FIRST_ARMS]
    clean, _, outputs = shown(page)
    first = -10 * np.log10(np.mean((next(iter(outputs.values())).clip(0, 1) - clean) ** 2))
    assert abs(scores[0].mean() - first) < 4 * scores[0].std()
    assert found["means"][0] == "reference"
    means = [float(mean.removesuffix(" dB").replace("−", "-")) for mean in found["means"][1:]]
    assert means == pytest.approx((scores[1:] - scores[0]).mean(1), abs=0.006)


def test_a_photograph_is_named_as_what_the_networks_do_not_know(visit, tmp_path):
    page = visit()
    shades = np.add.outer(np.arange(90), np.arange(120)).astype(np.uint8)
    Image.fromarray(shades).save(tmp_path / "shades.png")
    page.get_by_label("Upload an image").set_input_files(tmp_path / "shades.png")
    until_said(page, "120x90 pixels")
    assert "This looks like a photograph" in page.locator("#said").inner_text()
    page.locator("#samples button").first.click()
    until_said(page, "28x28 pixels")
    assert "photograph" not in page.locator("#said").inner_text()


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(visit, tmp_path):
    page = visit()
    Image.new("1", (13_000, 13_000)).save(tmp_path / "huge.png")
    page.get_by_label("Upload an image").set_input_files(tmp_path / "huge.png")
    until_said(page, "huge.png cannot be used: it has 169,000,000 pixels, more than 4,000,000")


def test_the_noise_has_the_level_that_is_asked_for_and_depends_on_the_seed(visit, tmp_path):
    page = visit()
    Image.fromarray(np.full((200, 200), 128, np.uint8)).save(tmp_path / "gray.png")
    page.get_by_label("Upload an image").set_input_files(tmp_path / "gray.png")
    page.get_by_label("Clip").uncheck()
    until_said(page, "200x200 pixels")
    until_said(page, "unclipped")
    clean, noisy, _ = shown(page)
    assert (noisy - clean).std() == pytest.approx(0.4, rel=0.02)
    assert (noisy - clean).mean() == pytest.approx(0, abs=0.01)
    page.get_by_label("Seed").fill("1")
    until_said(page, "seed 1.")
    assert abs(np.corrcoef((noisy - clean).ravel(), (shown(page)[1] - clean).ravel())[0, 1]) < 0.03


def test_the_scores_are_those_of_the_pictures(visit):
    page = visit()
    clean, noisy, answers = shown(page)
    words = page.locator("#board").inner_text()
    for picture in (noisy, *answers.values()):
        assert f"{-10 * np.log10(np.mean((picture.clip(0, 1) - clean) ** 2)):.2f} dB" in words


def test_a_drawing_is_scaled_and_centred_as_mnist_s_digits(visit):
    page = visit()
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 200, steps=8)
    page.mouse.up()
    page.wait_for_function(
        "() => document.querySelectorAll('#samples [aria-pressed=true]').length === 0"
    )
    page.wait_for_timeout(SETTLED)
    clean = shown(page)[0]
    assert clean.shape == (28, 28)
    rows, columns = (np.flatnonzero(clean.max(axis) > 0.1) for axis in (1, 0))
    assert len(rows) == pytest.approx(20, abs=1)
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(13.5, abs=1)


def test_what_is_no_picture_is_refused_in_a_sentence(visit, tmp_path):
    page = visit()
    (tmp_path / "none.png").write_text("no picture")
    page.get_by_label("Upload an image").set_input_files(tmp_path / "none.png")
    until_said(page, "none.png cannot be used")
    assert page.locator("#board figure").count() == len(answers.FIRST_ARMS) + 2


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_it_breaks_no_rule_of_axe_runs_over_no_side_and_asks_no_other_machine(visit, scheme, width):
    page = visit(width, scheme)
    page.locator("#samples button").last.press("Enter")
    until_said(page, "notMNIST")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert not page.went_out
    assert not violations(page)


def test_without_npm_one_line_says_so_and_nothing_is_left(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit) as end:
        cli.run(build.main, ["build", "--static", str(tmp_path / "space")])
    assert end.value.code == 2
    assert "npm is missing" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
