"""Forms of a network for a runtime: equal outputs, and the layers that each form has."""

import pytest
import torch
from networks import built, pictures
from torch import nn

import denoise
from denoise.decoders import DECODERS
from denoise.graph import deploy
from denoise.registry import UnknownName


@pytest.mark.parametrize("decoder", DECODERS.names())
@pytest.mark.parametrize("form", [deploy.FUSED, deploy.CONVOLUTIONS])
@pytest.mark.parametrize("size", [(28, 28), (13, 22)])
@torch.inference_mode()
def test_a_form_has_the_outputs_of_the_network(decoder, form, size):
    network = built("autoencoder", decoder)
    made = deploy.in_form(network, form)
    torch.testing.assert_close(made(pictures(*size)), network(pictures(*size)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("decoder", DECODERS.names())
def test_the_form_of_convolutions_has_no_transposed_convolution(decoder):
    made = denoise.deploy(built("autoencoder", decoder), "onnxruntime-int8")
    assert not any(isinstance(layer, nn.ConvTranspose2d) for layer in made.modules())


def test_the_form_for_floats_joins_upsampling_and_convolution():
    made = denoise.deploy(built("autoencoder", "nearest"))
    assert any(isinstance(layer, nn.ConvTranspose2d) for layer in made.modules())
    assert not any(isinstance(layer, nn.Upsample) for layer in made.modules())


@pytest.mark.parametrize(("size", "padding", "extra"), [(2, 0, 0), (3, 1, 1), (4, 1, 0), (8, 3, 0)])
def test_the_phases_are_the_pixels_of_a_transposed_convolution(size, padding, extra):
    layer = nn.ConvTranspose2d(3, 5, size, stride=2, padding=padding, output_padding=extra)
    x = torch.rand(2, 3, 6, 7)
    pad, conv = deploy.phases(layer)
    torch.testing.assert_close(nn.PixelShuffle(2)(conv(pad(x))), layer(x), atol=1e-6, rtol=1e-5)


def test_the_network_is_not_changed():
    network = built("autoencoder", "transposed_k3")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    denoise.deploy(network, "onnxruntime-int8")
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_an_unknown_runtime_is_named_with_the_valid_ones():
    with pytest.raises(UnknownName, match="unknown runtime 'onnx'; valid: pytorch, openvino"):
        denoise.deploy(built("autoencoder", "nearest"), "onnx")
