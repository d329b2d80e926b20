"""The frame of a crop: its value, and what it accepts from a browser."""

import gradio as gr
import numpy as np
import pytest

from demo.widgets import crop_frame


@pytest.fixture
def frame():
    with gr.Blocks():
        return crop_frame.CropFrame()


def test_the_frame_begins_in_the_middle_and_has_the_size_of_the_crop():
    value = crop_frame.frame(np.zeros((300, 400), np.uint8), 3_000, 4_000)
    assert (value["x"], value["y"]) == (0.5, 0.5)
    assert (value["wide"], value["tall"]) == (1024 / 4_000, 1024 / 3_000)
    assert value["image"].startswith("data:image/jpeg;base64,")


def test_the_place_of_the_frame_is_read_and_without_a_frame_it_is_the_center(frame):
    assert frame.preprocess({"x": 0.25, "y": 1, "image": "data:"}) == (0.25, 1.0)
    assert frame.preprocess(None) == (0.5, 0.5)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"x": 0.5},
        {"x": -0.1, "y": 0},
        {"x": 0, "y": 1.1},
        {"x": True, "y": 0},
        {"x": "0", "y": 0},
        {"x": float("nan"), "y": 0},
        "0.5,0.5",
        [0.5, 0.5],
    ],
)
def test_any_other_place_is_refused_in_a_sentence(frame, value):
    with pytest.raises(gr.Error, match="is not a pair x, y of numbers from 0 to 1"):
        frame.preprocess(value)
