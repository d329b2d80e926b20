import base64
import contextlib
import io
import json
import math
import re
import sys
import threading
from pathlib import Path

import gradio as gr
import httpx
import numpy as np
import pandas as pd
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image

from demo import page, screenshot
from demo.compute import answers, results, samples
from demo.guard import body_limit
from demo.tabs import compare
from demo.widgets import comparison
from denoise import cli
from denoise.noise import NOISES

FAMILY = "mnist"
SETTINGS = {"noise": "gaussian", "clip": True, "sigma": 0.4, "seed": 7, "family": FAMILY}
ASKED = SETTINGS | {"chosen": list(answers.FIRST_ARMS), "view": "pictures"}  # of the page


@pytest.fixture(scope="module")
def digit():
    return next(sample.image for sample in samples.samples() if sample.family == FAMILY)


@pytest.fixture(scope="module")
def compared(digit):
    return answers.compare(digit, **SETTINGS)


def test_clean_noisy_and_the_first_arms_stand_side_by_side(compared):
    assert [answer.name for answer in compared] == [
        *("clean", "noisy"),
        *(f"{FAMILY}-{arm}" for arm in answers.FIRST_ARMS),
    ]


@pytest.mark.parametrize("family", results.families())
def test_every_arm_of_the_results_and_every_classical_method_denoises(family, digit):
    arms = results.arms(family)
    assert {*results.CEILINGS, *results.CLASSICAL} < set(arms)
    rows = answers.compare(digit, **SETTINGS | {"family": family}, chosen=arms)
    assert [row.label for row in rows[2:]] == [results.entry(arm).label for arm in arms]
    assert all(row.psnr > rows[1].psnr + 1 for row in rows[2:])
    assert [row.parameters is None for row in rows[2:]] == [
        arm in results.CLASSICAL for arm in arms
    ]


def test_the_networks_are_those_of_the_committed_scores():
    rows = pd.read_csv(results.FOLDER / "methods.csv").set_index("method")
    for family, arms in results.trained().items():
        for arm, method in arms.items():
            checksum = results.network(family, arm).card["sha256"]
            assert checksum == rows.loc[method].weights_sha256
            assert (rows.loc[method].seed, rows.loc[method].clipped) == (0, True)


def test_every_answer_has_scores_and_its_difference_from_the_first_method(compared):
    for answer in compared[2:]:
        assert answer.psnr > compared[1].psnr + 3
        assert 0 < answer.ssim <= 1
        assert answer.ms > 0
        assert answer.gain == pytest.approx(answer.psnr - compared[2].psnr)


def test_the_first_call_on_a_size_prepares_the_method_and_is_not_timed(monkeypatch):
    calls = []
    method = results.denoise(FAMILY, "nearest")

    def counted(family, arm):
        return lambda noisy, sigma: calls.append(noisy) or method(noisy, sigma)

    monkeypatch.setattr(results, "denoise", counted)
    monkeypatch.setattr(answers, "CALLS", 1)
    noisy = torch.full((1, 1, 13, 37), 0.5)
    for expected in (2, 3):  # one untimed call first, then one timed call per iteration
        answers._timed(FAMILY, "nearest", noisy, 0.4)
        assert len(calls) == expected
    answers._warm.cache_clear()


def test_the_same_seed_gives_the_same_noise_and_another_seed_another(digit, compared):
    again, other = (answers.compare(digit, **SETTINGS | {"seed": seed}) for seed in (7.0, 8))
    assert np.array_equal(again[1].image, compared[1].image)
    assert not np.array_equal(other[1].image, compared[1].image)


def test_unclipped_noise_reaches_the_network_unclipped(digit, compared):
    unclipped = answers.compare(digit, **SETTINGS | {"clip": False})
    # the displayed image is clamped
    assert np.array_equal(unclipped[1].image, compared[1].image)
    assert unclipped[2].psnr != compared[2].psnr


def test_a_picture_below_11_pixels_has_no_ssim():
    rows = answers.compare(np.full((5, 8), 200, np.uint8), **SETTINGS)
    assert all(row.ssim is None for row in rows)
    assert drawn(rows).count("<td>–</td>") >= len(rows) - 1


def test_where_nothing_differs_the_page_says_so(digit):
    noisy = answers.compare(digit, **SETTINGS | {"sigma": 0})[1]
    assert answers.decibels(noisy.psnr) == "no error"
    assert compare.show(digit, **ASKED | {"sigma": 0})[1]["noisy"]["psnr"] is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sigma": math.nan}, "units of the"),
        ({"sigma": -0.1}, "units of the"),
        ({"sigma": 25}, "25 on the 0-255 scale"),
        ({"sigma": 0.61}, "0.61 is not in 0 to 0.6"),
        ({"sigma": True}, "not a number"),
        ({"sigma": "0.4"}, "not a number"),
        ({"sigma": None}, "not a number"),
        ({"seed": 1.5}, "not a whole number"),
        ({"seed": math.nan}, "not a whole number"),
        ({"seed": None}, "not a whole number"),
        ({"seed": -1}, "not in 0"),
        ({"seed": 10**400}, "not in 0"),
        ({"clip": "false"}, "Clipped 'false' is not true or false"),
        ({"noise": "salt"}, "Unknown noise 'salt'; valid: gaussian"),
        ({"family": "cats"}, "Unknown family of weights 'cats'; valid: "),
        ({"chosen": ["nearest", "cats"]}, "Unknown decoder 'cats'; valid: nearest, "),
        ({"chosen": "nearest"}, "The decoders 'nearest' are not a list of names"),
        ({"chosen": []}, "No decoder of mnist is chosen; valid: nearest, "),
        ({"view": "cats"}, "Unknown view 'cats'; valid: pictures, "),
    ],
)
def test_bad_settings_are_refused_in_one_readable_sentence(digit, changed, said):
    with pytest.raises(gr.Error, match=re.escape(said)) as refusal:
        compare.show(digit, **ASKED | changed)
    assert "\n" not in refusal.value.message


def test_the_chosen_decoders_stand_side_by_side_and_no_others(digit):
    rows = answers.compare(digit, **SETTINGS, chosen=["transposed_k3", "nearest"])
    assert [row.name for row in rows] == ["clean", "noisy", "mnist-nearest", "mnist-transposed_k3"]


def drawn(answers, settings="", view="pictures"):
    return comparison.board(answers, settings, view, {})


def pixels(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_the_pictures_on_the_page_are_exact(compared):
    shown = re.findall(r'src="(data:image/png;base64,[^"]+)"', drawn(compared))
    for url, answer in zip(shown, compared, strict=True):
        assert np.array_equal(pixels(url), answer.image)


def test_every_picture_has_a_text_that_says_what_it_is(compared):
    alternatives = re.findall(r'alt="([^"]+)"', drawn(compared))
    assert alternatives[0] == "Clean"
    assert all(re.search(r"\d+\.\d\d dB", text) for text in alternatives[1:])


def test_beside_each_method_stands_its_difference_in_db(compared):
    page = drawn(compared)
    assert page.count(">reference<") == 1
    for answer in compared[3:]:
        assert f">{'−' if answer.gain < 0 else '+'}{abs(answer.gain):.2f} dB<" in page


def test_programs_get_the_same_differences(compared):
    gains = [row["gain"] for row in compare._scores(compared).values()]
    assert gains[:2] == [None, 0]
    assert gains[2:] == [pytest.approx(row.gain, abs=1e-3) for row in compared[3:]]


def test_what_a_user_may_write_is_escaped(compared):
    assert "<script>" not in drawn(compared, "<script>")


def test_the_entry_of_the_space_is_short():
    assert len((Path(page.__file__).parents[1] / "app.py").read_text().splitlines()) < 30


def opening(blocks):
    (html,) = (
        c["props"]["value"]
        for c in blocks.get_config_file()["components"]
        if c["props"].get("elem_id") == "board"
    )
    return html


def test_the_page_opens_with_the_committed_comparison_and_computes_none(monkeypatch):
    monkeypatch.setattr(compare, "compare", None)
    html = opening(page.build())
    assert html.count("<img") == len(answers.FIRST_ARMS) + 2


def test_without_any_networks_the_page_opens_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    results.trained.cache_clear()
    assert "no weights" in opening(page.build())
    monkeypatch.undo()
    results.trained.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("module", ["playwright", "playwright.sync_api"])
def test_a_screenshot_without_playwright_ends_with_one_line(monkeypatch, tmp_path, capsys, module):
    # if an earlier test has imported it
    monkeypatch.delitem(sys.modules, "playwright.sync_api", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SystemExit) as end:
        cli.run(screenshot.main, [str(tmp_path / "page.png")])
    assert end.value.code == 2
    assert "playwright is missing: pip install playwright" in capsys.readouterr().err


@pytest.fixture(scope="module")
def url():
    blocks = page.build()
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **page.launch_options())
    yield address
    blocks.close(verbose=False)


@pytest.fixture
def file(tmp_path, digit):
    Image.fromarray(digit).save(tmp_path / "digit.png")
    return handle_file(tmp_path / "digit.png")


def test_a_program_can_ask_the_page_through_gradio_client(url, file, compared):
    client = Client(url, verbose=False)
    html, scores = client.predict(file, *ASKED.values(), api_name="/compare")
    assert html.count("<img") == len(compared)
    assert {name: row["psnr"] for name, row in scores.items()} == {
        answer.name: pytest.approx(answer.psnr, abs=1e-3) for answer in compared[1:]
    }


def test_nothing_but_the_two_answers_is_offered_to_programs(url):
    named = Client(url, verbose=False).view_api(return_format="dict")["named_endpoints"]
    assert list(named) == ["/compare", "/clean"]


@pytest.mark.parametrize(
    ("sigma", "seed", "said"),
    [("NaN", "0", "units of the [0, 1] range"), ("0.4", "1.5", "not a whole number")],
)
def test_what_no_slider_can_send_is_refused_in_words_too(url, file, sigma, seed, said):
    with Path(file["path"]).open("rb") as picture_file:
        (path,) = httpx.post(
            f"{url}gradio_api/upload", files={"files": picture_file}, timeout=60
        ).json()
    sent = json.dumps({"path": path, "meta": {"_type": "gradio.FileData"}})
    settings = f'"gaussian", true, {sigma}, {seed}, "{FAMILY}", ["nearest"], "pictures"'
    body = f'{{"data": [{sent}, {settings}]}}'
    address, kind = f"{url}gradio_api/call/compare", {"Content-Type": "application/json"}
    event = httpx.post(address, content=body, headers=kind, timeout=60).json()["event_id"]
    assert said in httpx.get(f"{address}/{event}", timeout=60).text


@pytest.mark.parametrize(
    ("address", "largest"),
    [
        ("gradio_api/call/compare", body_limit.LARGEST_BODY),
        ("gradio_api/upload", body_limit.LARGEST_FILE + body_limit.FRAME),
    ],
)
def test_a_request_that_is_too_large_is_answered_with_413(url, address, largest):
    body = b"x" * (largest + 1)
    # If the response precedes the end of the body, the server may close the connection instead.
    with contextlib.suppress(httpx.TransportError):
        assert httpx.post(url + address, content=body, timeout=60).status_code == 413


def test_an_upload_may_be_as_large_as_a_file_may(url):
    sent = httpx.post(
        f"{url}gradio_api/upload",
        files={"files": ("a.bin", b"x" * body_limit.LARGEST_FILE)},
        timeout=60,
    )
    assert sent.status_code == 200


def test_many_people_at_once_each_get_their_own_answer(url, file, digit):
    found = {}

    def ask(seed):
        settings = ASKED | {"seed": seed}
        found[seed] = Client(url, verbose=False).predict(
            file, *settings.values(), api_name="/compare"
        )[1]

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 1, 2, 3]
    for seed, scores in found.items():
        expected = answers.compare(digit, **SETTINGS | {"seed": seed})[1]
        assert scores["noisy"]["psnr"] == pytest.approx(expected.psnr, abs=1e-3)


@pytest.mark.parametrize("noise", NOISES.names())
def test_the_page_says_the_level_in_the_unit_of_its_noise(noise):
    said = page_sentence(noise)
    assert NOISES[noise].label in said
    assert ("on the 0-255 scale" in said) == (noise == "gaussian")
    assert noise == "gaussian" or NOISES[noise].facts["unit"].partition(",")[0] in said


@pytest.mark.parametrize("noise", NOISES.names())
def test_the_label_of_the_slider_names_the_unit_of_its_noise(noise):
    label = compare.level_label(noise)
    assert ("sigma" in label) == (noise == "gaussian")
    assert noise == "gaussian" or NOISES[noise].facts["unit"].partition(":")[0] in label


def page_sentence(noise):
    picture = np.full((28, 28), 128, np.uint8)
    return compare._settings(picture, noise, True, 0.2, 0, "mnist")
