"""bfloat16 inference is used only if the scores stay the same."""

import json
import math

import numpy as np
import pytest
import torch
from networks import LOWERED
from torch import nn

import denoise
from denoise import datasets
from denoise.decoders import DECODERS
from denoise.graph.fusion import is_convolution
from denoise.hardware import has_bfloat16
from denoise.inference import backends, engine, plan
from denoise.metrics import psnr
from denoise.models import weights
from denoise.noise import PictureDraws, corrupt, picture_seeds
from denoise.registry import Entry
from denoise.train import bf16, loop
from denoise.train.settings import Settings

CPU = torch.device("cpu")
ROUNDED = plan.Plan("aten", torch.bfloat16)


@pytest.fixture
def rounding(monkeypatch):
    """Simulate a machine on which bfloat16 is fastest."""
    monkeypatch.setattr(plan, "best", lambda device, bfloat16: ROUNDED if bfloat16 else plan.PLAIN)


def card(**changes):
    return {"architecture": {"channels": 1}, weights.BFLOAT16: changes}


@pytest.mark.parametrize(
    ("held", "fits"),
    [
        (card(a=0.0099, b=-0.0099), True),
        (card(a=0.001, b=-0.011), False),
        (card(a=0.011), False),
        (card(), False),
        (card(a=0.001, b=math.nan), False),
        (card(a=math.nan, b=0.001), False),
        ({weights.BFLOAT16: None}, False),
        ({}, False),
    ],
)
def test_a_card_must_say_that_no_score_moves_by_a_hundredth_of_a_decibel(held, fits):
    assert weights.fits_bfloat16(held) is fits


@pytest.mark.parametrize(("change", "dtype"), [(0.001, torch.bfloat16), (0.02, torch.float32)])
def test_a_network_is_run_in_bfloat16_if_its_card_says_that_it_may(rounding, change, dtype):
    network = denoise.load("mnist-nearest").network
    assert engine.Denoiser(network, "it", card(level=change), "cpu").plan.dtype == dtype


def test_what_a_card_leaves_in_float32_is_run_so(rounding):
    network, noisy = denoise.load("mnist-nearest").network, torch.rand(3, 1, 28, 28)
    right, names = network(noisy).detach(), names_of(network)

    def off(*left):
        held = card(level=0.001) | {weights.FLOAT32: left}
        return (
            (engine.Denoiser(network, "it", held, "cpu").estimate(noisy) - right)
            .square()
            .mean()
            .sqrt()
        )

    assert off(*names) < 1e-5
    assert 1e-4 < off(*names[: len(names) // 2]) < off()


@torch.no_grad()
@pytest.mark.parametrize("backend", LOWERED)
@pytest.mark.parametrize("name", ["K1", "autoencoder"])
def test_a_network_all_of_whose_layers_are_left_in_float32_is_in_float32(name, backend):
    network, x = weights.build({"name": name, "channels": 1}).eval(), torch.rand(2, 1, 28, 28)
    lowered = backends.lower(network, backend, torch.bfloat16, names_of(network))
    torch.testing.assert_close(lowered(x), network(x), atol=1e-5, rtol=0)


def names_of(network):
    return [name for name, layer in network.net.named_modules() if is_convolution(layer)]


def test_float32_is_the_network_as_it_was_trained(rounding):
    denoiser, noisy = denoise.load("mnist-nearest", "cpu", "float32"), torch.rand(3, 1, 28, 28)
    with torch.inference_mode():
        assert torch.equal(denoiser.estimate(noisy), denoiser.network(noisy))


def test_another_precision_is_refused():
    with pytest.raises(ValueError, match="unknown precision 'int8'; valid: auto, float32"):
        denoise.load("mnist-nearest", precision="int8")


@pytest.mark.parametrize("name", weights.names())
def test_every_card_that_ships_says_how_bfloat16_moves_the_scores(name):
    held = json.loads(weights.locate(name).with_suffix(".json").read_text())
    assert held[weights.BFLOAT16].keys() == held["validation_psnr"].keys()


def test_training_writes_it_into_the_card(tmp_path):
    trained = loop.train(
        Settings("glyphs", width=4, depth=1, images=64, batch=32), tmp_path, show=False
    )
    changes = json.loads(trained.with_suffix(".json").read_text())[weights.BFLOAT16]
    if has_bfloat16(CPU):
        assert np.isfinite(list(changes.values())).all()
        assert any(changes.values())
    else:
        assert changes is None


def test_the_command_adds_it_to_cards_from_before(tmp_path, monkeypatch):
    # other processors compute in bfloat16 too, but slowly
    monkeypatch.setattr(bf16, "has_bfloat16", lambda device: True)
    trained = loop.train(
        Settings("glyphs", width=4, depth=1, images=64, batch=32), tmp_path, show=False
    )
    file = trained.with_suffix(".json")
    whole = json.loads(file.read_text())
    file.write_text(
        json.dumps({key: value for key, value in whole.items() if key != weights.BFLOAT16})
    )
    bf16.main([str(trained)])
    assert json.loads(file.read_text()) == whole


def strange(in_channels, out_channels, *, bias=True):
    """Return a decoder with a data-dependent branch."""

    class Stage(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2, bias=bias)

        def forward(self, x):
            return self.conv(x) if x.sum() > 0 else self.conv(x) + 0

    return Stage()


def test_a_decoder_that_cannot_be_rewritten_is_trained_and_run_as_it_is(
    rounding, monkeypatch, tmp_path, caplog
):
    monkeypatch.setitem(DECODERS._entries, "strange", Entry("strange", strange, "Strange"))
    settings = Settings("glyphs", decoder="strange", width=4, depth=1, images=64, batch=32)
    trained = loop.train(settings, tmp_path, show=False)
    assert json.loads(trained.with_suffix(".json").read_text())[weights.BFLOAT16] is None
    denoiser, noisy = denoise.load(trained, "cpu"), torch.rand(1, 1, 28, 28)
    monkeypatch.setattr(plan, "best", lambda device, bfloat16: ROUNDED)
    with torch.inference_mode():
        assert torch.equal(denoiser.estimate(noisy), denoiser.network(noisy))
    assert (
        "runs as it was trained, not fused: the network's forward cannot be traced" in caplog.text
    )


def set_of(name):
    sets = {"mnist": "mnist", "notmnist": "notmnist", "document": "documents"}
    return sets.get(name.split("-")[0], "bsd68")


BACKENDS = [name for name in backends.backends(CPU) if name != "plain"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", weights.names())
def test_scores_on_test_pictures_are_those_of_float32(name, backend, real, monkeypatch):
    """Compare the mean score over images with float32, for each backend and its fastest format."""
    quick = torch.bfloat16 if has_bfloat16(CPU) else torch.float32
    monkeypatch.setattr(
        plan,
        "best",
        lambda device, bfloat16: plan.Plan(backend, quick if bfloat16 else torch.float32),
    )
    usual, exact = denoise.load(name, "cpu"), denoise.load(name, "cpu", "float32")
    assert usual.plan.backend == backend
    dataset = "cbsd68" if usual.channels == 3 else set_of(name)
    facts = datasets.DATASETS[dataset].facts
    pictures = datasets.load(dataset, "test", real(dataset)).spread(
        256 if dataset.endswith("mnist") else 8
    )
    low, high = usual.card["settings"]["sigma"]
    part = (..., slice(128), slice(128))  # of each photograph or page
    for level in (
        level for level in facts.get("levels", (0.1, 0.4)) if low - 1e-3 <= level <= high + 1e-3
    ):
        changes = []
        for clean, given, keys in pictures.pairs(64):
            draws = PictureDraws(picture_seeds(dataset, keys, "gaussian", level))
            noisy = corrupt(given, level, draws, clip=facts.get("clipped", True))[part]
            scores = [
                psnr(denoiser.estimate(noisy), clean[part], data_range=1.0)
                for denoiser in (usual, exact)
            ]
            changes.append(scores[0] - scores[1])
        assert abs(torch.cat(changes).mean()) < weights.TOLERANCE, level
