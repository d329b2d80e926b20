"""The Photo tab: pictures with every bit, noise that is added or there already, and the clean file."""

import runpy
import sys
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image

import denoise
from demo import gpu, page, photo, photographs, wipe
from denoise import picture_files
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt

CAMERA = photo._path("camera.png")


@pytest.fixture(scope="module")
def camera():
    return picture_files.read(CAMERA)


@pytest.fixture(scope="module")
def added(camera):
    return photographs.add_and_clean(camera, "photograph", 25, seed=3)


def test_noise_is_added_as_papers_do_and_scored_against_the_picture(camera, added):
    truth = torch.from_numpy(camera.pixels).permute(2, 0, 1)[None].float() / 255
    noisy = corrupt(truth, 25 / 255, PictureDraws([3]), clip=False)
    estimate = denoise.load("photo-gray").estimate(noisy)
    expected = psnr(noisy.clamp(0, 1), truth).item(), psnr(estimate, truth).item()
    assert added.psnr == pytest.approx(expected, abs=1e-3)
    assert added.psnr[1] > added.psnr[0] + 5
    assert added.ssim[1] > added.ssim[0]


def test_the_level_of_the_noise_is_told_from_the_picture(added):
    assert added.estimate == pytest.approx(25, abs=1.5)


def test_a_noisy_picture_is_cleaned_without_scores_and_with_every_bit_of_its_file(tmp_path):
    noisy = np.random.default_rng(0).integers(20_000, 40_000, (40, 52, 3), dtype=np.uint16)
    picture_files.write(picture_files.PictureFile(noisy, False, _spec(noisy)), tmp_path / "a.png")
    found = photographs.clean(picture_files.read(tmp_path / "a.png"))
    assert (found.psnr, found.ssim) == (None, None)
    assert found.network == "photo-color"
    assert (found.file.pixels.dtype, found.file.pixels.shape) == (np.uint16, (40, 52, 3))
    assert (found.before.dtype, found.before.shape) == (np.uint8, (40, 52, 3))
    assert found.file.pixels.std() < noisy.std()


def _spec(pixels):
    height, width, channels = pixels.shape
    return picture_files.oiio.ImageSpec(width, height, channels, str(pixels.dtype))


def test_the_level_that_is_told_decides_how_much_is_taken(camera):
    little, much = (photographs.clean(camera, sigma=sigma).after.astype(float) for sigma in (5, 80))
    before = camera.pixels[..., 0].astype(float)
    assert np.abs(little - before).mean() < np.abs(much - before).mean()


def test_pages_are_cleaned_by_the_network_for_pages(camera):
    assert photographs.clean(camera, "page").network == "document"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sigma": 101}, "The level 101 is not in 0 to 100"),
        ({"sigma": float("nan")}, "The level nan is not in 0 to 100"),
        ({"sigma": True}, "The level True"),
        ({"seed": 1.5}, "The seed 1.5 is not a whole number"),
        ({"kind": "cat"}, "The kind 'cat' is not one of photograph, page"),
        ({"task": "melt"}, "The task 'melt' is not one of add, clean"),
    ],
)
def test_bad_settings_are_refused_in_one_readable_sentence(camera, changed, said):
    with pytest.raises(gr.Error) as refusal:
        photo.show(camera, **photo.FIRST | changed)
    assert refusal.value.message.startswith(said)
    assert refusal.value.message.endswith(".")


def test_a_large_picture_is_shown_smaller_and_says_so():
    large = np.zeros((40, 3 * wipe.LARGEST_SIDE), np.uint8)
    done = photographs.Cleaned(large, large, None, "photo-gray", 1.0)
    assert "Shown smaller than it is" in wipe.wipe(done)
    assert "Shown smaller" not in wipe.wipe(photographs.Cleaned(large[:, :90], large[:, :90], None, "photo-gray", 1.0))


def test_the_tab_opens_with_a_result_and_every_picture_has_a_text():
    (html,) = (
        c["props"]["value"] for c in page.build().get_config_file()["components"] if c["props"].get("elem_id") == "wipe"
    )
    assert html.count("<img") == html.count('alt="') == 2
    assert 'alt="Cleaned by photo-gray; left of the line: noisy"' in html  # one text for both: they lie in one place


def test_where_a_gpu_is_lent_a_large_picture_borrows_it_and_all_else_stays_on_the_processor(monkeypatch):
    lent = []
    of_spaces = SimpleNamespace(GPU=lambda function: lent.append(function.__name__) or function)
    monkeypatch.setitem(sys.modules, "spaces", of_spaces)
    monkeypatch.setitem(sys.modules, "spaces.config", SimpleNamespace(Config=SimpleNamespace(zero_gpu=True)))
    own = runpy.run_path(gpu.__file__)
    assert (own["BORROWED"], own["DEVICE"]) == (True, "cpu")
    assert own["lent"](photographs._borrowing) is photographs._borrowing
    assert lent == ["_borrowing"]

    borrowed = []
    monkeypatch.setattr(gpu, "BORROWED", True)
    monkeypatch.setattr(photographs, "_borrowing", lambda name, noisy, level: borrowed.append(noisy.shape) or noisy)
    for side in (512, 513):
        photographs._timed("photo-gray", torch.zeros(1, 1, side, side), None)
    assert borrowed == [(1, 1, 513, 513)]


@pytest.fixture(scope="module")
def client():
    blocks = page.build()
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **page.launch_options())
    yield Client(address, verbose=False)
    blocks.close(verbose=False)


def test_a_program_gets_the_clean_file_at_full_size(client, tmp_path):
    noisy = np.random.default_rng(0).integers(0, 256, (48, 60), dtype=np.uint8)
    Image.fromarray(noisy).save(tmp_path / "noisy.png")
    _, scores, file = client.predict(
        handle_file(tmp_path / "noisy.png"), "clean", "photograph", 0, 0, api_name="/clean"
    )
    assert scores["network"] == "photo-gray"
    assert "psnr" not in scores
    expected = denoise.load("photo-gray")(noisy)
    assert np.array_equal(np.asarray(Image.open(file)), expected)


def test_what_is_too_large_is_refused_before_it_is_decoded(client, tmp_path):
    Image.new("1", (2_100, 2_000)).save(tmp_path / "large.png")
    with pytest.raises(Exception, match="2100x2000 is above 4,000,000 pixels"):
        client.predict(handle_file(tmp_path / "large.png"), "clean", "photograph", 0, 0, api_name="/clean")
