import pytest
import torch

from denoise.decoders import DECODERS


def run(decoder, stage, x, out_channels=3):
    """Return the output of a stage.

    For unpooling, put every maximum at the top left of its cell.
    """
    if not DECODERS[decoder].facts.get("needs_indices"):
        return stage(x)
    height, width = x.shape[-2:]
    top_left = 2 * width * 2 * torch.arange(height)[:, None] + 2 * torch.arange(width)
    return stage(x, top_left.expand(len(x), out_channels, -1, -1))


@pytest.mark.parametrize("decoder", DECODERS.names())
@pytest.mark.parametrize("size", [(1, 1), (7, 7), (5, 9)])
def test_every_decoder_doubles_height_and_width(decoder, size):
    stage = DECODERS[decoder].build(4, 3)
    assert run(decoder, stage, torch.rand(2, 4, *size)).shape == (2, 3, 2 * size[0], 2 * size[1])


@pytest.mark.parametrize("decoder", DECODERS.names())
def test_every_decoder_is_linear(decoder):
    stage = DECODERS[decoder].build(4, 3, bias=False)
    x, y = torch.rand(2, 1, 4, 6, 6)
    together = run(decoder, stage, 2 * x - y)
    torch.testing.assert_close(
        together, 2 * run(decoder, stage, x) - run(decoder, stage, y), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("decoder", DECODERS.names())
def test_every_decoder_can_leave_out_its_bias(decoder):
    assert all(p.ndim == 4 for p in DECODERS[decoder].build(4, 3, bias=False).parameters())


def taps_of_a_cell(decoder):
    """Return the four phases of a 2x2 cell for a constant code if all weights are 1."""
    stage = DECODERS[decoder].build(1, 1, bias=False)
    for parameter in stage.parameters():
        torch.nn.init.ones_(parameter)
    return stage(torch.ones(1, 1, 8, 8))[0, 0, 8:10, 8:10].flatten().tolist()


def test_transposed_kernel_3_overlaps_unevenly_and_kernel_4_evenly():
    assert sorted(taps_of_a_cell("transposed_k3")) == [1, 2, 2, 4]
    assert taps_of_a_cell("transposed_k4") == [4, 4, 4, 4]


@pytest.mark.parametrize("decoder", ["nearest", "bilinear", "conv_nearest"])
def test_upsampling_decoders_answer_a_constant_code_evenly(decoder):
    assert taps_of_a_cell(decoder) == pytest.approx([9, 9, 9, 9])


def test_transposed_without_a_kernel_size_names_kernel_3():
    assert DECODERS["transposed"].name == "transposed_k3"


def test_sub_pixel_convolution_with_icnr_starts_as_nearest_upsampling():
    answer = DECODERS["pixel_shuffle_icnr"].build(4, 3)(torch.rand(1, 4, 5, 5))
    cells = answer.unfold(2, 2, 2).unfold(3, 2, 2)  # (1, 3, 5, 5, 2, 2)
    torch.testing.assert_close(cells, cells[..., :1, :1].expand_as(cells))
    plain = DECODERS["pixel_shuffle"].build(4, 3)(torch.rand(1, 4, 5, 5))
    assert (plain[..., ::2, ::2] - plain[..., 1::2, ::2]).abs().max() > 0.01


def test_unpooling_puts_each_value_where_the_maximum_was_and_zero_elsewhere():
    stage = DECODERS["max_unpool"].build(1, 1, bias=False)
    with torch.no_grad():
        stage.conv.weight.zero_()
        stage.conv.weight[0, 0, 1, 1] = 1.0
    picture = torch.tensor([[[[1.0, 5.0, 0.0, 2.0], [3.0, 4.0, 9.0, 8.0]]]])
    pooled, positions = torch.nn.functional.max_pool2d(picture, 2, return_indices=True)
    expected = torch.tensor([[[[0.0, 5.0, 0.0, 0.0], [0.0, 0.0, 9.0, 0.0]]]])
    torch.testing.assert_close(stage(pooled, positions), expected)


def test_a_transposed_2x2_convolution_is_a_1x1_sub_pixel_convolution():
    stage = DECODERS["transposed_k2"].build(4, 3, bias=False)
    x = torch.rand(2, 4, 5, 6)
    # (in, out, 2, 2) -> (out * 4, in, 1, 1)
    kernel = stage.weight.permute(1, 2, 3, 0).reshape(12, 4, 1, 1)
    sub_pixel = torch.nn.functional.pixel_shuffle(torch.nn.functional.conv2d(x, kernel), 2)
    torch.testing.assert_close(stage(x), sub_pixel, atol=1e-6, rtol=1e-5)
