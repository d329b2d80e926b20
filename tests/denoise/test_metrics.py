import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from denoise import metrics
from denoise.metrics import psnr, ssim


@pytest.fixture
def pair(generator):
    target = torch.rand(4, 1, 28, 35, generator=generator)
    return (target + 0.2 * torch.randn(target.shape, generator=generator)).clamp(0, 1), target


def test_psnr_equals_scikit_image(pair):
    preds, target = pair
    expected = [
        peak_signal_noise_ratio(t, p, data_range=1)
        for p, t in zip(preds.numpy(), target.numpy(), strict=True)
    ]
    assert psnr(preds, target, data_range=1.0).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_ssim_equals_scikit_image_under_the_convention_of_the_protocol(pair, data_range):
    preds, target = (data_range * side for side in pair)
    expected = [
        structural_similarity(
            t[0],
            p[0],
            data_range=data_range,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )[1][5:-5, 5:-5].mean()
        for p, t in zip(preds.numpy(), target.numpy(), strict=True)
    ]
    assert ssim(preds, target, data_range=data_range).tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("score", [psnr, ssim])
def test_one_target_may_be_that_of_all(pair, score):
    preds, target = pair
    assert torch.equal(score(preds, target[:1]), score(preds, target[:1].expand_as(preds)))


def test_channels_count_alike(pair):
    preds, target = (side.reshape(2, 2, 28, 35) for side in pair)
    each = [ssim(preds[:, [channel]], target[:, [channel]]) for channel in range(2)]
    torch.testing.assert_close(ssim(preds, target), (each[0] + each[1]) / 2)


def test_psnr_of_a_known_error_by_hand():
    assert psnr(
        torch.full((1, 1, 2, 2), 0.1), torch.zeros(1, 1, 2, 2), data_range=1.0
    ).item() == pytest.approx(20)


def test_identical_pictures_score_infinity_and_one(pair):
    _, target = pair
    assert all(math.isinf(value) for value in psnr(target, target, data_range=1.0))
    assert ssim(target, target, data_range=1.0).tolist() == pytest.approx([1] * 4)


def test_ssim_refuses_pictures_smaller_than_its_window():
    with pytest.raises(ValueError, match="at least 11x11"):
        ssim(torch.rand(1, 1, 10, 28), torch.rand(1, 1, 10, 28), data_range=1.0)


@pytest.mark.parametrize("score", [psnr, ssim])
def test_shapes_that_differ_are_refused(score):
    with pytest.raises(ValueError, match="of one shape"):
        score(torch.rand(1, 1, 28, 28), torch.rand(1, 1, 28, 27), data_range=1.0)


@pytest.mark.parametrize(("period", "place"), [(2, 0), (4, 1)])
def test_a_checkerboard_stands_at_the_frequency_of_its_period(generator, period, place):
    flat = torch.full((20, 1, 16, 16), 0.5)
    noise = 0.1 * torch.randn(flat.shape, generator=generator)
    side = torch.arange(16)
    board = (
        0.1
        * torch.cos(2 * torch.pi / period * side)[:, None]
        * torch.cos(2 * torch.pi / period * side)
    )
    *plain, blocks = metrics.peaks(noise, flat)
    *marked, _ = metrics.peaks(noise + board, flat)
    assert blocks == 80
    assert plain == pytest.approx([1, 1], abs=0.3)
    assert marked[place] > 2.5
    assert marked[1 - place] == pytest.approx(plain[1 - place], abs=0.3)


def test_a_checkerboard_stands_at_the_corner_of_the_spectrum():
    board = 0.1 * ((-1.0) ** (torch.arange(16)[:, None] + torch.arange(16)))
    assert metrics.spectrum(board.expand(1, 1, -1, -1))[0, 0] == pytest.approx(
        (0.1 * 256) ** 2, rel=1e-5
    )


def test_only_flat_blocks_count():
    clean = torch.zeros(1, 1, 16, 16)
    clean[..., :8, :8] = torch.rand(8, 8)
    assert metrics.peaks(torch.rand(1, 1, 16, 16), clean)[2] == 3


def test_without_a_flat_block_there_is_no_energy():
    clean = torch.rand(1, 1, 16, 16)
    nyquist, period_4, blocks = metrics.peaks(torch.rand(1, 1, 16, 16), clean)
    assert math.isnan(nyquist)
    assert math.isnan(period_4)
    assert blocks == 0
