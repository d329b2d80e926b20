import pytest
import torch

from bench import checkerboard
from denoise import weights
from denoise.decoders import DECODERS

EVEN = {"nearest", "conv_nearest", "bilinear", "pixel_shuffle_icnr"}  # at initialisation


def network(decoder):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return weights.build({"name": "autoencoder", "decoder": decoder, "width": 4}).eval()


@pytest.mark.parametrize("decoder", DECODERS.names())
def test_an_untrained_stage_answers_a_constant_code_evenly_or_not(decoder):
    stages, picture = checkerboard.phases(network(decoder), torch.rand(16, generator=torch.Generator().manual_seed(0)))
    assert len(stages) == 2
    if decoder in EVEN:
        assert max(stages) == pytest.approx(0, abs=1e-6)
        assert picture == pytest.approx(0, abs=1e-6)
    else:
        assert min(stages) > 0.1


def test_unpooling_fills_one_of_the_four_phases():
    stages, _ = checkerboard.phases(network("max_unpool"), torch.ones(16))
    assert stages == pytest.approx([3, 3], rel=1e-4)  # (v, 0, 0, 0): variance 3/16 v**2 over squared mean 1/16 v**2


def test_a_checkerboard_stands_at_the_nyquist_frequency(generator):
    flat = torch.full((20, 1, 16, 16), 0.5)
    noise = 0.1 * torch.randn(flat.shape, generator=generator)
    board = 0.1 * ((-1.0) ** (torch.arange(16)[:, None] + torch.arange(16)))
    plain, blocks = checkerboard.nyquist(noise, flat)
    marked, _ = checkerboard.nyquist(noise + board, flat)
    assert blocks == 80
    assert plain == pytest.approx(1, abs=0.3)
    assert marked > 10
    assert checkerboard.spectrum(board.expand(1, 1, -1, -1))[0, 0] == pytest.approx((0.1 * 256) ** 2, rel=1e-5)


def test_only_flat_blocks_count():
    clean = torch.zeros(1, 1, 16, 16)
    clean[..., :8, :8] = torch.rand(8, 8)
    assert checkerboard.nyquist(torch.rand(1, 1, 16, 16), clean)[1] == 3
