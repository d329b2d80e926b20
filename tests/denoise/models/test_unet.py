"""The U-Net for photographs: every decoder in it, bias-free, noise-conditional or blind."""

import pytest
import torch

from bench.counters import parameters
from denoise.decoders import DECODERS
from denoise.models import weights
from denoise.models.architectures import ARCHITECTURES
from denoise.models.encoder_decoder import ResidualBlock
from denoise.registry import UnknownName
from denoise.train import settings

PHOTO = {"width": 8, "depth": 2, "output": "residual", "bias": False}


def unet(channels=1, **options):
    return ARCHITECTURES["unet"].build(channels, **{**PHOTO, **options}).eval()


@pytest.mark.parametrize("decoder", DECODERS.names())
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(28, 28), (31, 33), (1, 1)])
def test_it_keeps_any_size_gray_or_colour_with_every_decoder(decoder, channels, size):
    out = unet(channels, decoder=decoder)(torch.rand(2, channels, *size))
    assert out.shape == (2, channels, *size)
    assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("decoder", DECODERS.names())
@pytest.mark.parametrize("told", [False, True])
def test_without_bias_twice_the_picture_is_twice_the_answer(decoder, told, generator):
    network = unet(decoder=decoder, noise_conditional=told)
    assert not any(name.endswith("bias") for name, _ in network.named_parameters())
    x = torch.randn(1, 1, 32, 32, generator=generator)
    level = 0.1 if told else None
    with torch.no_grad():
        once, twice = network.logits(x, level), network.logits(2 * x, level and 2 * level)
    torch.testing.assert_close(twice, 2 * once, rtol=1e-4, atol=1e-5)


def test_the_answer_is_the_picture_less_what_is_taken_for_noise(generator):
    network, x = unet(), torch.rand(1, 1, 16, 16, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(network.logits(x), x - network.net.noise(x))


def test_a_level_is_looked_at_only_by_a_network_that_is_told(generator):
    x = torch.rand(2, 1, 16, 16, generator=generator)
    for told in (False, True):
        network = unet(noise_conditional=told)
        with torch.no_grad():
            assert torch.equal(network(x, 0.1), network(x)) == (not told)
            assert torch.equal(network(x, 0.0), network(x))
            each = network(x, torch.tensor([0.1, 0.3]))
            torch.testing.assert_close(each[1:], network(x[1:], 0.3))


def test_a_u_net_of_three_sizes_has_about_half_a_million_parameters():
    assert (
        0.4e6 < parameters(ARCHITECTURES["unet"].build(decoder="transposed_k2", width=32)) < 0.6e6
    )


def test_a_network_with_a_sigmoid_is_what_it_was_before_there_were_options():
    """Check the parameter names that the weights of the small comparison use."""
    network = ARCHITECTURES["unet"].build(width=4)
    assert any(name.endswith("running_mean") for name in network.state_dict())
    assert all(
        name.startswith("net.encoder") or name.startswith("net.decoder")
        for name in network.state_dict()
    )


@pytest.mark.parametrize("decoder", DECODERS.names())
@pytest.mark.parametrize("bias", [True, False])
def test_residual_blocks_stand_at_each_size_on_the_way_down_and_on_the_way_up(decoder, bias):
    network = unet(decoder=decoder, bias=bias, blocks=(3, 1, 2))
    body = network.net.noise
    for part, widths in ((body.encoder, [8, 8, 8, 16, 32, 32]), (body.decoder, [16, 8, 8, 8])):
        blocks = [layer for layer in part if isinstance(layer, ResidualBlock)]
        assert [block.branch[0].out_channels for block in blocks] == widths
    assert network(torch.rand(1, 1, 9, 7)).shape == (1, 1, 9, 7)
    # the pooling follows directly
    assert unet(decoder=decoder, blocks=(0, 0, 0)).net.noise.encoder[2].kernel_size == 2


def test_a_residual_block_adds_to_what_it_is_given(generator):
    block, x = ResidualBlock(4, norm=False), torch.randn(1, 4, 6, 6, generator=generator)
    block.branch[-1].weight.data.zero_()
    assert torch.equal(block(x), x)  # negative values too


def test_dncnn_ends_as_the_paper_has_it(generator):
    network = ARCHITECTURES["dncnn"].build(width=8, depth=4, output="residual").eval()
    x = torch.rand(1, 1, 9, 9, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(network.logits(x), x - network.net.noise(x))


def test_settings_build_what_they_say():
    chosen = settings.Settings(architecture="unet", **PHOTO, loss="mse", noise_conditional=True)
    assert chosen.network() == {
        "name": "unet",
        "channels": 1,
        "decoder": "nearest",
        "width": 8,
        "depth": 2,
        "output": "residual",
        "bias": False,
        "noise_conditional": True,
    }
    assert weights.build(chosen.network()).noise_conditional
    # Cards that predate these options stay equal to the present defaults.
    assert settings.Settings(architecture="unet", width=8).network().keys() == {
        "name", "channels", "decoder", "width", "depth",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"output": "tanh"}, "unknown output 'tanh'; valid: sigmoid, residual"),
        (
            {"output": "sigmoid", "bias": False},
            "a network without bias cannot have output sigmoid; valid: residual",
        ),
        ({"decoder": "nearst"}, "unknown decoder 'nearst'"),
        ({"depth": 0}, "depth is 0; it must be at least 1"),
        ({"decoder_widths": (8,)}, "1 decoder widths at depth 2"),
        ({"blocks": (1, 1)}, r"blocks is \[1, 1\]; valid at depth 2: 3 integers of at least 0"),
        ({"blocks": (1, -1, 1)}, "valid at depth 2: 3 integers"),
    ],
)
def test_options_that_make_no_network_are_refused(options, said):
    with pytest.raises((ValueError, UnknownName), match=said):
        unet(**options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"architecture": "unet", "output": "residual"},
            "--loss bce needs --output sigmoid",
        ),
        ({"ema": 1.0}, "ema is 1; it must be at least 0 and below 1"),
        ({"noise_dropout": -0.5}, "noise_dropout is -0.5; it must be at least 0 and below 1"),
        ({"dihedral": True, "online_noise": False}, "cannot be combined with --dihedral"),
        ({"norm": "layer"}, "unknown norm 'layer'; valid: batch, frozen"),
        (
            {"norm": "frozen"},
            "--norm frozen needs the statistics of trained weights: give --init-from",
        ),
    ],
)
def test_settings_that_make_no_training_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        settings.Settings(**options)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            {"noise_conditional": True},
            "--noise-conditional is no option of autoencoder; valid for unet$",
        ),
        ({"bias": False}, "--bias is no option of autoencoder; valid for unet$"),
        ({"blocks": (1, 1, 1)}, "--blocks is no option of autoencoder; valid for unet$"),
        (
            {"output": "residual", "loss": "mse"},
            "--output is no option of autoencoder; valid for unet, dncnn$",
        ),
        (
            {"architecture": "dncnn", "decoder_widths": (8, 8)},
            "--decoder-widths is no option of dncnn; valid for autoenc",
        ),
    ],
)
def test_an_option_of_one_network_is_refused_for_another(option, said):
    with pytest.raises(ValueError, match=said):
        settings.Settings(**option).network()


def test_a_card_says_the_blocks_as_json_gives_them_back():
    chosen = settings.Settings(architecture="unet", blocks=(1, 0, 2))
    assert chosen.network()["blocks"] == chosen.plain()["blocks"] == [1, 0, 2]
