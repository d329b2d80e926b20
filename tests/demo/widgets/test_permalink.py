"""Permalinks: a link restores the page, exact to the pixel."""

import re
from html import unescape
from types import SimpleNamespace
from urllib.parse import parse_qsl

import gradio as gr
import numpy as np
import pytest

from demo.compute import answers
from demo.compute.samples import samples
from demo.tabs import compare
from demo.widgets import permalink

SETTINGS = ("speckle", False, 0.25, 2**60 + 1, "notmnist", ["bilinear"], "spectra")


def query(address):
    return dict(parse_qsl(address.removeprefix("?")))


def follow(asked):
    return compare.restore(SimpleNamespace(query_params=asked))


def test_settings_and_picture_come_back_as_they_were():
    picture = np.random.default_rng(0).integers(0, 256, (28, 20), dtype=np.uint8)
    found = permalink.read(query(permalink.write(picture, *SETTINGS)), {})
    assert (found.pop("picture") == picture).all()
    assert tuple(found.values()) == SETTINGS


def test_the_page_offers_the_link_and_follows_it():
    picture = samples()[-1].image
    html, scores = compare.show(picture, *SETTINGS)
    (address,) = re.findall(r'<a href="([^"]+)">Permalink</a>', html)
    *inputs, again, found = follow(query(unescape(address)))
    assert (inputs[0] == picture).all()
    assert tuple(inputs[1:]) == SETTINGS
    assert re.findall("src=[^ ]+", again) == re.findall("src=[^ ]+", html)
    assert {name: row["psnr"] for name, row in found.items()} == {
        name: row["psnr"] for name, row in scores.items()
    }


def test_a_link_to_a_large_picture_holds_the_settings_alone_and_says_so():
    html, _ = compare.show(np.zeros((65, 30), np.uint8), *SETTINGS)
    (address,) = re.findall(r'<a href="([^"]+)">Permalink, without the image</a>', html)
    assert tuple(permalink.read(query(unescape(address)), {}).values()) == SETTINGS


def test_a_visit_without_a_link_changes_nothing():
    for asked in ({}, {"__theme": "dark"}):
        assert follow(asked) == gr.skip()


def test_what_a_link_lacks_is_as_the_page_opens():
    _, noise, clip, sigma, *_, chosen, view = follow({"sigma": "0.1"})[:-2]
    assert (noise, clip, sigma, view) == ("gaussian", True, 0.1, "pictures")
    assert chosen == list(answers.FIRST_ARMS)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"sigma": "loud"}, "Sigma in the link is not a number: 'loud'"),
        ({"sigma": "nan"}, "units of the"),
        ({"sigma": "0.7"}, "is not in 0 to 0.6"),
        ({"seed": "1.5"}, "Seed in the link is not a number"),
        ({"clip": "maybe"}, "Clip in the link is neither 0 nor 1"),
        ({"noise": "<b>"}, "Unknown noise"),
        ({"weights": "cats"}, "Unknown family of weights"),
        ({"decoders": "cats"}, "Unknown decoder"),
        ({"view": "cats"}, "Unknown view"),
        ({"picture": "iVBORw0KGgo"}, "copy the whole link"),
        ({"picture": "é"}, "copy the whole link"),
        ({"picture": "A" * 9_000}, "copy the whole link"),
        ({"picture": permalink._text(np.zeros((65, 4), np.uint8))}, "more than 64 pixels a side"),
    ],
)
def test_a_link_that_cannot_be_followed_is_answered_in_one_sentence(asked, said):
    with pytest.raises(gr.Error, match=re.escape(said)) as refused:
        follow(asked)
    assert "\n" not in refused.value.message
