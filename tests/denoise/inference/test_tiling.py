"""Tiling: the output in tiles equals the output at once."""

import itertools

import pytest
import torch

from denoise.decoders import DECODERS
from denoise.inference import engine, tiling
from denoise.inference.correlated import Noise
from denoise.models.architectures import ARCHITECTURES

SIZE = (203, 157)  # neither side is a multiple of the pooling factor


def picture(channels=1, size=SIZE):
    return torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(0))


def alive(network):
    """Set weights so large that distant pixels affect the output visibly."""
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            torch.nn.init.kaiming_normal_(module.weight, generator=torch.Generator().manual_seed(1))
    return network.eval()


@pytest.mark.parametrize("decoder", DECODERS.names())
@pytest.mark.parametrize("depth", [1, 2])
def test_tiles_have_no_seam_with_any_decoder(decoder, depth):
    network = alive(
        ARCHITECTURES["unet"].build(
            decoder=decoder, width=4, depth=depth, output="residual", bias=False
        )
    )
    with torch.no_grad():
        whole, tiled = network(picture()), tiling.run(network, picture(), None, 60**2)
    # grid_sample takes positions relative to the image's size, rounded to float32
    rounding = 1e-4 if decoder == "dysample" else 1e-5
    torch.testing.assert_close(tiled, whole, atol=rounding, rtol=0)


@pytest.mark.parametrize("blocks", [(), (2, 1, 1)])
@pytest.mark.parametrize(
    "decoder", ["bilinear", "conv_nearest", "transposed_k3", "transposed_k8_k3"]
)
def test_the_reach_is_no_guess(decoder, blocks):
    """Check that no pixel beyond the reach affects an output.

    Some pixel beyond a quarter of the reach must affect it.
    """
    options = {
        "decoder": decoder,
        "width": 4,
        "depth": 2,
        "output": "residual",
        "bias": False,
        "blocks": blocks,
    }
    network = alive(ARCHITECTURES["unet"].build(**options))
    x = torch.rand(1, 1, 160, 160, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for row in (80, 81, 82, 83):
        (gradient,) = torch.autograd.grad(network.logits(x)[0, 0, row, row], x)
        seen = torch.nonzero(gradient[0, 0])
        assert network.reach / 4 < (seen - row).abs().max() <= network.reach


def test_a_level_that_is_told_reaches_every_tile():
    network = alive(
        ARCHITECTURES["unet"].build(
            width=4, depth=1, output="residual", bias=False, noise_conditional=True
        )
    )
    with torch.no_grad():
        whole, tiled = network(picture(), 0.2), tiling.run(network, picture(), 0.2, 60**2)
        assert not torch.equal(whole, network(picture(), 0.1))
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=0)


def test_large_pictures_go_through_in_tiles_and_small_ones_at_once(monkeypatch):
    network = alive(ARCHITECTURES["unet"].build(3, width=4, depth=1, output="residual", bias=False))
    denoiser = engine.Denoiser(network, "it", {"architecture": {"channels": 3}}, "cpu", "float32")
    sizes = []
    network.net.register_forward_hook(
        lambda module, entering, answer: sizes.append(tuple(answer.shape[-2:]))
    )
    whole = denoiser.estimate(picture(3))
    assert sizes == [(204, 158)]
    monkeypatch.setattr(engine, "TILE_PIXELS", 70**2)
    torch.testing.assert_close(denoiser.estimate(picture(3)), whole, atol=1e-5, rtol=0)
    assert len(sizes) > 2
    longest = 70 + 2 * (network.reach + network.multiple) + tiling.FACTOR * network.multiple
    assert max(max(sides) for sides in sizes[1:]) <= longest


@pytest.mark.parametrize("size", [(1080, 2048), (404, 2120), (96, 1100)])
def test_sides_of_tiles_have_no_large_prime_factors_for_which_convolutions_are_slow(size):
    network = alive(ARCHITECTURES["unet"].build(width=2, depth=2, output="residual", bias=False))
    sizes = []
    network.net.register_forward_hook(
        lambda module, entering, answer: sizes.append(tuple(answer.shape[-2:]))
    )
    with torch.no_grad():
        tiling.run(network, picture(size=size), None, 512**2)
    assert len(sizes) > 2
    for sides in sizes:
        assert all(side % 64 == 0 or side == whole for side, whole in zip(sides, size, strict=True))


def denoiser_of(channels, width=4):
    network = alive(
        ARCHITECTURES["unet"].build(
            channels, width=width, depth=1, output="residual", bias=False, noise_conditional=True
        )
    )
    card = {"architecture": {"channels": channels}, "settings": {"dihedral": True}}
    return engine.Denoiser(network, "it", card, "cpu", "float32")


def test_a_context_sets_the_size_of_tiles_and_hears_of_each():
    denoiser = denoiser_of(3)
    whole, finished = denoiser.estimate(picture(3), 0.1), []
    with tiling.sized(70**2, finished.append):
        torch.testing.assert_close(denoiser.estimate(picture(3), 0.1), whole, atol=1e-5, rtol=0)
    assert len(finished) == 9
    assert finished[0] == 70 * 70 / (204 * 158)  # with the padding to the network's multiple
    denoiser.estimate(picture(3))
    assert len(finished) == 9  # the context is over


def follows(finished):
    """Return True if the fractions increase strictly and end at 1."""
    return (
        finished[0] > 0
        and finished[-1] == 1
        and all(one < other for one, other in itertools.pairwise(finished))
    )


@pytest.mark.parametrize("pixels", [70**2, 10**6])
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (1, 3), (3, 3)])
def test_the_finished_share_grows_to_one(channels, shown, ensemble, pixels):
    finished = []
    with tiling.sized(pixels, finished.append):
        denoiser_of(channels).clean(picture(shown), ensemble=ensemble)
    assert follows(finished)


@pytest.mark.slow
@pytest.mark.parametrize("pixels", [70**2, 10**6])
@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("size", [(203, 157), (96, 64)])
@pytest.mark.parametrize(("channels", "sigma"), [(1, 0.05), (3, 0.05), (3, None)])
def test_the_finished_share_of_correlated_noise_grows_to_one(
    monkeypatch, channels, sigma, size, ensemble, pixels
):
    color = denoiser_of(channels)
    color.name, finished = "photo-color", []
    color.__dict__["_for_luma"] = denoiser_of(1)
    found = iter([Noise(sigma, colored=channels == 3 and sigma is not None), None])
    monkeypatch.setattr(engine.correlated, "find", lambda image: next(found))
    with tiling.sized(pixels, finished.append):
        color.clean(picture(channels, size).expand(2, -1, -1, -1), ensemble=ensemble)
    assert follows(finished)


def test_what_runs_while_progress_is_told_does_not_count():
    denoiser, finished = denoiser_of(1), []

    def tell(share):
        finished.append(share)
        denoiser.estimate(picture(size=(20, 20)))

    with tiling.sized(70**2, tell):
        denoiser.estimate(picture())
    assert follows(finished)
    assert len(finished) == 9


@pytest.mark.parametrize(("sides", "tiled"), [((100, 100), False), ((100, 101), True)])
def test_an_image_that_is_no_larger_than_a_tile_with_its_overlap_goes_through_at_once(
    monkeypatch, sides, tiled
):
    network = alive(ARCHITECTURES["unet"].build(width=2, depth=1, output="residual", bias=False))
    denoiser = engine.Denoiser(network, "it", {"architecture": {"channels": 1}}, "cpu", "float32")
    monkeypatch.setattr(network, "reach", 15)
    finished = []
    with tiling.sized(70**2, finished.append):  # and 100**2 with the overlap
        denoiser.estimate(picture(size=sides))
    assert (len(finished) > 1) == tiled
    assert finished[-1] == 1
