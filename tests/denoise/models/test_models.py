import pytest
import torch

from bench.counters import macs, parameters
from denoise.decoders import DECODERS
from denoise.models import tutorials  # noqa: F401  registers the tutorial networks
from denoise.models.architectures import ARCHITECTURES
from denoise.registry import UnknownName

SIZES = [(28, 28), (31, 33), (1, 1), (257, 129)]

PROTOCOL = {  # parameters, MACs at 28x28
    "K1": (28_353, 4_515_840),
    "K2": (28_353, 4_515_840),
    "K2_resize": (28_353, 11_289_600),
    "T1": (3_217, 451_584),
    "U1": (9_585, 1_842_880),
}


@pytest.mark.parametrize("name", PROTOCOL)
def test_a_tutorial_network_has_the_parameters_and_macs_of_the_protocol(name):
    network = ARCHITECTURES[name].build()
    assert (parameters(network), macs(network, (1, 28, 28))) == PROTOCOL[name]


@pytest.mark.parametrize("decoder", ["nearest", "bilinear", "transposed_k3", "transposed_k4"])
def test_the_shipped_autoencoder_has_about_half_a_million_parameters(decoder):
    assert 0.4e6 < parameters(ARCHITECTURES["autoencoder"].build(decoder=decoder)) < 0.6e6


@pytest.mark.parametrize("decoder", DECODERS.names())
@pytest.mark.parametrize("size", SIZES)
def test_the_autoencoder_keeps_any_size_with_every_decoder(decoder, size):
    network = ARCHITECTURES["autoencoder"].build(decoder=decoder, width=4).eval()
    out = network(torch.rand(1, 1, *size))
    assert out.shape == (1, 1, *size)
    assert 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("name", PROTOCOL)
@pytest.mark.parametrize("size", SIZES)
def test_a_tutorial_network_keeps_any_size(name, size):
    assert ARCHITECTURES[name].build().eval()(torch.rand(1, 1, *size)).shape == (1, 1, *size)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("depth", [1, 3])
def test_the_autoencoder_takes_any_number_of_channels_and_depth(channels, depth):
    network = ARCHITECTURES["autoencoder"].build(channels, width=4, depth=depth).eval()
    assert network(torch.rand(2, channels, 16, 16)).shape == (2, channels, 16, 16)


def test_a_size_that_fits_is_not_padded():
    network = ARCHITECTURES["autoencoder"].build(width=4).eval()
    x = torch.rand(1, 1, 28, 28)
    torch.testing.assert_close(network(x), network.net(x).sigmoid())


@pytest.mark.parametrize("options", [{"width": 0}, {"depth": 0}, {"channels": 0}])
def test_a_size_below_one_is_refused(options):
    with pytest.raises(ValueError, match="is 0; it must be at least 1"):
        ARCHITECTURES["autoencoder"].build(**options)


def test_an_unknown_decoder_is_answered_with_the_valid_ones():
    with pytest.raises(
        UnknownName, match="unknown decoder 'nearst' .*valid: nearest, conv_nearest, bilinear"
    ):
        ARCHITECTURES["autoencoder"].build(decoder="nearst")
