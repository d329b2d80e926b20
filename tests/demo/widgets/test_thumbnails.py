"""Thumbnails: every image exactly, with its label escaped, and its index for the event."""

import base64
import io
import re

import numpy as np
from PIL import Image

from demo.widgets.thumbnails import Thumbnails


def test_each_image_is_a_button_with_its_index_label_and_exact_pixels():
    images = [np.full((28, 28), shade, np.uint8) for shade in (7, 200)]
    html = Thumbnails(zip(images, ("seven", 'a "<b>'), strict=True)).value
    assert re.findall(r'data-index="(\d)" title="([^"]*)"', html) == [
        ("0", "seven"),
        ("1", "a &#34;&lt;b&gt;"),
    ]
    urls = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    for image, url in zip(images, urls, strict=True):
        shown = Image.open(io.BytesIO(base64.b64decode(url)))
        assert np.array_equal(np.asarray(shown), image)
    assert html.count('alt="seven"') == 1
