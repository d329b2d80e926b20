import math
import re

import pytest
import torch

from denoise.noise import NOISES, BatchDraws, PictureDraws, check_level, corrupt, picture_seeds

KEYS = [f"test/{i:05d}" for i in range(12)]


def noisy(clean, keys, level=0.4, clip=False, **place):
    seeds = picture_seeds(
        place.get("dataset", "mnist"), keys, "gaussian", level, place.get("draw", 0)
    )
    return corrupt(clean, level, PictureDraws(seeds), clip=clip)


@pytest.fixture
def clean():
    return torch.full((12, 1, 28, 28), 0.5)


@pytest.mark.parametrize("size", [1, 5, 12])
def test_noise_is_the_same_for_any_batch_size(clean, size):
    parts = [noisy(clean[i : i + size], KEYS[i : i + size]) for i in range(0, 12, size)]
    assert torch.equal(torch.cat(parts), noisy(clean, KEYS))


def test_noise_is_the_same_in_any_order(clean):
    order = [7, 2, 11, 0]
    assert torch.equal(noisy(clean[order], [KEYS[i] for i in order]), noisy(clean, KEYS)[order])


def test_every_picture_has_its_own_noise(clean):
    rows = noisy(clean, KEYS).flatten(1)
    correlations = torch.corrcoef(rows) - torch.eye(12)
    assert correlations.abs().max() < 0.15  # 784 pixels: 4 standard deviations


@pytest.mark.parametrize("other", [{"draw": 1}, {"dataset": "notmnist"}, {"level": 0.3}])
def test_another_draw_dataset_or_level_gives_other_noise(clean, other):
    level = other.get("level", 0.4)
    a = (noisy(clean, KEYS) - clean) / 0.4
    b = (noisy(clean, KEYS, **other) - clean) / level
    assert abs(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]) < 0.05


def test_noise_does_not_change_between_versions():
    """Compare the first noise values of one image with stored ones.

    A changed generator would change all tables.
    """
    values = noisy(torch.zeros(1, 1, 2, 2), ["test/00000"], level=1.0).flatten()
    torch.testing.assert_close(
        values, torch.tensor([1.970330, -1.403926, 0.163288, -0.764381]), atol=1e-6, rtol=0
    )


def test_gaussian_noise_has_the_level_that_was_asked_for():
    clean = torch.full((40, 1, 64, 64), 0.5)
    residual = noisy(clean, [str(i) for i in range(40)], level=0.25) - clean
    assert residual.mean().item() == pytest.approx(0, abs=0.003)
    assert residual.std().item() == pytest.approx(0.25, rel=0.01)


def test_clipped_noise_is_the_unclipped_noise_clamped(clean):
    assert torch.equal(noisy(clean, KEYS, clip=True), noisy(clean, KEYS).clamp(0, 1))
    assert noisy(clean, KEYS).min() < 0


def test_each_picture_of_a_batch_may_have_its_own_level(generator):
    levels = torch.tensor([0.0, 0.1, 0.5])
    clean = torch.full((3, 1, 64, 64), 0.5)
    residual = corrupt(clean, levels, BatchDraws(generator), clip=False) - clean
    torch.testing.assert_close(residual.flatten(1).std(1), levels, rtol=0.05, atol=0)


@pytest.mark.parametrize("level", [math.nan, math.inf, -0.1, 25, 300, 10**400, -(10**400)])
@pytest.mark.parametrize("noise", NOISES.names())
def test_a_level_that_makes_no_sense_is_refused_with_its_unit(noise, level):
    with pytest.raises(ValueError, match=re.escape(f", {NOISES[noise].facts['unit']}")):
        check_level(level, noise)


def test_a_level_on_the_0_to_255_scale_is_told_what_it_would_be():
    with pytest.raises(ValueError, match="25 on the 0-255 scale is 0.098"):
        check_level(25)


def test_a_seed_for_each_picture_is_asked_for(clean):
    with pytest.raises(ValueError, match="12 images but 3 seeds"):
        corrupt(clean, 0.1, PictureDraws([1, 2, 3]), clip=True)


def test_mnist_at_sigma_0_4_scores_what_the_protocol_says(real):
    """Check 11.00 dB for clipped noise and 7.96 dB for unclipped noise."""
    from denoise import datasets
    from denoise.metrics import psnr

    pictures = datasets.load("mnist", "test", real("mnist"))
    clean, keys = next(pictures.batches(10_000))
    assert psnr(noisy(clean, keys, clip=True), clean).mean().item() == pytest.approx(
        11.00, abs=0.01
    )
    assert psnr(noisy(clean, keys), clean).mean().item() == pytest.approx(7.96, abs=0.01)


@pytest.mark.parametrize("noise", NOISES.names())
def test_no_noise_at_level_0_and_finite_noise_at_every_level_of_the_tables(noise):
    clean = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        corrupt(clean, 0.0, PictureDraws([1, 2]), noise=noise, clip=False), clean
    )
    for level in NOISES[noise].facts["levels"]:
        noisy = corrupt(clean, level, PictureDraws([1, 2]), noise=noise, clip=False)
        assert noisy.isfinite().all()
        assert not torch.equal(noisy, clean)


def test_salt_and_pepper_replaces_the_named_share_half_by_each(generator):
    noisy = corrupt(
        torch.full((1, 1, 200, 200), 0.5),
        0.2,
        BatchDraws(generator),
        noise="salt_pepper",
        clip=False,
    )
    shares = [(noisy == value).float().mean().item() for value in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx([0.1, 0.8, 0.1], abs=0.01)


def test_masking_loses_the_named_share(generator):
    noisy = corrupt(
        torch.full((1, 1, 200, 200), 0.5), 0.25, BatchDraws(generator), noise="masking", clip=False
    )
    assert (noisy == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    "draws", [lambda: BatchDraws(torch.Generator().manual_seed(0)), lambda: PictureDraws([3])]
)
def test_poisson_noise_has_the_variance_of_its_photons(draws):
    noisy = corrupt(torch.full((1, 1, 300, 300), 0.25), 0.2, draws(), noise="poisson", clip=False)
    assert noisy.mean().item() == pytest.approx(0.25, abs=0.002)
    assert noisy.std().item() == pytest.approx(0.2 * 0.25**0.5, rel=0.02)


def test_speckle_leaves_black_alone_and_has_its_level_at_white(generator):
    clean = torch.cat([torch.zeros(1, 1, 200, 200), torch.ones(1, 1, 200, 200)])
    black, white = corrupt(clean, 0.4, BatchDraws(generator), noise="speckle", clip=False)
    assert black.abs().max() == 0
    assert white.std().item() == pytest.approx(0.4, rel=0.02)


def test_camera_noise_has_a_floor_in_black_and_its_level_at_white(generator):
    clean = torch.cat([torch.zeros(1, 1, 200, 200), torch.ones(1, 1, 200, 200)])
    black, white = corrupt(clean, 0.2, BatchDraws(generator), noise="camera", clip=False)
    assert black.std().item() == pytest.approx(0.04, rel=0.02)
    assert (white - 1).std().item() == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_what_pillow_writes_and_loses_more_at_higher_levels(channels, generator):
    clean = torch.rand(1, channels, 32, 48, generator=generator)
    losses = [
        (corrupt(clean, level, BatchDraws(generator), noise="jpeg", clip=False) - clean)
        .square()
        .mean()
        for level in (0.05, 0.5, 0.9)
    ]
    assert 0 < losses[0] < losses[1] < losses[2]
    again = [corrupt(clean, 0.5, BatchDraws(generator), noise="jpeg", clip=False) for _ in range(2)]
    assert torch.equal(*again)


def test_mixed_noise_is_gaussian_for_every_second_picture(generator):
    # black: Poisson noise and JPEG leave it unchanged, camera noise adds a fifth
    clean = torch.zeros(600, 1, 8, 8)
    spread = corrupt(clean, 0.2, BatchDraws(generator), noise="mixed", clip=False).flatten(1).std(1)
    assert (spread > 0.1).float().mean().item() == pytest.approx(1 / 2, abs=0.06)
    assert (spread == 0).float().mean().item() == pytest.approx(1 / 3, abs=0.06)
