"""The committed first result: it is what the shipped weights compute."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from demo import first_result, opening

URL = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
NUMBER = re.compile(r"(?<![\w#])\d+(?:,\d{3})*(?:\.\d+)?(?: (?:ms|dB))?")
DECIBELS = 0.1  # dB: between processors, of which some compute in bfloat16
PIXELS = 2.0  # mean difference of two images, of 255


def parts(html):
    """Return the text with places for its images and numbers, the images, and the numbers."""
    images = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(url))), float)
        for url in URL.findall(html)
    ]
    text = URL.sub("IMAGE", html)
    return NUMBER.sub("NUMBER", text), images, NUMBER.findall(text)


def value(number):
    return float(number.partition(" ")[0].replace(",", ""))


@pytest.fixture(scope="module")
def both():
    committed = json.loads(opening.COMMITTED.read_text(encoding="utf-8"))
    return committed, first_result.computed()


def test_the_introduction_is_that_of_the_page(both):
    committed, computed = both
    assert committed["introduction"] == computed["introduction"]


def test_the_committed_result_is_that_of_the_shipped_weights(both):
    committed, computed = (one["outputs"] for one in both)
    assert list(committed) == list(computed) != []
    for name, html in committed.items():
        text, images, numbers = parts(html)
        now, new_images, new_numbers = parts(computed[name])
        assert text == now, "run python -m demo.first_result"
        for old, new in zip(images, new_images, strict=True):
            assert np.abs(old - new).mean() < PIXELS
        for old, new in zip(numbers, new_numbers, strict=True):
            assert old.endswith(" ms") == new.endswith(" ms")
            if old.endswith(" dB"):
                assert abs(value(old) - value(new)) < DECIBELS
