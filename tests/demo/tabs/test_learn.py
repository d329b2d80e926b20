"""The Learn tab: every number equals the output of PyTorch's layer, and every sentence is true."""

import re

import pytest
import torch
from torch import nn

from demo import page
from demo.compute import lessons, samples
from demo.tabs import learn
from demo.widgets import array_html


def test_nearest_repeats_each_number():
    large = lessons.upsampled(lessons.INPUTS["ramp"], "nearest", 3)
    assert torch.equal(
        large, lessons.INPUTS["ramp"].repeat_interleave(3, 0).repeat_interleave(3, 1)
    )


def test_bilinear_lies_on_lines_between_the_middles_of_pixels():
    first = lessons.upsampled(lessons.INPUTS["ramp"], "bilinear", 2)[0]
    assert first.tolist() == [1, 1.25, 1.75, 2.25, 2.75, 3]


@pytest.mark.parametrize("seed", [0, 7])
def test_unpooling_puts_each_maximum_back_where_it_stood(seed):
    found = lessons.pooled(seed)
    assert sorted(found.values.flatten().tolist()) == list(range(1, 17))
    blocks = found.values.view(2, 2, 2, 2).amax((1, 3))
    assert torch.equal(found.maxima, blocks)
    kept = {place: found.values[place].item() for place in found.places}
    assert sorted(kept.values()) == sorted(blocks.flatten().tolist())
    assert {
        tuple(place): found.unpooled[tuple(place)].item()
        for place in found.unpooled.nonzero().tolist()
    } == kept


@pytest.mark.parametrize("kernel", range(1, 6))
@pytest.mark.parametrize("stride", range(1, 5))
def test_stamps_overlap_evenly_exactly_where_the_kernel_is_a_multiple_of_the_stride(kernel, stride):
    counts = lessons.inside(lessons.overlap(kernel, stride), kernel)
    assert (counts.min() == counts.max()) == (kernel % stride == 0)
    assert ("even" in learn.transposed(kernel, stride)) == (kernel % stride == 0)


def test_the_layer_that_is_counted_is_the_one_of_decoders():
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2, bias=False)
    nn.init.ones_(layer.weight)
    with torch.no_grad():
        assert torch.equal(layer(torch.ones(1, 1, 5, 5))[0, 0], lessons.overlap(3, 2))


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_random_weights_alternate_in_a_transposed_convolution_alone(stride):
    made, resized = lessons.untrained(2 * stride, stride, seed=1)
    assert made.shape == resized.shape
    assert resized.max() - resized.min() < 1e-6
    assert made.max() - made.min() > 0.1
    torch.testing.assert_close(made[stride:], made[:-stride])  # period equal to the stride


def test_the_code_is_that_of_the_network_of_the_page():
    found = lessons.code(samples.samples()[0].image, 0.4)
    assert found.shape == (128, 7, 7)
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
    assert len(lessons_shown) == 5
    assert all("<figure>" in shown["value"] for shown in lessons_shown)
