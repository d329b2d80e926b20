import pytest
import torch

from bench.scoring import checkerboard
from denoise.decoders import DECODERS
from denoise.models import weights

EVEN = {  # at initialization
    *("nearest", "conv_nearest", "nearest_separable", "pixel_shuffle_icnr"),
    *("bilinear", "bilinear_additive", "dysample", "transposed_k4_box"),
}


def network(decoder):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return weights.build({"name": "autoencoder", "decoder": decoder, "width": 4}).eval()


@pytest.mark.parametrize("decoder", DECODERS.names())
def test_an_untrained_stage_has_an_even_response_to_a_constant_code_or_not(decoder):
    code = torch.rand(16, generator=torch.Generator().manual_seed(0))
    noisy = torch.rand(4, 8, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    stages, picture, picture_4 = checkerboard.phases(
        checkerboard.settle(network(decoder), noisy), code
    )
    assert len(stages) == 2
    if decoder in EVEN:
        # the small initial offsets of DySample are not 0
        small = 1e-3 if decoder == "dysample" else 1e-6
        assert max(*stages, picture, picture_4) == pytest.approx(0, abs=small)
    else:
        assert min(stages) > 0.1
        assert min(picture, picture_4) > 1e-5  # not lost in the sigmoid


def test_statistics_are_set_to_those_of_the_noisy_batches_and_no_weight_moves():
    net = network("nearest")
    before = [parameter.clone() for parameter in net.parameters()]
    noisy = torch.rand(3, 8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    first = net.net.encoder[0](noisy.flatten(0, 1)).mean((0, 2, 3))
    settled = checkerboard.settle(net, noisy)
    assert not settled.training
    torch.testing.assert_close(settled.net.encoder[1].running_mean, first)
    assert all(torch.equal(a, b) for a, b in zip(before, settled.parameters(), strict=True))


def test_each_period_is_separated_from_the_other():
    side = torch.arange(32)
    two = 1.0 + (-1.0) ** (side[:, None] + side)
    # 1 1 2 2: the phases of 2x2 are equal
    four = 1.0 + (side // 2 % 2).float()[:, None].repeat(1, 32)
    assert [
        checkerboard._unevenness(two[None, None], period) for period in (2, 4)
    ] == pytest.approx([1, 0])
    assert [
        checkerboard._unevenness(four[None, None], period) for period in (2, 4)
    ] == pytest.approx([0, 1 / 9])


def test_unpooling_fills_one_of_the_four_phases():
    stages, *_ = checkerboard.phases(network("max_unpool"), torch.ones(16))
    # (v, 0, 0, 0): variance 3/16 v**2 over squared mean 1/16 v**2
    assert stages == pytest.approx([3, 3], rel=1e-4)
