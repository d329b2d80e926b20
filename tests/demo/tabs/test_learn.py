"""The Learn tab: every number equals the output of PyTorch's layer, and every sentence is true."""

import re

import pytest
import torch

from demo import page
from demo.compute import lessons, samples
from demo.widgets import array_html


def test_nearest_repeats_each_number():
    large = lessons.upsampled(lessons.INPUTS["ramp"], "nearest", 3)
    assert torch.equal(
        large, lessons.INPUTS["ramp"].repeat_interleave(3, 0).repeat_interleave(3, 1)
    )


def test_bilinear_lies_on_lines_between_the_middles_of_pixels():
    first = lessons.upsampled(lessons.INPUTS["ramp"], "bilinear", 2)[0]
    assert first.tolist() == [1, 1.25, 1.75, 2.25, 2.75, 3]


def test_the_kernels_of_trained_networks_are_scaled_to_their_largest_weight():
    found = lessons.trained()
    for kernel in (found["transposed"], found["resized"]):
        assert torch.tensor(kernel).shape == (3, 3)
        assert torch.tensor(kernel).abs().max() == 1


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_random_weights_alternate_in_a_transposed_convolution_alone(stride):
    made, resized = lessons.untrained(2 * stride, stride, seed=1)
    assert made.shape == resized.shape
    assert resized.max() - resized.min() < 1e-6
    assert made.max() - made.min() > 0.1
    torch.testing.assert_close(made[stride:], made[:-stride])  # period equal to the stride


def test_the_code_is_that_of_the_network_of_the_page():
    found = lessons.code(samples.samples()[0].image, 0.4)
    assert found.shape == (32, 7, 7)
    assert found.channels.shape == (lessons.SHOWN_CHANNELS, 7, 7)
    assert found.cleaned.psnr > found.noisy.psnr + 3


def test_numbers_can_be_read_on_every_shade():
    def luminance(shade):
        unit = shade / 255
        return unit / 12.92 if unit <= 0.03928 else ((unit + 0.055) / 1.055) ** 2.4

    text = array_html.numbers(torch.arange(256.0).view(16, 16), "every shade")
    for shade, ink in re.findall(r"rgb\((\d+),\d+,\d+\);color:(#\w+)", text):
        pair = sorted((luminance(int(shade)), 0.0 if ink == "#000" else 1.0))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_the_tab_opens_with_every_lesson_computed():
    components = page.build().get_config_file()["components"]
    lessons_shown = [
        c["props"] for c in components if str(c["props"].get("elem_id")).startswith("lesson-")
    ]
    assert len(lessons_shown) == 3
    assert all("<figure>" in shown["value"] for shown in lessons_shown)
