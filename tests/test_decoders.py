import pytest
import torch

from denoise.decoders import DECODERS


@pytest.mark.parametrize("decoder", DECODERS.names())
@pytest.mark.parametrize("size", [(1, 1), (7, 7), (5, 9)])
def test_every_decoder_doubles_height_and_width(decoder, size):
    stage = DECODERS[decoder].build(4, 3)
    assert stage(torch.rand(2, 4, *size)).shape == (2, 3, 2 * size[0], 2 * size[1])


@pytest.mark.parametrize("decoder", DECODERS.names())
def test_every_decoder_is_linear(decoder):
    stage = DECODERS[decoder].build(4, 3, bias=False)
    x, y = torch.rand(2, 1, 4, 6, 6)
    torch.testing.assert_close(stage(2 * x - y), 2 * stage(x) - stage(y), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("decoder", DECODERS.names())
def test_every_decoder_can_leave_out_its_bias(decoder):
    assert all(p.ndim == 4 for p in DECODERS[decoder].build(4, 3, bias=False).parameters())


def taps_of_a_cell(decoder):
    """What each of the four phases of a 2x2 cell answers to a constant code when all weights are 1."""
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
