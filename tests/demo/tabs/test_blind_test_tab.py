"""The Blind test tab: the page gets no solution before a guess."""

import base64
import json
import re
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest

from demo.compute import blind_test as computed
from demo.compute.blind_test import DECODER, LEVELS, ROUNDS, SHOWN
from demo.tabs import blind_test
from denoise.decoders import DECODERS

IMAGES, NOISE, SEED = "mnist", LEVELS[-1], 7


def act(guesses, shown=False, seed=SEED):
    event = SimpleNamespace(seed=seed, guesses=guesses, shown=shown)
    return blind_test.play(IMAGES, NOISE, event)


@pytest.fixture(scope="module")
def rounds():
    return computed.rounds(IMAGES, NOISE, SEED)


def test_before_a_guess_the_outputs_differ_in_pixels_alone():
    html = act([])
    outputs = html.partition('class="outputs"')[2]
    figures = re.findall("<figure>.*?</figure>", outputs)
    assert len(figures) == len(SHOWN)
    urls = [re.search('src="([^"]+)"', figure)[1] for figure in figures]
    assert len({len(base64.b64decode(url.partition(",")[2])) for url in urls}) == 1
    bare = {
        re.sub(r"\d", "#", figure.replace(url, ""))
        for figure, url in zip(figures, urls, strict=True)
    }
    assert len(bare) == 1


def test_before_a_guess_no_name_score_or_clean_image_stands_in_the_page(rounds):
    without_images = re.sub('src="[^"]+"', "", act([]))
    for name in SHOWN:
        assert name not in without_images.replace("transposed convolution", "")
        assert DECODERS[name].label not in without_images
    assert " dB" not in without_images
    assert act([]).count("<img") == 1 + len(SHOWN)


def test_after_a_guess_every_name_psnr_and_the_clean_image_are_shown(rounds):
    html = act([rounds[0].solution], shown=True)
    assert all(DECODERS[name].label in html for name in SHOWN)
    assert all(f"{output.psnr:.2f} dB" in html for output in rounds[0].outputs)
    assert "Clean image</figcaption>" in html
    assert ">Right.</p>" in html
    wrong = rounds[0].solution % 3 + 1
    said = f">Wrong: output {rounds[0].solution} is the transposed convolution.</p>"
    assert said in act([wrong], shown=True)


def test_the_next_round_is_hidden_again(rounds):
    html = act([1])
    assert "Round 2 of 10" in html
    assert html.count("data-guess=") == len(SHOWN)


def test_after_ten_rounds_the_score_stands_with_its_interval_and_p(rounds):
    right = [one.solution for one in rounds]
    guesses = [*right[:5], *(solution % 3 + 1 for solution in right[5:])]
    html = act(guesses)
    assert "You found 5 of 10" in html
    assert "Guessing gives 3.3. 95 % interval of your share: 19 % to 81 %" in html
    assert "21 of 100 visitors would find at least as many (p = 0.213)" in html
    assert "do not show that you can tell the outputs apart" in html
    assert json.loads(unescape(re.search('data-extra="([^"]+)"', html)[1])) == {"found": 5}
    assert html.count('<figure class="right') == ROUNDS


def test_a_start_without_a_seed_draws_one_and_a_link_keeps_its_own():
    seeds = {re.search('data-seed="([0-9]+)"', act([], seed=None))[1] for _ in range(3)}
    assert len(seeds) == 3
    assert f'data-seed="{SEED}"' in act([])


@pytest.mark.parametrize(
    "event",
    [
        {"seed": 1, "guesses": [4], "shown": True},
        {"seed": 1, "guesses": "123", "shown": True},
        {"seed": 1, "guesses": [True], "shown": True},
        {"seed": 1, "guesses": [1] * 11, "shown": False},
        {"seed": -1, "guesses": [], "shown": False},
        {"seed": "<b>", "guesses": [], "shown": False},
    ],
)
def test_an_invalid_act_is_refused(event):
    with pytest.raises(ValueError, match="invalid|the seed"):
        blind_test.play(IMAGES, NOISE, SimpleNamespace(**event))


def test_the_solution_in_the_board_is_the_transposed_convolution(rounds):
    for one in rounds:
        assert one.outputs[one.solution - 1].decoder == DECODER
        others = [output.image for output in one.outputs if output.decoder != DECODER]
        assert not any(
            np.array_equal(image, one.outputs[one.solution - 1].image) for image in others
        )
