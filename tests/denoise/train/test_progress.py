"""Progress and results of a training: bar or lines, table, strip of images, commands."""

import dataclasses
import io
import json
import shlex

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

import denoise.__main__
from bench import __main__ as bench
from denoise import cli, datasets
from denoise.models import weights
from denoise.train import loop, progress, report
from denoise.train.run import Run
from denoise.train.settings import Settings
from denoise.train.validate import Scores, evaluate

# 10 steps
TINY = Settings(dataset="glyphs", width=4, depth=1, images=80, batch=8, precision="float32")
SCORES = Scores({0.1: 20.0, 0.3: 18.0}, {0.1: 17.0, 0.3: 11.0}, 0.5)


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self):
        return True


def shown(monkeypatch, stream, show=True):
    monkeypatch.setattr("sys.stderr", stream)
    return progress.Shown("it", TINY, 0, show)


def test_the_bar_shows_the_loss_and_the_validation_beside_the_noisy_input(monkeypatch):
    stream = Terminal()
    with shown(monkeypatch, stream) as bar:
        bar.loss(0.12345)
        bar.scores(SCORES)
        for _ in range(10):
            bar.step()
    last = stream.getvalue().split("\r")[-1]
    assert last.startswith("it 100%|")
    assert "loss 0.1235, validation 19.00 dB (noisy input 14.00)" in last


def test_without_a_terminal_there_is_a_line_every_30_seconds(monkeypatch, caplog):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    caplog.set_level("INFO")
    with shown(monkeypatch, io.StringIO()) as lines:
        lines.loss(0.5)
        for step in range(9):
            now[0] += 12.0
            if step == 4:
                lines.scores(SCORES)
            lines.step()
    assert caplog.messages == [
        "it: 30 % (24 of 80 images), loss 0.5, 01:24 left",
        "it: 60 % (48 of 80 images), loss 0.5, validation 19.00 dB (noisy input 14.00), 00:48 left",
        "it: 90 % (72 of 80 images), loss 0.5, validation 19.00 dB (noisy input 14.00), 00:12 left",
    ]


def test_a_training_that_shows_nothing_validates_for_nobody(monkeypatch):
    stream = Terminal()
    with shown(monkeypatch, stream, show=False) as nothing:
        monkeypatch.setattr(progress, "PEEK", -1.0)
        nothing.peek(lambda: pytest.fail("validated"))
        nothing.step()
    assert stream.getvalue() == ""


def test_the_first_validation_comes_soon_and_later_ones_take_a_small_share_of_time(monkeypatch):
    now, validated = [0.0], []
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def score():
        validated.append(now[0])
        now[0] += 1.0  # a second each
        return SCORES

    with shown(monkeypatch, io.StringIO()) as lines:
        for _ in range(200):
            now[0] += 0.5
            lines.peek(score)
    assert validated == [5.0, 56.0]  # 2 % of the time: 50 seconds later


def test_what_is_validated_to_be_shown_changes_neither_weights_nor_card(tmp_path, monkeypatch):
    counted, peek = [], Run.peek
    monkeypatch.setattr(Run, "peek", lambda run: counted.append(run.done) or peek(run))
    plain, often = (tmp_path / name for name in ("plain", "often"))
    plain = loop.train(TINY, plain, every=4, show=False)
    assert not counted
    monkeypatch.setattr(progress, "PEEK", -1.0)
    monkeypatch.setattr(progress, "SHARE", 1e9)
    often = loop.train(TINY, often, every=4)
    assert counted == [1, 2, 3, 5, 6, 7, 9, 10]  # steps 4 and 8 are points of the curve
    one, other = (safetensors.torch.load_file(path) for path in (plain, often))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    cards = [json.loads(path.with_suffix(".json").read_text()) for path in (plain, often)]
    for card in cards:
        del card["seconds"]
    assert cards[0] == cards[1]


def test_the_noisy_input_is_scored_as_every_output_is():
    """Check an error of sigma**2 / 2: clamping halves the noise on black and on white."""
    flat = (
        torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 1, 64, 64).contiguous()
    )
    pictures = datasets.Pictures("it", "val", flat, ("a", "b"), ("a", "b"))
    for clip in (True, False):
        settings = dataclasses.replace(TINY, sigma=(0.1, 0.1), clip=clip)
        scores = evaluate(weights.build(TINY.network()), pictures, settings)
        assert scores.noisy[0.1] == pytest.approx(-10 * np.log10(0.1**2 / 2), abs=0.15)
        assert scores.psnr.keys() == scores.noisy.keys() == {0.1}


CARD = {
    "settings": {"noise": "gaussian"},
    "data": {"validation": 1_234},
    "validation_psnr": {"0": 30.0, "0.1": 21.5, "0.0980392": 19.0},
    "noisy_psnr": {"0": None, "0.1": 20.0, "0.0980392": 20.25},
}


def test_the_table_has_noisy_input_output_and_gain_by_sigma():
    lines = [line.split() for line in report.table(CARD).splitlines()]
    assert " ".join(lines[0]) == "Validation PSNR in dB, mean of 1,234 held-out images:"
    assert lines[2] == ["sigma", "of", "255", "noisy", "input", "denoised", "gain"]
    assert lines[4:7] == [
        ["0", "0", "exact", "30.00"],
        ["0.1", "25.5", "20.00", "21.50", "+1.50"],
        ["0.098", "25", "20.25", "19.00", "-1.25"],
    ]
    assert "train longer (--images)" in report.table(CARD)


def test_a_table_without_harm_gives_no_advice_and_that_of_another_noise_has_levels():
    card = CARD | {"settings": {"noise": "salt_pepper"}, "validation_psnr": {"0.1": 21.5}}
    text = report.table(card)
    assert "longer" not in text
    assert [line.split() for line in text.splitlines()[2:5:2]] == [
        ["level", "noisy", "input", "denoised", "gain"],
        ["0.1", "20.00", "21.50", "+1.50"],
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folder of a command-line training run, and its printed text."""
    out = tmp_path_factory.mktemp("my runs")
    words = [*cli.words(TINY), "--out", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", printed := io.StringIO())
        loop.main(words)
    return out, printed.getvalue()


def test_a_training_ends_with_a_table_a_strip_and_the_commands_and_no_dict(made):
    out, printed = made
    assert "noisy input    denoised" in printed
    assert (
        f"{out / 'glyphs-nearest.png'} shows 6 held-out images: clean, noisy at 0.4, denoised."
        in printed
    )
    assert "{" not in printed
    assert sorted(path.name for path in out.iterdir()) == [
        f"glyphs-nearest.{ending}" for ending in ("json", "png", "safetensors")
    ]
    with Image.open(out / "glyphs-nearest.png") as image:
        assert image.width > image.height > 300


def test_the_commands_at_the_end_do_what_they_say(made, tmp_path, monkeypatch):
    _, printed = made
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.full((9, 11), 99, np.uint8)).save("noisy.png")
    clean, measure, python = (
        line.strip() for line in printed.splitlines() if line.startswith("  ") and "/" in line
    )
    module, words = shlex.split(clean)[2], shlex.split(clean)[3:]
    assert module == "denoise"
    assert denoise.__main__.main(words) == 0
    assert Image.open("clean.png").size == (11, 9)
    assert shlex.split(measure)[:3] == ["python", "-m", "bench"]
    bench.main([*shlex.split(measure)[3:], "--pictures", "2", "--out", "table"])
    assert "glyphs-nearest" in (tmp_path / "table" / "table.csv").read_text()
    image = np.zeros((5, 6))
    assert eval(python.partition("#")[0], {"denoise": denoise, "image": image}).shape == (5, 6)


def test_the_strip_has_clean_noisy_and_denoised_images_in_rows(made):
    path = made[0] / "glyphs-nearest.safetensors"
    held_out = datasets.load("glyphs", "val").spread(2)
    figure = report.strip(path, held_out, TINY, 0.4)
    rows = [[axes.images[0].get_array() for axes in row] for row in np.reshape(figure.axes, (3, 2))]
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["clean", "noisy, 0.4", "denoised"]
    for index, clean in enumerate(rows[0]):
        np.testing.assert_allclose(clean, held_out[index][0] / 255, atol=1e-6)
        found = -10 * np.log10(np.square(rows[1][index] - clean).mean())
        assert figure.axes[2 + index].get_xlabel() == f"{found:.2f} dB"
        assert np.abs(rows[2][index] - clean).max() > 0


def test_a_strip_of_large_images_shows_their_middle(made):
    image = torch.arange(200, dtype=torch.uint8).view(1, 1, 1, 200).expand(1, 1, 150, 200)
    pictures = datasets.Pictures("it", "val", image, ("a",), ("a",))
    figure = report.strip(made[0] / "glyphs-nearest.safetensors", pictures, TINY, 0.1)
    shown = figure.axes[0].images[0].get_array()
    assert shown.shape == (128, 128)
    assert (shown[0, 0] * 255).round() == 36


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "--datasets glyphs --methods noisy median runs/it.safetensors"),
        ({"dataset": "train400"}, "--datasets set12 --methods noisy median runs/it.safetensors"),
        (
            {"dataset": "folder:my pictures", "clip": False},
            "--datasets 'folder:my pictures' --methods noisy median",
        ),
        ({"clip": False}, "safetensors --unclipped"),
        ({"noise": "poisson"}, "safetensors --noise poisson"),
    ],
)
def test_the_benchmark_is_of_what_the_network_was_trained_for(
    options, words, tmp_path, monkeypatch
):
    monkeypatch.setenv("DENOISE_DATA", str(tmp_path))  # a folder without photographs
    settings = dataclasses.replace(TINY, **options)
    assert words in report.commands(report.Path("runs/it.safetensors"), settings, None)
    assert f"--data-root {tmp_path}" in report.commands(
        report.Path("it.safetensors"), settings, tmp_path
    )
