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


@pytest.mark.parametrize("decoder", [e.name for e in DECODERS if e.facts.get("linear", True)])
def test_every_decoder_but_dysample_is_linear(decoder):
    stage = DECODERS[decoder].build(4, 3, bias=False)
    x, y = torch.rand(2, 1, 4, 6, 6)
    together = run(decoder, stage, 2 * x - y)
    torch.testing.assert_close(
        together, 2 * run(decoder, stage, x) - run(decoder, stage, y), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("decoder", DECODERS.names())
def test_every_decoder_can_leave_out_its_bias(decoder):
    assert all(p.ndim == 4 for p in DECODERS[decoder].build(4, 3, bias=False).parameters())


@pytest.mark.parametrize("decoder", [entry.name for entry in DECODERS if "kernel" in entry.facts])
def test_a_linear_decoder_equals_a_transposed_convolution_of_the_stated_kernel(decoder):
    stage = DECODERS[decoder].build(8, 3, bias=False)
    size = DECODERS[decoder].facts["kernel"]
    # the response to one value is the kernel; its first pixel lies `first` after the value's own
    impulses = torch.zeros(8, 8, 9, 9).index_put_(
        (torch.arange(8), torch.arange(8), torch.tensor(4), torch.tensor(4)), torch.tensor(1.0)
    )
    first = (size - 1) // 2
    window = slice(8 - first, 8 - first + size)
    responses = stage(impulses).detach()
    kernel = responses[..., window, window]
    assert responses.abs().sum() == pytest.approx(float(kernel.abs().sum()))  # nothing outside
    assert (kernel[..., [0, -1], :] != 0).any()
    assert (kernel[..., [0, -1]] != 0).any()
    code = torch.rand(2, 8, 9, 9)
    equal = torch.nn.functional.conv_transpose2d(
        code, kernel, stride=2, padding=first, output_padding=size % 2
    )
    # interpolation repeats border pixels, which a transposed convolution cannot
    inner = slice(4, -4) if decoder.startswith("bilinear") else slice(None)
    torch.testing.assert_close(
        equal[..., inner, inner], stage(code)[..., inner, inner], atol=1e-5, rtol=0
    )


def test_the_box_filter_leaves_no_checkerboard_on_a_constant_code_for_any_weights():
    stage = DECODERS["transposed_k4_box"].build(4, 3)
    plain = DECODERS["transposed_k4"].build(4, 3)
    code = torch.rand(1, 4, 1, 1).expand(-1, -1, 9, 9)
    inside = (..., slice(4, -4), slice(4, -4))
    assert stage(code)[inside].std((2, 3)).max() < 1e-6
    assert plain(code)[inside].std((2, 3)).max() > 1e-3


def test_the_box_filter_is_the_mean_of_2x2_outputs_of_the_transposed_convolution():
    stage = DECODERS["transposed_k4_box"].build(4, 3, bias=False)
    code = torch.rand(2, 4, 6, 6)
    plain = torch.nn.functional.conv_transpose2d(code, stage.weight, stride=2)  # not cropped
    mean = torch.nn.functional.avg_pool2d(plain, 2, stride=1)
    torch.testing.assert_close(
        stage(code)[..., 2:-2, 2:-2], mean[..., 3:-2, 3:-2], atol=1e-6, rtol=0
    )


def test_dysample_without_offsets_is_bilinear_upsampling_and_its_offsets_are_bounded():
    stage, bilinear = DECODERS["dysample"].build(4, 3), DECODERS["bilinear"].build(4, 3)
    bilinear[1].load_state_dict(stage[1].state_dict())
    code = torch.rand(2, 4, 5, 7)
    torch.nn.init.zeros_(stage[0].offset.weight)
    torch.nn.init.zeros_(stage[0].offset.bias)
    torch.testing.assert_close(stage(code), bilinear(code), atol=1e-6, rtol=0)
    torch.nn.init.constant_(stage[0].offset.bias, 4.0)  # one input pixel right and down
    moved = stage(code)
    torch.testing.assert_close(
        moved[..., 2:-4, 2:-4], bilinear(code)[..., 4:-2, 4:-2], atol=1e-6, rtol=0
    )
    torch.nn.init.constant_(stage[0].offset.bias, 400.0)
    torch.testing.assert_close(stage(code), moved, atol=0, rtol=0)


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
