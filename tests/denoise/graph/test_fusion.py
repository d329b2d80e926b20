"""Fusion: a fused network has the same output as its original at every size, with fewer MACs."""

import threading

import pytest
import torch
from networks import BODIES, alive, built, pictures
from torch import nn

import denoise
from bench import counters
from denoise.decoders import DECODERS, Tied
from denoise.graph.fusion import resize_convolution
from denoise.models import weights
from denoise.models.architectures import ARCHITECTURES

SIZES = [(1, 1), (2, 3), (5, 7), (28, 28), (33, 18), (140, 132)]


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("decoder", DECODERS.names())
def test_every_decoder_in_every_body_answers_the_same(decoder, body, size):
    network = built(body, decoder)
    torch.testing.assert_close(
        denoise.fuse(network)(pictures(*size)), network(pictures(*size)), atol=1e-5, rtol=0
    )


@torch.no_grad()
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["K1", "K2", "K2_resize", "T1", "U1", "dncnn"])
def test_networks_of_the_tutorials_and_dncnn_answer_the_same(name, size):
    options = {"width": 6, "depth": 4} if name == "dncnn" else {}
    network = alive(ARCHITECTURES[name].build(1, **options))
    torch.testing.assert_close(
        denoise.fuse(network)(pictures(*size)), network(pictures(*size)), atol=1e-5, rtol=0
    )


@torch.no_grad()
@pytest.mark.parametrize("name", weights.names())
def test_shipped_weights_answer_the_same(name):
    network = denoise.load(name, "cpu", "float32").network
    noisy = pictures(30, 44, channels=denoise.load(name, "cpu").channels)
    torch.testing.assert_close(denoise.fuse(network)(noisy), network(noisy), atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 2), (8, 8)])
def test_nearest_and_convolution_are_one_transposed_convolution_borders_included(size, bias):
    stage = DECODERS["nearest"].build(3, 5, bias=bias)
    x = torch.rand(2, 3, *size)
    torch.testing.assert_close(resize_convolution(stage[1])(x), stage(x), atol=1e-5, rtol=0)


def test_a_kernel_of_a_row_becomes_sums_of_its_taps():
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    conv.weight.data = torch.tensor([1.0, 10.0, 100.0]).outer(torch.tensor([0.0, 1.0, 0.0]))[
        None, None
    ]
    assert resize_convolution(conv).weight[0, 0, :, 1].tolist() == [100, 110, 11, 1]


def test_fusing_nearest_upsampling_takes_16_products_where_36_stood():
    network = ARCHITECTURES["K2_resize"].build(1).eval()
    stages = 32 * 32 * (7 * 7 + 14 * 14)  # channel pairs times input pixels
    assert counters.macs(network, (1, 28, 28)) - counters.macs(
        denoise.fuse(network), (1, 28, 28)
    ) == stages * (36 - 16)


def test_upsampling_after_a_convolution_joins_the_convolution_behind_its_relu():
    kinds = [
        type(layer) for layer in denoise.fuse(ARCHITECTURES["K2"].build(1).eval()).net.modules()
    ]
    assert nn.Upsample not in kinds
    assert kinds.count(nn.ConvTranspose2d) == 2


@pytest.mark.parametrize(
    "decoder", ["transposed_k4_box", "transposed_k8_k3", "haar", "nearest_separable"]
)
def test_a_decoder_with_tied_weights_becomes_the_transposed_convolution_that_it_equals(decoder):
    network = built("autoencoder", decoder)
    layers = [*denoise.fuse(network).modules()]
    sizes = {layer.kernel_size[0] for layer in layers if isinstance(layer, nn.ConvTranspose2d)}
    assert sizes == {DECODERS[decoder].facts["kernel"]}
    assert not any(isinstance(layer, Tied | nn.Upsample) for layer in layers)


def test_no_normalisation_is_left_where_it_follows_a_convolution():
    for decoder in DECODERS.names():
        kinds = [type(layer) for layer in denoise.fuse(built("unet", decoder)).modules()]
        # the ones after unpooling stay
        assert kinds.count(nn.BatchNorm2d) == (2 if decoder == "max_unpool" else 0)


def test_the_network_that_was_given_is_left_as_it_was():
    network = built("autoencoder", "nearest")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    denoise.fuse(network)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_layers_that_others_use_too_keep_their_places():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)

        def forward(self, x):
            y = self.conv(x)
            return self.norm(y) + y + self.norm(self.conv(y))

    network, x = alive(Twice()), torch.rand(1, 2, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(denoise.fuse(network)(x), network(x), atol=1e-5, rtol=0)


def test_what_is_upsampled_may_be_used_elsewhere_and_no_picture_is_changed():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.up, self.relu = (
                nn.Conv2d(1, 2, 3, padding=1),
                nn.Upsample(scale_factor=2),
                nn.ReLU(True),
            )
            self.last = nn.Conv2d(2, 1, 3, padding=1)

        def forward(self, x):
            y = self.conv(x)
            return self.last(self.relu(self.up(y))).sum() + y.sum()

    network, x = Both().eval(), torch.randn(1, 1, 6, 6)
    straight = nn.Sequential(
        nn.Upsample(scale_factor=2), nn.ReLU(True), nn.Conv2d(1, 1, 3, padding=1)
    ).eval()
    before = x.clone()
    with torch.no_grad():
        torch.testing.assert_close(denoise.fuse(network)(x), network(x), atol=1e-4, rtol=0)
        torch.testing.assert_close(denoise.fuse(straight)(x), straight(x), atol=1e-5, rtol=0)
    assert torch.equal(x, before)


def test_fusing_again_changes_nothing():
    for decoder in ("nearest", "bilinear"):
        once = denoise.fuse(built("autoencoder", decoder))
        torch.testing.assert_close(
            denoise.fuse(once)(pictures(140, 132)), once(pictures(140, 132)), atol=1e-6, rtol=0
        )


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2, track_running_stats=False)],
        [nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 2, 3, padding=1)), nn.BatchNorm2d(2)],
        [nn.Upsample(scale_factor=2), nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect")],
        [
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
            nn.Conv2d(1, 2, 3, padding=1),
        ],
        [nn.Upsample(scale_factor=3), nn.Conv2d(1, 2, 3, padding=1)],
        [nn.Upsample(scale_factor=2), nn.Conv2d(1, 2, 3, padding=1, stride=2)],
    ],
)
def test_what_has_no_exact_rewriting_stays(layers):
    network, x = nn.Sequential(*layers).eval(), torch.rand(2, 1, 9, 8)
    with torch.no_grad():
        torch.testing.assert_close(denoise.fuse(network)(x), network(x), atol=1e-5, rtol=0)


def test_no_random_numbers_are_taken():
    network = built("autoencoder", "nearest")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    denoise.fuse(network)
    assert torch.equal(torch.rand(1), expected)


def test_another_thread_may_call_networks_meanwhile():
    network, other, stop, errors = (
        built("unet", "nearest"),
        nn.Sequential(nn.ReLU(), nn.ReLU()),
        threading.Event(),
        [],
    )

    def call():
        while not stop.is_set():
            try:
                other(torch.ones(1))
            except NameError as error:
                errors.append(error)
                return

    thread = threading.Thread(target=call)
    thread.start()
    for _ in range(5):
        denoise.fuse(network)
    stop.set()
    thread.join()
    assert not errors


def test_a_network_in_training_is_refused():
    with pytest.raises(ValueError, match=r"training mode: call its eval\(\)"):
        denoise.fuse(built("autoencoder", "nearest").train())


def test_a_network_whose_path_depends_on_the_picture_is_refused():
    class Chooses(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ValueError, match="cannot be traced"):
        denoise.fuse(Chooses().eval())
