"""State and sentences of the board of two trainings."""

import json

import numpy as np
import pytest

from demo.compute.race import Asked, Point, Race
from demo.compute.seeds import Committed
from demo.compute.trainer import shown
from demo.widgets import training_board
from demo.widgets.training_board import lead, state, verdict, worth


@pytest.fixture
def race():
    return Race(Asked(("nearest", "transposed_k3"), "autoencoder", "glyphs", 0.4, False, 20, 0))


@pytest.fixture
def ended(race):
    image = shown(race.asked.clean, race.asked.clean * 0.5)
    race.points.append(Point(3200, 19.6, (20.5, 21.0)))
    race.outputs = [image, image]
    race.end, race.scores, race.counts = "time", [20.0, 20.25], [155, 40]
    return race


def test_before_a_training_the_board_shows_the_noisy_and_the_clean_image(race):
    made = json.loads(json.dumps(state(race, "Ready.", "ready")))
    assert made["images"]["first"] is made["images"]["second"] is None
    assert made["images"]["noisy"]["psnr"] == pytest.approx(made["noisy_psnr"])
    assert (made["points"], made["commands"], made["lead"], made["share"]) == ([], [], "", 0)


def test_the_state_has_both_scores_of_each_point(ended):
    made = json.loads(json.dumps(state(ended, "Training.")))
    assert made["points"] == [[3200, 19.6, 20.5, 21.0]]
    assert made["share"] == pytest.approx(0.98)
    assert [one["label"] for one in made["decoders"]] == [
        "Upsampling nearest + conv 3x3", "Transposed conv 3x3",
    ]  # fmt: skip


def test_the_lead_names_the_network_with_the_higher_score(ended):
    assert lead(ended) == (
        "After 3,200 images (20 s): Transposed conv 3x3 is 0.50 dB ahead of Upsampling nearest + "
        "conv 3x3 (21.00 against 20.50 dB)."
    )
    ended.points.append(Point(3300, 20, (21.001, 21.0)))
    assert "both networks have 21.00 dB" in lead(ended)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("time", "Done after 3,200 images"),
        ("stopped", "Stopped after 3,200 images, without the cooldown"),
        ("late", "The server was busy"),
    ],
)
def test_the_verdict_says_how_the_training_ended_and_on_how_many_images(ended, end, words):
    ended.end = end
    said = verdict(ended)
    assert said.startswith(words)
    assert "Transposed conv 3x3 is 0.25 dB ahead" in said
    assert "155 different images were trained on, 40 held-out images were scored." in said
    assert "One training is one draw" in said
    assert "your drawings" not in said


def test_the_verdict_on_drawings_says_what_the_scores_show(ended):
    own = Asked(
        ("nearest", "transposed_k3"), "unet", "drawings", 0.4, False, 20, 0,
        (np.full((28, 28), 99, np.uint8),),
    )  # fmt: skip
    ended.asked = own
    assert "variants of your drawings" in verdict(ended)


def test_one_training_is_compared_with_the_committed_seeds():
    pair = ("nearest", "transposed_k3")
    said = worth(pair, Committed(0.4, -0.25, 3, 0.08))
    assert "Upsampling nearest + conv 3x3 is on average 0.25 dB behind Transposed conv 3x3" in said
    assert "the seed alone changes a network by 0.08 dB" in said
    assert worth(pair, None) == "One training is one draw: another seed may reverse a small lead."


def test_a_board_serves_its_files():
    made = training_board.TrainingBoard({}, label="Training")
    config = made.get_config()
    assert "<canvas" in config["html_template"]
    assert "props.value" in config["js_on_load"]
