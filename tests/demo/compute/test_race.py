"""Requests for a training, and its process."""

import json
import os
import sys

import numpy as np
import pytest

from demo.compute import race, trainer
from demo.compute.race import Asked, Race

USUAL = {
    "decoders": ("nearest", "transposed_k3"),
    "backbone": "unet",
    "data": "glyphs",
    "sigma": 0.4,
    "blind": False,
    "seconds": 10,
    "seed": 0,
}


def asked(**changes):
    return Asked(**USUAL | changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decoders": ("nearest", "nearest")}, "both decoders are the same"),
        ({"decoders": ("nearest", "none")}, "unknown decoder"),
        ({"data": "drawings"}, "there is no drawing to train on"),
        ({"backbone": "dncnn"}, "the network 'dncnn' is not one of unet, autoencoder"),
        ({"data": "bsd68"}, "the images 'bsd68' are not one of"),
        ({"seconds": 61}, "seconds is 61; valid: 10 to 60"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"seconds": True}, "seconds is 1"),
        ({"sigma": 0}, "sigma is 0; valid: 0.1 to 0.8"),
        ({"seed": 1.5}, "seed"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_request_that_cannot_be_trained_is_refused_in_one_line(change, words):
    with pytest.raises(ValueError, match=words) as error:
        asked(**change)
    assert "\n" not in str(error.value)


def test_settings_differ_in_the_decoder_alone():
    one, other = (settings.plain() for settings in asked(blind=True).settings)
    assert {key for key in one if one[key] != other[key]} == {"decoder"}
    assert one["sigma"] == [0.0, 0.4]


def test_the_latest_drawing_is_watched():
    drawn = np.arange(784, dtype=np.uint8).reshape(28, 28)
    shown = Race(asked(data="drawings", drawn=(drawn * 0, drawn))).clean["pixels"]
    assert np.array_equal(trainer.unpacked(shown), drawn)


def test_mnist_is_offered_only_if_it_is_there(monkeypatch, tmp_path):
    monkeypatch.setenv("DENOISE_DATA", str(tmp_path))
    assert race.offered() == ["glyphs", "drawings"]


@pytest.fixture
def process(monkeypatch):
    """Return a function that replaces the training process by a script."""

    def replace(script):
        monkeypatch.setattr(race, "COMMAND", (sys.executable, "-c", script))
        monkeypatch.setattr(race, "MOMENT", 0.01)
        return Race(asked())

    return replace


POINT = {"images": 32, "seconds": 1, "psnr": [20, 21], "noisy_psnr": 11,
         "outputs": [{"pixels": "", "psnr": 9}] * 2}  # fmt: skip
DONE = {"end": "time", "scores": [20, 21], "counts": [5, 6], "commands": ["a", "b"],
        "archive": False}  # fmt: skip
WRITES = "import json, sys; request = json.loads(sys.stdin.readline()); "


def test_points_come_from_the_process(process):
    made = process(WRITES + f"print({json.dumps(POINT)!r}); print({json.dumps(DONE)!r})")
    assert list(made.steps())
    assert made.points == [race.Point(32, 1, (20, 21))]
    assert (made.end, made.scores, made.noisy_psnr) == ("time", [20, 21], 11)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("print('{\"diverged\": 7}')", "a training diverged after 7 steps"),
        ("sys.exit(1)", "the training ended before its result"),
    ],
)
def test_a_process_that_fails_is_one_line(process, script, words):
    with pytest.raises(ValueError, match=words):
        list(process(WRITES + script).steps())


def test_a_process_that_says_nothing_is_ended(process, monkeypatch):
    monkeypatch.setattr(race, "PATIENCE", -20.0)
    with pytest.raises(ValueError, match="too busy"):
        list(process("import time; time.sleep(600)").steps())


def test_a_visitor_who_leaves_ends_the_process(process):
    made = process("import time; time.sleep(600)")
    steps = made.steps()
    next(steps)
    steps.close()
    assert made._process.returncode == -9


def test_a_stop_reaches_the_process(process):
    made = process(WRITES + f"sys.stdin.readline(); print({json.dumps(DONE)!r})")
    steps = made.steps()
    next(steps)
    made.stop()
    list(steps)
    assert made.stopped
    assert made.end == "time"
    made.stop()  # the process has ended: nothing happens


def test_the_process_sees_no_secret(process, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    shown = json.dumps(DONE | {"commands": ["NAMES"]})
    script = f"import os; print({shown!r}.replace('NAMES', ' '.join(os.environ)))"
    made = process(WRITES + script)
    list(made.steps())
    assert "HF_TOKEN" in os.environ
    assert "HF_TOKEN" not in made.commands[0]
    assert "DENOISE_DATA" in made.commands[0]


@pytest.mark.slow
def test_a_real_training_on_letters_gives_both_networks():
    made = Race(asked())
    for _ in made.steps():
        pass
    assert made.end in ("time", "late")
    assert made.points[-1].images > 0
    assert (made.archive is not None) == (made.end == "time")
