"""Backends: on every backend, a network has the output that it was trained for."""

import pytest
import torch
from networks import BODIES, LOWERED, built, pictures
from torch import nn

from denoise.decoders import DECODERS
from denoise.inference import backends, layers
from denoise.models.base import AnySize

CPU = torch.device("cpu")
ROUNDING = [
    name
    for name in LOWERED
    if name in ("aten", "cudnn") or torch.ops.mkldnn._is_mkldnn_bf16_supported()
]


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("backend", LOWERED)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("decoder", DECODERS.names())
def test_every_backend_answers_in_float32_as_the_plain_network(decoder, body, backend):
    network = built(body, decoder)
    lowered = backends.lower(network, backend, torch.float32)
    for size in ((28, 28), (5, 7), (140, 132)):
        answer, right = lowered(pictures(*size)), network(pictures(*size))
        if decoder == "max_unpool":  # either of two almost equal maxima may be the larger
            assert (answer - right).abs().mean() < 1e-4
        else:
            torch.testing.assert_close(answer, right, atol=1e-5, rtol=0)


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("backend", ROUNDING)
@pytest.mark.parametrize("decoder", DECODERS.names())
def test_in_bfloat16_answers_differ_by_its_rounding(decoder, backend):
    network = built("autoencoder", decoder)
    lowered = backends.lower(network, backend, torch.bfloat16)
    for size in ((28, 28), (140, 132)):
        answer, right = lowered(pictures(*size)), network(pictures(*size))
        assert answer.dtype == torch.float32
        # a maximum at another position is unpooled there
        assert 0 < (answer - right).abs().mean() < 0.01


@torch.no_grad()
@pytest.mark.parametrize("backend", ROUNDING)
def test_the_picture_itself_is_not_rounded(backend):
    network = built("bias-free", "nearest")
    network.net.noise.decoder[-1].weight.zero_()  # predicts zero noise: the output equals the input
    lowered = backends.lower(network, backend, torch.bfloat16)
    assert torch.equal(lowered(pictures(9, 9)), pictures(9, 9))
    first, second, *_ = (layer for layer in lowered.modules() if isinstance(layer, layers.Conv))
    assert (first.weight.dtype, second.weight.dtype) == (torch.float32, torch.bfloat16)


@pytest.mark.parametrize("backend", ROUNDING)
def test_an_image_from_which_no_noise_is_taken_is_rounded(backend):
    lowered = backends.lower(built("unet", "nearest"), backend, torch.bfloat16)
    convolutions = [layer for layer in lowered.modules() if isinstance(layer, layers.Conv)]
    assert {layer.weight.dtype for layer in convolutions} == {torch.bfloat16}


@torch.no_grad()
@pytest.mark.parametrize("size", [(2, 2), (28, 28), (6, 10), (7, 8)])
def test_pooling_by_rows_and_columns_is_max_pooling(size):
    x = torch.randn(2, 5, *size).contiguous(memory_format=torch.channels_last)
    assert torch.equal(layers.Halving()(x), torch.nn.functional.max_pool2d(x, 2))
    assert torch.equal(layers.Halving()(x.contiguous()), torch.nn.functional.max_pool2d(x, 2))


@torch.no_grad()
@pytest.mark.parametrize("backend", ROUNDING)
def test_layers_that_no_backend_knows_go_on_in_the_format_of_their_weights(backend):
    others = [
        nn.Conv2d(1, 2, 3, padding=1),
        nn.PReLU(2),
        nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"),
        nn.ReLU(),
        nn.Conv2d(2, 2, 3, padding="same"),
        nn.ConvTranspose2d(2, 1, 2, stride=2, groups=1),
        nn.AvgPool2d(2),
    ]
    network = AnySize(nn.Sequential(*others), multiple=1).eval()
    lowered = backends.lower(network, backend, torch.bfloat16)
    torch.testing.assert_close(lowered(pictures(9, 8)), network(pictures(9, 8)), atol=0.02, rtol=0)


def test_an_unknown_backend_is_refused():
    with pytest.raises(
        ValueError, match="unknown backend 'magic'; valid: plain, aten, cudnn, onednn, openvino"
    ):
        backends.lower(built("unet", "nearest"), "magic", torch.float32)


def test_plain_is_the_network_itself():
    network = built("unet", "bilinear")
    assert backends.lower(network, "plain", torch.float32) is network


def test_a_gpu_is_given_calls_of_cudnn_and_none_of_onednn_or_openvino(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: True)
    assert backends.backends(torch.device("cuda")) == ("plain", "aten", "cudnn")
    monkeypatch.setattr(torch.backends.cudnn, "is_available", lambda: False)
    assert backends.backends(torch.device("cuda")) == ("plain", "aten")
