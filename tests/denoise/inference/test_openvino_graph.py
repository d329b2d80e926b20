"""OpenVINO for small images, if it is installed.

Without it, or for unsupported operations, the output is the same.
"""

import subprocess
import sys

import pytest
import torch
from networks import alive, built, pictures
from torch import nn

from denoise.decoders import DECODERS
from denoise.inference import backends, openvino_graph
from denoise.models.base import ARCHITECTURES, AnySize

CPU = torch.device("cpu")
LACKING = {"max_unpool", "nearest_separable", "bilinear_additive", "dysample"}  # layers of these
IN_OPENVINO = [name for name in DECODERS.names() if name not in LACKING]


@pytest.fixture(autouse=True)
def openvino():
    pytest.importorskip("openvino")


def lowered(network, dtype=torch.float32):
    lower = backends.lower(network, "openvino", dtype)
    (part,) = (layer for layer in lower.modules() if isinstance(layer, openvino_graph.BySize))
    return lower, part


def fails(*given):
    raise AssertionError("it was asked")


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("body", ["autoencoder", "bias-free", "residual blocks"])
@pytest.mark.parametrize("decoder", IN_OPENVINO)
def test_small_pictures_are_left_to_it_whole_with_every_decoder_that_it_has(
    monkeypatch, decoder, body
):
    network = built(body, decoder)
    lower, part = lowered(network)
    monkeypatch.setattr(part.layers, "forward", fails)
    torch.testing.assert_close(
        lower(pictures(28, 28)), network(pictures(28, 28)), atol=1e-5, rtol=0
    )
    assert part.usable


@pytest.mark.slow
def test_a_first_picture_does_not_wait_for_the_import_of_sympy():
    code = """
import sys, torch
from denoise.inference import backends, engine
lowered = backends.lower(engine.load("photo-gray").network, "openvino", torch.float32)
lowered(torch.rand(1, 1, 16, 16))
sys.exit("sympy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@torch.no_grad()
def test_large_pictures_are_not(monkeypatch):
    network = built("autoencoder", "nearest")
    lower, part = lowered(network)
    monkeypatch.setattr(part, "_in_openvino", fails)
    torch.testing.assert_close(
        lower(pictures(140, 132)), network(pictures(140, 132)), atol=1e-5, rtol=0
    )


@torch.no_grad()
@pytest.mark.parametrize("decoder", sorted(LACKING))
def test_a_network_with_a_layer_that_it_lacks_is_run_without_it(caplog, decoder):
    network = built("autoencoder", decoder)
    lower, part = lowered(network)
    with caplog.at_level("INFO"):
        torch.testing.assert_close(
            lower(pictures(28, 28)), network(pictures(28, 28)), atol=1e-5, rtol=0
        )
    assert not part.usable
    assert "OpenVINO is not used: it has no layer for" in caplog.text


@torch.no_grad()
def test_where_it_fails_the_answer_comes_all_the_same_and_the_log_says_why(monkeypatch, caplog):
    def broken():
        raise RuntimeError("no such plugin")

    monkeypatch.setattr(openvino_graph, "_core", broken)
    network = built("autoencoder", "nearest")
    lower, _ = lowered(network)
    torch.testing.assert_close(
        lower(pictures(28, 28)), network(pictures(28, 28)), atol=1e-5, rtol=0
    )
    assert [record.getMessage() for record in caplog.records] == [
        "OpenVINO is not used: no such plugin"
    ]


class Odd(nn.Module):
    """Two convolutions with an operation between them that no layer performs."""

    def __init__(self, between):
        super().__init__()
        self.a, self.b, self.between = (
            nn.Conv2d(1, 2, 3, padding=1),
            nn.Conv2d(2, 1, 3, padding=1),
            between,
        )
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return self.b(self.between(self, self.a(x)))


ODD = {
    "a number is added": lambda net, y: y + 0.5,
    "to a number": lambda net, y: 1.0 + y,
    "a weight of its own": lambda net, y: net.scale * y,
    "a weight is added": lambda net, y: net.scale + y,
    "it asks for the size": lambda net, y: nn.functional.interpolate(
        y, size=(y.shape[2], y.shape[3])
    ),
    "words for arguments": lambda net, y: torch.cat(tensors=[y, y], dim=1)[:, :2],
    "another axis": lambda net, y: torch.cat([y, y], 2)[:, :, : y.shape[2]],
    "by the axis's name": lambda net, y: torch.cat([y, y], dim=1)[:, 1:3],
}


@torch.no_grad()
@pytest.mark.parametrize("between", ODD)
def test_networks_of_ones_own_may_do_anything_between_their_convolutions(between):
    network = AnySize(Odd(ODD[between]), multiple=1, sigmoid=False).eval()
    lower = backends.lower(network, "openvino", torch.float32)
    for size in ((28, 28), (28, 28), (140, 132)):
        torch.testing.assert_close(
            lower(pictures(*size)), network(pictures(*size)), atol=1e-5, rtol=0
        )


@torch.no_grad()
@pytest.mark.parametrize(
    "error", [ImportError("no opset13"), AttributeError("no attribute 'Core'")]
)
def test_another_openvino_that_lacks_what_is_called_is_left_out(monkeypatch, error):
    def broken(*given):
        raise error

    monkeypatch.setattr(openvino_graph, "model", broken)
    network = built("autoencoder", "nearest")
    lower, part = lowered(network)
    torch.testing.assert_close(
        lower(pictures(28, 28)), network(pictures(28, 28)), atol=1e-5, rtol=0
    )
    assert not part.usable


@torch.no_grad()
def test_an_answer_is_not_changed_by_the_next_one():
    lower, _ = lowered(built("autoencoder", "nearest"))
    x, y = torch.rand(2, 1, 1, 28, 28)
    first = lower(x)
    kept = first.clone()
    assert not torch.equal(lower(y), kept)
    assert torch.equal(first, kept)


@torch.no_grad()
@pytest.mark.parametrize("name", ["K1", "autoencoder"])
def test_many_pictures_are_shared_among_threads_in_parts(name, monkeypatch):
    monkeypatch.setattr(openvino_graph, "CHUNK", 5 * 28 * 28)
    monkeypatch.setattr(openvino_graph, "TINY", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    network = (
        alive(ARCHITECTURES["K1"].build(1))
        if name == "K1"
        else built("autoencoder", "transposed_k3")
    )
    lower, part = lowered(network)
    x = torch.rand(33, 1, 28, 28)
    torch.testing.assert_close(lower(x), network(x), atol=1e-5, rtol=0)
    assert {(shape[0][0], streams) for shape, _, streams in part._graphs} == {(5, 2), (3, 2)}
    assert torch.equal(lower(x), lower(x))


@torch.no_grad()
def test_where_a_part_fails_the_answer_comes_all_the_same(monkeypatch):
    monkeypatch.setattr(openvino_graph, "CHUNK", 5 * 28 * 28)
    monkeypatch.setattr(openvino_graph, "TINY", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    network = built("autoencoder", "nearest")
    lower, part = lowered(network)
    told, set_memory = [], openvino_graph._set_memory

    def broken(*given):
        told.append(given)
        if len(told) == 2:
            raise RuntimeError("no memory")
        set_memory(*given)

    monkeypatch.setattr(openvino_graph, "_set_memory", broken)
    x = torch.rand(33, 1, 28, 28)
    torch.testing.assert_close(lower(x), network(x), atol=1e-5, rtol=0)
    assert not part.usable
    assert len(told) == 2


@torch.no_grad()
@pytest.mark.parametrize("bias", [True, False])
def test_a_transposed_convolution_in_bfloat16_is_computed_by_its_phases(bias):
    doubling = nn.ConvTranspose2d(8, 8, 3, stride=2, padding=1, output_padding=1, bias=bias)
    network = AnySize(
        nn.Sequential(doubling, nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1)), 1, sigmoid=False
    ).eval()
    lower = backends.lower(network, "openvino", torch.bfloat16)
    x = torch.rand(2, 8, 7, 9)
    assert (lower(x) - network(x)).square().mean().sqrt() < 1e-2
    made = openvino_graph.model(lower.net.layers, [x.shape]).get_ordered_ops()
    assert "DepthToSpace" in {op.get_type_name() for op in made}


@torch.no_grad()
def test_graphs_are_kept_for_few_sizes_and_numbers_of_threads():
    lower, part = lowered(built("autoencoder", "nearest"))
    for count in range(1, openvino_graph.KEPT + 3):
        lower(torch.rand(count, 1, 8, 8))
    assert len(part._graphs) == openvino_graph.KEPT
    before = list(part._graphs)
    lower(torch.rand(openvino_graph.KEPT + 2, 1, 8, 8))
    assert list(part._graphs) == before


@torch.no_grad()
def test_logits_are_not_rounded_before_the_sigmoid(bfloat16):
    """Check the precision near 1, because the sigmoid of bfloat16 has few digits there."""
    network = built("autoencoder", "nearest")
    lower, _ = lowered(network, torch.bfloat16)
    assert lower.within
    for size in ((28, 28), (140, 132)):
        values = lower(pictures(*size))
        assert values.dtype == torch.float32
        assert not torch.equal(values, values.bfloat16().float())


@torch.no_grad()
def test_a_network_without_a_convolution_is_left_as_it_is():
    network = AnySize(nn.Sequential(nn.ReLU()), multiple=1, sigmoid=False).eval()
    assert torch.equal(
        backends.lower(network, "openvino", torch.float32)(pictures(8, 8)), network(pictures(8, 8))
    )


def test_it_is_a_backend_only_where_it_is_installed(monkeypatch):
    assert backends.backends(CPU)[-1] == "openvino"
    monkeypatch.setattr(openvino_graph.importlib.util, "find_spec", lambda name: None)
    assert backends.backends(CPU) == ("plain", "aten", "onednn")
