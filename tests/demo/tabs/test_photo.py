"""The Photo tab: images at full bit depth, added or present noise, and the output file."""

import functools
import html
import json
import re
import runpy
import sys
import threading
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image

import denoise
from demo import page
from demo.compute import photographs, strength, warm, worker, zerogpu
from demo.guard import uploads
from demo.tabs import photo_events
from demo.widgets import before_after
from denoise.images import image_files
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt

ME, ANOTHER = SimpleNamespace(session_hash="me"), SimpleNamespace(session_hash="another")


@pytest.fixture(scope="module")
def camera():
    return photo_events._file("camera.png")


@pytest.fixture(scope="module")
def mine():
    """Return an upload: 60x48 pixels of noise, gray."""
    return of(np.random.default_rng(0).integers(0, 256, (48, 60, 1), dtype=np.uint8))


def of_programs(settings):
    return {name: settings[name] for name in photo_events.OF_PROGRAMS}


def of(pixels):
    return image_files.PictureFile(pixels, False, _spec(pixels))


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
    image_files.write(image_files.PictureFile(noisy, False, _spec(noisy)), tmp_path / "a.png")
    found = photographs.clean(image_files.read(tmp_path / "a.png"))
    assert (found.psnr, found.ssim) == (None, None)
    assert found.network == "photo-color"
    assert (found.file.pixels.dtype, found.file.pixels.shape) == (np.uint16, (40, 52, 3))
    assert (found.before.dtype, found.before.shape) == (np.uint8, (40, 52, 3))
    assert found.file.pixels.std() < noisy.std()


def _spec(pixels):
    height, width, channels = pixels.shape
    return image_files.oiio.ImageSpec(width, height, channels, str(pixels.dtype))


@pytest.mark.slow
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
        photo_events.show(camera, **of_programs(photo_events.FIRST | changed))
    assert refusal.value.message.startswith(said)
    assert refusal.value.message.endswith(".")


def test_an_upload_is_cleaned_as_it_is_and_no_setting_of_the_image_before_it_stays(mine):
    begun, *_, (*_, status, _) = photo_events.arrived(mine, ME)
    task, kind, sigma, seed, part, place, percent = begun[:7]
    assert (task, kind["value"], sigma["value"], seed) == ("clean", "photograph", 0, 0)
    assert (part["value"], part["visible"], place["visible"]) == ("all", False, False)
    assert percent == 100
    assert kind["info"].startswith("Looks like a photograph: ")
    assert "Your image, denoised blind." in status
    assert kind["info"] in html.unescape(status)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("index", "settings", "said"),
    [
        (
            0,
            ("add", "photograph", 25),
            "Noise of sigma 25 was added to the sample, then removed.",
        ),
        (3, ("clean", "page", 0), "The sample, denoised as a scanned page with stains."),
    ],
)
def test_a_sample_that_is_clean_gets_noise_and_the_stained_page_does_not(index, settings, said):
    begun, *_, (*_, status, _) = photo_events.choose(SimpleNamespace(index=index), ME)
    pixels, task, kind, sigma, seed = begun[:5]
    assert np.array_equal(pixels, photo_events.sample(list(photo_events.SAMPLES)[index])[0])
    assert (task, kind["value"], sigma["value"], seed) == (*settings, 0)
    assert said in status


@pytest.fixture
def done(mine):
    """Return a result of 1,200 ms, made without a network."""

    def done(**changed):
        shown = mine.pixels[..., 0]
        return photographs.Cleaned(
            shown, shown, mine, mine.pixels, "photo-gray", 1200.0, **{"estimate": 6.04, **changed}
        )

    return done


@pytest.mark.parametrize(
    ("changed", "lead", "rest"),
    [
        (
            {"sigma": 12},
            "Your image, denoised at sigma 12.",
            "Estimated noise: sigma 6.0 (0-255 scale). 60x48 pixels, network photo-gray, 1.2 s.",
        ),
        (
            {"kind": "page"},
            "Your image, denoised as a scanned page with stains.",
            "60x48 pixels, network photo-gray, 1.2 s.",
        ),
        (
            {"task": "add", "sigma": 7.5},
            "Noise of sigma 7.5 was added to your image, then removed.",
            "Estimated noise: sigma 6.0",
        ),
        ({"part": "half"}, "Your image, shrunk from 60x48, denoised blind.", ""),
    ],
)
def test_the_line_above_a_result_says_what_was_done_to_which_image(mine, done, changed, lead, rest):
    found = photo_events.summary(mine, done(), photo_events.AS_UPLOADED | changed)
    assert found[0] == lead
    assert found[1].startswith(rest)


def test_the_line_says_the_scores_where_the_clean_image_is_known(mine, done):
    asked = photo_events.AS_UPLOADED | {"task": "add"}
    _, rest = photo_events.summary(mine, done(psnr=(20.5, 30.25), ssim=(0.25, 0.75)), asked)
    assert rest.startswith("PSNR 20.50 → 30.25 dB, SSIM 0.250 → 0.750. Estimated noise")


def test_the_line_says_where_a_crop_lies(done):
    large = of(np.zeros((2_000, 3_000, 1), np.uint8))
    asked = photo_events.AS_UPLOADED | {"part": "middle", "place": (0.5, 1.0)}
    lead, _ = photo_events.summary(large, done(), asked)
    assert lead == "A crop of your image, from pixel (988, 976) of 3000x2000, denoised blind."


def test_a_large_upload_offers_a_crop_whose_place_the_visitor_chooses(monkeypatch):
    monkeypatch.setattr(photo_events, "_steps", lambda *_, **__: iter([()]))
    begun = next(photo_events.arrived(of(np.zeros((4_000, 5_000, 1), np.uint8)), ME))
    part, place = begun[4:6]
    assert (part["value"], part["visible"]) == ("middle", True)
    assert place["visible"]
    assert (place["value"]["wide"], place["value"]["tall"]) == (1024 / 5000, 1024 / 4000)
    assert photo_events.for_part("half")["visible"] is False
    assert photo_events.for_part("middle")["visible"] is True


def test_a_crop_is_denoised_at_the_place_of_the_frame(monkeypatch):
    pixels = np.arange(1_100 * 1_300).reshape(1_100, 1_300, 1).astype(np.uint16)
    cut = photo_events._planned(of(pixels), "clean", "photograph", 0, 0, "middle", (1.0, 0.0))[0]
    assert np.array_equal(cut.pixels, pixels[:1024, -1024:])


def test_while_an_image_is_cleaned_the_page_says_so_and_offers_no_file(mine):
    first, *_, last = photo_events.follow(mine, **photo_events.AS_UPLOADED, request=ME)
    assert (first[0], first[1], first[2]) == (gr.skip(), gr.skip(), gr.update(interactive=False))
    assert "Denoising your image…" in first[3]
    assert "<photo-viewer" in last[0]
    assert last[1]["network"] == "photo-gray"
    assert last[2]["interactive"] is True
    assert np.array_equal(last[2]["value"].pixels, denoise.load("photo-gray")(mine.pixels))


def test_the_strength_blends_a_result_without_its_network(mine, monkeypatch):
    *_, (*_, token) = photo_events.follow(mine, **photo_events.AS_UPLOADED, request=ME)
    monkeypatch.setattr(photographs, "_timed", None)  # a call of the network would fail
    waiting, file = photo_events.blended(token, 25)
    assert waiting["interactive"] is False
    assert file["interactive"] is True
    assert "at strength 25 %" in file["label"]
    output = denoise.load("photo-gray")(mine.pixels).astype(int)
    expected = np.floor(mine.pixels + 0.25 * (output - mine.pixels) + 0.5)
    assert np.array_equal(file["value"].pixels, expected)


def test_a_result_comes_at_the_strength_of_the_slider(mine):
    asked = photo_events.AS_UPLOADED | {"percent": 0}
    *_, last = photo_events.follow(mine, **asked, request=ME)
    assert np.array_equal(last[2]["value"].pixels, mine.pixels)
    assert "at strength 0 %" in last[2]["label"]


def test_a_result_that_was_deleted_and_a_bad_strength_are_refused_in_a_sentence(mine):
    with pytest.raises(gr.Error, match="no longer kept: denoise the image again"):
        list(photo_events.blended("0" * 32, 50))
    with pytest.raises(gr.Error, match="no longer kept"):
        list(photo_events.blended("../../etc", 50))
    asked = photo_events.AS_UPLOADED | {"percent": float("nan")}
    with pytest.raises(gr.Error, match="strength nan is not a whole number from 0 to 100"):
        list(photo_events.follow(mine, **asked, request=ME))


def test_the_file_follows_a_strength_that_was_moved_while_the_image_was_denoised(mine):
    *_, (_, scores, _, _, token) = photo_events.follow(mine, **photo_events.AS_UPLOADED, request=ME)
    assert list(photo_events.caught_up(scores, token, 100)) == [gr.skip()]
    *_, file = photo_events.caught_up(scores, token, 80)
    assert "at strength 80 %" in file["label"]
    assert list(photo_events.caught_up({}, "", 80)) == [gr.skip()]


def test_without_a_result_the_strength_changes_no_file():
    assert list(photo_events.blended("", 50)) == [gr.skip()]


def test_a_new_image_is_shown_in_place_of_the_result_of_the_one_before_it(mine):
    before = next(photo_events.arrived(mine, ME))[7]
    assert 'alt="Image to denoise"' in before
    assert "photo-viewer" not in before


def test_of_no_image_nothing_is_cleaned_and_the_page_says_what_to_do():
    ((html, scores, file, *_),) = photo_events.follow(None, **photo_events.AS_UPLOADED, request=ME)
    assert "Choose a sample or upload an image." in html
    assert (scores, file["interactive"]) == ({}, False)


@pytest.fixture
def held(monkeypatch):
    """Make denoising block until `go` is set; return the pair of `begun` and `go`."""
    begun, go = threading.Event(), threading.Event()
    real = photographs._timed

    def slow(*arguments):
        begun.set()
        with worker.giving_way():
            while not go.wait(0.01):
                torch.zeros(1)
        return real(*arguments)

    monkeypatch.setattr(photographs, "_timed", slow)
    monkeypatch.setattr(photo_events, "MOMENT", 0.01)
    yield begun, go
    go.set()


def started(held, steps):
    """Return the steps of an image whose denoising has begun."""
    next(steps)
    next(steps)
    assert held[0].wait(60)
    return steps


def test_a_newer_image_of_a_visitor_ends_the_older_job_which_says_nothing_more(held, mine):
    asked = functools.partial(photo_events.follow, mine, **photo_events.AS_UPLOADED)
    older, others = started(held, asked(request=ME)), asked(request=ANOTHER)
    newer = asked(request=ME)
    next(others)
    next(others)
    next(newer)
    assert all(step[0] == gr.skip() for step in older)
    held[1].set()
    assert "<photo-viewer" in list(newer)[-1][0]
    assert "<photo-viewer" in list(others)[-1][0]


def test_the_job_of_a_visitor_who_is_gone_ends(held, mine):
    steps = started(held, photo_events.follow(mine, **photo_events.AS_UPLOADED, request=ME))
    steps.close()  # as Gradio does
    # more work than the job, so that it waits for the job
    assert worker.start(lambda: None, 2**40).done(60)


def test_the_job_of_a_visitor_who_removes_the_image_ends(held, mine):
    steps = started(held, photo_events.follow(mine, **photo_events.AS_UPLOADED, request=ME))
    picture, html, _, file, *_ = photo_events.emptied(ME)
    assert (picture, file["value"], file["interactive"]) == (None, None, False)
    assert "Choose a sample" in html
    assert all(step[0] == gr.skip() for step in steps)


def test_a_visitor_cancels_the_job_and_the_last_thing_that_the_page_says_is_that(held, mine):
    steps = started(held, photo_events.follow(mine, **photo_events.AS_UPLOADED, request=ME))
    photo_events.cancelled(ANOTHER)
    *_, working, _ = next(steps)
    assert "Denoising" in working
    photo_events.cancelled(ME)
    *_, (before, _, file, line, token) = steps
    assert token == ""
    assert before == gr.skip()
    assert (file["value"], file["interactive"]) == (None, False)
    assert "Cancelled" in line


def test_the_line_says_how_many_other_photographs_are_in_work(held, mine):
    other = started(held, photo_events.follow(mine, **photo_events.AS_UPLOADED, request=ANOTHER))
    steps = photo_events.follow(mine, **photo_events.AS_UPLOADED, request=ME)
    next(steps)
    *_, line, _ = next(steps)
    assert "(1 other photograph in work)" in line
    other.close()


def test_the_tab_opens_with_a_sample_unless_the_visitor_has_a_result_or_a_job(
    held, mine, monkeypatch
):
    monkeypatch.setattr(photo_events, "first", lambda: "first")
    assert photo_events.opened(None, ME) == photo_events.opened("", ME) == "first"
    assert photo_events.opened(before_after.status("Cancelled."), ME) == gr.skip()
    steps = started(held, photo_events.follow(mine, **photo_events.AS_UPLOADED, request=ME))
    assert photo_events.opened(None, ME) == gr.skip()
    steps.close()


@pytest.mark.slow
def test_what_others_ask_meanwhile_runs_between_two_tiles_and_changes_no_bit_of_an_image(
    monkeypatch,
):
    noisy = np.random.default_rng(0).integers(0, 256, (260, 200, 3), dtype=np.uint8)
    expected = denoise.load("photo-color")(noisy)
    shares, answered, answers_by_then = [], [], []

    def ask(share):
        shares.append(share)
        answers_by_then.append(len(answered))
        worker._thread.add(
            worker.Job(lambda: answered.append(denoise.load("photo-gray")(noisy[:40, :40, 0])))
        )

    monkeypatch.setattr(worker, "report", ask)
    monkeypatch.setattr(photographs, "TILE_PIXELS", 100**2)
    found = worker.start(functools.partial(photographs.clean, of(noisy)), noisy.size).result()
    assert np.array_equal(found.file.pixels, expected)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert answers_by_then == list(range(len(shares)))
    assert len(shares) == 6


def test_a_large_image_goes_through_the_network_in_tiles_that_take_little_memory(monkeypatch):
    seen = []

    def forward(tile):  # leaves out the memory of the network itself
        seen.append(tuple(tile.shape))
        return torch.zeros_like(tile[:, :1])

    network = warm.network("photo-gray")
    monkeypatch.setattr(network._ready()[1].net, "forward", forward)
    photographs.clean(of(np.zeros((3_000, 4_000, 1), np.uint8)))
    assert len(seen) == 8 * 10
    assert max(height * width for _, _, height, width in seen) <= 512**2


def test_of_a_large_image_the_viewer_gets_a_small_copy_and_the_address_of_every_pixel(mine):
    large = np.random.default_rng(0).integers(0, 256, (40, 3_000), np.uint8)
    done = photographs.Cleaned(large, 255 - large, mine, mine.pixels, "photo-gray", 1.0)
    shown = before_after.wipe(done, {}, full=True)
    assert 'data-width="3000" data-height="40"' in shown
    addresses = json.loads(html.unescape(re.search('data-full="([^"]*)"', shown)[1]))
    for address, pixels in zip(addresses, (large, 255 - large), strict=True):
        path = address.removeprefix("gradio_api/file=")
        assert uploads.holds(path)
        assert np.array_equal(np.asarray(Image.open(path).convert("L")), pixels)
    assert "data-full" not in before_after.wipe(done, {})  # a program has the file


def test_an_image_too_long_for_webp_is_shown_small_and_loses_no_result(mine):
    long = np.zeros((2, before_after.LARGEST_WEBP + 1), np.uint8)
    done = photographs.Cleaned(long, long, mine, mine.pixels, "photo-gray", 1.0)
    assert "data-full" not in before_after.wipe(done, {}, full=True)


@pytest.mark.slow
def test_the_tab_opens_with_a_result_and_its_image_has_a_text():
    shown, _, file, _, token = photo_events.first()
    assert file["interactive"]
    assert 'data-label="Output of photo-gray; left of the line: noisy input"' in shown
    assert "at strength 40 %" in list(photo_events.blended(token, 40))[-1]["label"]


@pytest.mark.slow
def test_the_psnr_of_each_strength_follows_from_three_numbers(camera, added):
    before, product, after = added.errors
    truth = camera.pixels[..., 0] / 255
    for percent in (0, 60, 100):
        mixed = strength.at(added.noisy, added.file, percent).pixels[..., 0] / 255
        share = percent / 100
        mse = (1 - share) ** 2 * before + 2 * share * (1 - share) * product + share**2 * after
        # the file is rounded to 8 bits
        assert mse == pytest.approx(((mixed - truth) ** 2).mean(), rel=2e-3)


@pytest.mark.slow
def test_where_a_gpu_is_lent_a_large_picture_borrows_it_and_all_else_stays_on_the_processor(
    monkeypatch,
):
    lent = []
    of_spaces = SimpleNamespace(GPU=lambda function: lent.append(function.__name__) or function)
    monkeypatch.setitem(sys.modules, "spaces", of_spaces)
    monkeypatch.setitem(
        sys.modules, "spaces.config", SimpleNamespace(Config=SimpleNamespace(zero_gpu=True))
    )
    own = runpy.run_path(zerogpu.__file__)
    assert (own["BORROWED"], own["DEVICE"]) == (True, "cpu")
    assert own["lent"](photographs._borrowing) is photographs._borrowing
    assert lent == ["_borrowing"]

    borrowed = []
    monkeypatch.setattr(zerogpu, "BORROWED", True)
    made = photographs.Restored
    monkeypatch.setattr(
        photographs, "_borrowing", lambda name, x, level: borrowed.append(x.shape) or made(x, name)
    )
    for side in (512, 513):
        photographs._timed("photo-gray", torch.zeros(1, 1, side, side), None)
    assert borrowed == [(1, 1, 513, 513)]


@pytest.fixture(scope="module")
def client():
    blocks = page.build()
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **page.launch_options())
    yield Client(address, verbose=False)
    blocks.close(verbose=False)


def test_the_image_of_a_program_that_gives_no_settings_is_cleaned_as_it_is(client, tmp_path, mine):
    image_files.write(mine, tmp_path / "noisy.png")
    _, scores, file = client.predict(handle_file(tmp_path / "noisy.png"), api_name="/clean")
    assert "psnr" not in scores
    assert np.array_equal(
        np.asarray(Image.open(file)), denoise.load("photo-gray")(mine.pixels[..., 0])
    )


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
    Image.new("1", (7_500, 7_000)).save(tmp_path / "large.png")
    with pytest.raises(Exception, match="7500x7000 exceeds 52,000,000 pixels"):
        client.predict(
            handle_file(tmp_path / "large.png"), "clean", "photograph", 0, 0, api_name="/clean"
        )


def test_of_an_image_that_is_too_large_for_one_job_a_part_can_be_had(client, tmp_path):
    Image.new("1", (5_000, 4_000)).save(tmp_path / "large.png")
    asked = handle_file(tmp_path / "large.png"), "clean", "photograph", 0, 0
    with pytest.raises(
        Exception, match="5000x4000 pixels; at most 16,800,000 are denoised: choose part"
    ):
        client.predict(*asked, "all", api_name="/clean")
