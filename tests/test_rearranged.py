"""What is rearranged for training answers and learns as the network itself."""

import copy

import pytest
import torch
from gradients import kinds
from test_fusion import BODIES, built
from torch import nn

from denoise import phases
from denoise.anysize import ARCHITECTURES, AnySize
from denoise.decoders import DECODERS
from denoise.learning import Doubling, Ending
from denoise.lowering import lower
from denoise.machine import keep_freed_memory
from denoise.opaque import Enter, Leave, OpaqueConv
from denoise.rearranged import rearranged

NETWORKS = {
    f"{body} {name}": (lambda body=body, name=name: built(body, name)) for body in BODIES for name in DECODERS.names()
}
NETWORKS |= {name: (lambda name=name: ARCHITECTURES[name].build(1)) for name in ("K1", "K2", "K2_resize", "T1", "U1")}


def steps(network, logits_of, count=3):
    """Losses of some steps of training; the network has learned afterwards."""
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02)
    draws = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(count):
        clean, noise = torch.rand(2, 4, 1, 28, 28, generator=draws)
        loss = nn.functional.mse_loss(logits_of(clean + 0.1 * noise), clean)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", NETWORKS)
def test_it_learns_what_the_network_learns(name):
    network = NETWORKS[name]().train()
    before, other = copy.deepcopy(network.state_dict()), copy.deepcopy(network)
    twin = rearranged(other)
    assert steps(other, twin.logits) == pytest.approx(steps(network, network.logits), rel=2e-4)
    for key, right in network.state_dict().items():
        learned, moved = other.state_dict()[key] - right, right - before[key]
        assert learned.float().norm() <= 0.05 * moved.float().norm() + 1e-5, key  # rounding, which steps make larger


def test_poolings_come_before_their_relu_in_tensors_of_onednn():
    found = kinds(rearranged(ARCHITECTURES["K1"].build(1)).net)
    assert found[:8] == [Enter, *[OpaqueConv, nn.MaxPool2d, nn.ReLU] * 2, Leave]


def test_transposed_convolutions_are_computed_on_phases_and_rectified_at_once():
    assert kinds(rearranged(ARCHITECTURES["K1"].build(1)).net)[8:] == [Doubling, Doubling, Ending]


@pytest.mark.parametrize("name", ["K1", "autoencoder nearest"])
def test_in_bfloat16_the_gradients_are_as_far_from_exact_as_those_of_the_network(bfloat16, name):
    torch.manual_seed(0)
    network = NETWORKS[name]().train()
    twin, x = rearranged(network), torch.rand(8, 1, 28, 28)
    found = []
    for logits_of, low in ((network.logits, False), (network.logits, True), (twin.logits, True)):
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            logits = logits_of(x)
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), x)
        found.append(torch.autograd.grad(loss, list(network.parameters())))
    for exact, own, quick in zip(*found, strict=True):
        assert (quick - exact).norm() < 1.5 * (own - exact).norm() + 0.01 * exact.norm()


def test_a_network_that_was_run_before_can_still_be_trained():
    network = ARCHITECTURES["K1"].build(1)
    phases._overlap.cache_clear(), phases._in_two_dimensions.cache_clear()
    with torch.inference_mode():
        lower(network.eval(), "onednn", torch.float32)(torch.rand(1, 1, 28, 28))
    twin = rearranged(network.train())
    twin.logits(torch.rand(1, 1, 28, 28)).mean().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_what_a_skip_connection_looks_at_is_rectified_before_it_is_pooled():
    found = kinds(rearranged(built("unet", "nearest")).net)
    assert found[found.index(nn.MaxPool2d) - 1] is nn.ReLU


def test_the_network_itself_stays_what_it_is():
    network = ARCHITECTURES["K1"].build(1)
    before, layers = dict(network.named_parameters()), repr(network)
    twin = rearranged(network)
    assert repr(network) == layers
    assert {id(value) for value in twin.parameters()} == {id(value) for value in before.values()}
    assert network.state_dict().keys() == before.keys()


def test_a_relu_that_overwrites_what_others_see_stays_before_its_pooling():
    class Seen(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.relu = nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(inplace=True)
            self.pool, self.up, self.last = nn.MaxPool2d(2), nn.Upsample(scale_factor=2), nn.Conv2d(4, 1, 3, padding=1)

        def forward(self, x):
            y = self.conv(x)
            z = self.up(self.pool(self.relu(y)))
            return self.last(torch.cat([y, z], dim=1))

    network = AnySize(Seen(), multiple=2)
    x = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(rearranged(network).logits(x), network.logits(x))


def test_a_network_that_cannot_be_traced_is_refused():
    class Deciding(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    network = ARCHITECTURES["K1"].build(1)
    network.net = Deciding()
    with pytest.raises(ValueError, match="cannot be traced"):
        rearranged(network)


def test_keeping_freed_memory_is_asked_of_the_gnu_library_alone(monkeypatch):
    keep_freed_memory()
    monkeypatch.setattr("platform.libc_ver", lambda: ("musl", "1.2"))
    monkeypatch.setattr("ctypes.CDLL", lambda name: pytest.fail("another library has no such options"))
    keep_freed_memory()
