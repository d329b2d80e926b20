"""Weights and their cards: a damaged or foreign pair gives a one-line error before allocation."""

import json
import logging
import struct
import tracemalloc

import pytest
import safetensors.torch
import torch

from denoise.inference import engine
from denoise.models import building, weights
from denoise.models.base import ARCHITECTURES
from denoise.train import initial
from denoise.train.settings import Settings

SMALL = {"name": "autoencoder", "channels": 1, "decoder": "nearest", "width": 4, "depth": 1}


@pytest.fixture
def pair(tmp_path):
    """Return the path of a small network's weights, with the card in the same folder."""
    path = tmp_path / "small.safetensors"
    weights.save(
        weights.build(SMALL), {"architecture": SMALL, "settings": {"dataset": "glyphs"}}, path
    )
    return path


def with_card(path, **changes):
    file = path.with_suffix(".json")
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return path


def refused(path):
    """Return the one-line error of rejected weights."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011  the line is compared by the tests
        weights.read(path)
    said = str(raised.value)
    assert "\n" not in said
    assert len(said) < 600
    return said


@pytest.mark.parametrize("entry", ARCHITECTURES, ids=lambda entry: entry.name)
def test_every_architecture_is_read_as_it_was_written(tmp_path, entry):
    network = entry.build().eval()
    weights.save(
        network, {"architecture": {"name": entry.name, "channels": 1}}, tmp_path / "it.safetensors"
    )
    read, _ = weights.read(tmp_path / "it.safetensors")
    x = torch.rand(1, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(read(x), network(x))
    assert {value.device.type for value in (*read.parameters(), *read.buffers())} == {"cpu"}
    assert all(weight.requires_grad for weight in read.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture",
    [
        SMALL | {"width": 10**9},
        SMALL | {"width": 3_000},
        SMALL | {"width": 10**30},
        SMALL | {"width": 0},
        SMALL | {"width": -4},
        SMALL | {"width": "4"},
        SMALL | {"width": 4.0},
        SMALL | {"width": True},
        SMALL | {"width": None},
        SMALL | {"width": float("nan")},
        SMALL | {"channels": 10**8},
        SMALL | {"depth": 10**6},
        SMALL | {"depth": -1},
        SMALL | {"decoder_widths": [4] * 1_000_000},
        SMALL | {"decoder_widths": ["4"]},
        SMALL | {"decoder_widths": 4},
        SMALL | {"decoder": "cubic"},
        SMALL | {"decoder": ["nearest"]},
        SMALL | {"decoder": "n" * 1_000_000},
        SMALL | {"blocks": [1, 1]},
        SMALL | {"colour": "red"},
        {"name": "dncnn", "width": 4, "depth": 10**6},
        {"name": "dncnn", "width": 4, "depth": 1},
        {"name": "unet", "width": 4, "depth": 1, "blocks": [10**6, 1]},
        {"name": "unet", "width": 4, "depth": 1, "blocks": [-1, 1]},
        {"name": "unet", "output": "noise"},
        {"name": "transformer"},
        {"name": ["unet"]},
        {"width": 4},
        {},
        [],
        "unet",
        3,
        None,
    ],
)
def test_an_architecture_that_is_not_that_of_the_weights_is_refused_before_it_takes_memory(
    pair, architecture
):
    with_card(pair, architecture=architecture)
    tracemalloc.start()
    said = refused(pair)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "small" in said
    assert peak < 50e6
    assert torch.is_grad_enabled()


def test_what_does_not_fit_is_named_with_both_shapes(pair):
    assert "encoder.0.weight is F32 [4, 1, 3, 3], not F32 [8, 1, 3, 3]" in refused(
        with_card(pair, architecture=SMALL | {"width": 8})
    )


@pytest.mark.slow
def test_no_weight_is_allocated_for_a_network_that_is_too_large_to_be_trained():
    with pytest.raises(ValueError, match="valid: at most 268,435,456"):
        weights.build(SMALL | {"width": 10**6})
    with pytest.raises(ValueError, match="depth is 40; it must be at most 16"):
        weights.build(SMALL | {"depth": 40})
    with pytest.raises(ValueError, match="more than 10,000 tensors"):
        weights.build({"name": "dncnn", "width": 1, "depth": 10**5})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": []}, "settings is []; it must be an object"),
        ({"sha256": 3}, "sha256 is 3; it must be text or null"),
        ({"sha256": "0" * 64}, "changed since it was written"),
        ({"started_from": "mnist"}, "started_from is 'mnist'; it must be an object or null"),
        ({"bfloat16_psnr_change": {"0.1": "low"}}, "bfloat16_psnr_change is {'0.1': 'low'}"),
        ({"float32_layers": "all"}, "float32_layers is 'all'; it must be a list, each text"),
    ],
)
def test_a_line_of_the_card_that_is_used_must_make_sense(pair, changes, said):
    assert said in refused(with_card(pair, **changes))


@pytest.mark.parametrize(
    "text", ["", "[]", '"card"', "3", "null", "{}", '{"architecture": ', "\0", "{" * 9999]
)
def test_a_card_that_is_none_is_named(pair, text):
    pair.with_suffix(".json").write_text(text)
    assert "small.json" in refused(pair)


def test_what_a_user_writes_into_a_card_changes_nothing(pair):
    before = weights.read(pair)[0].state_dict()
    with_card(pair, name="mine", notes=["é", {"seen": float("nan")}], curve=None)
    after, card = weights.read(pair)
    assert all(torch.equal(before[name], value) for name, value in after.state_dict().items())
    assert card["name"] == "mine"


def test_a_card_without_checksum_loads_and_the_log_says_what_is_not_checked(pair, caplog):
    caplog.set_level(logging.INFO, "denoise")
    with_card(pair, sha256=None)
    weights.read(pair)
    assert "no sha256 in its card, so the weights are not verified" in caplog.text


def test_one_flipped_bit_anywhere_in_weights_is_noticed(pair):
    whole = pair.read_bytes()
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    for place in [*range(0, header, 7), *range(header, len(whole), 101)]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        pair.write_bytes(damaged)
        assert "small.safetensors" in refused(pair), place


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 8, b"\xff" * 8, struct.pack("<Q", 10**12) + b"{}", b"\2" + b"\0" * 7 + b"[]"],
)
def test_a_file_that_is_no_safetensors_is_not_whole(pair, data):
    pair.write_bytes(data)
    assert "small.safetensors: truncated or damaged" in refused(pair)


@pytest.mark.parametrize("change", ["dtype", "shape", "more", "less"])
def test_tensors_of_another_kind_are_named(pair, change):
    tensors = safetensors.torch.load_file(pair)
    name = "net.encoder.0.weight"
    tensors |= {
        "dtype": {name: tensors[name].half()},
        "shape": {name: tensors[name][:, :, :, :1].contiguous()},
        "more": {"of another network": torch.zeros(3)},
        "less": {},
    }[change]
    if change == "less":
        del tensors[name]
    safetensors.torch.save_file(tensors, pair)
    said = refused(with_card(pair, sha256=None))
    expected = {
        "dtype": "is F16 ",
        "shape": "[4, 1, 3, 1]",
        "more": "1 are unknown",
        "less": "1 tensors are missing",
    }
    assert expected[change] in said


def test_a_default_of_pytorch_that_somebody_set_does_not_reach_a_network_that_is_loaded(pair):
    try:
        torch.set_default_dtype(torch.float64)
        read, built = weights.read(pair)[0], weights.build(SMALL)
    finally:
        torch.set_default_dtype(torch.float32)
    for network in (read, built):
        assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def test_loading_draws_no_random_numbers(pair):
    before = torch.get_rng_state()
    weights.read(pair)
    assert torch.equal(torch.get_rng_state(), before)


def test_channels_that_a_card_does_not_name_are_those_that_the_architecture_has_by_default(pair):
    with_card(
        pair, architecture={name: value for name, value in SMALL.items() if name != "channels"}
    )
    assert engine.load(pair, "cpu", "float32").channels == 1


def test_a_chain_of_hundreds_of_trainings_has_a_history():
    card = {"images_seen": 1}
    for images in range(2, 2_001):
        card = {"images_seen": images, "started_from": card}
    trainings = weights.history(card)
    assert len(trainings) == 2_000
    assert {images for images, _ in trainings} == {1}
    assert trainings[-1][1] is card


def test_a_network_is_outlined_without_memory():
    network = building.outline(SMALL | {"width": 512})
    assert {value.device.type for value in network.state_dict().values()} == {"meta"}


def test_a_training_does_not_start_from_a_card_that_lacks_the_images_that_it_counts_on(pair):
    settings = Settings(dataset="glyphs", width=4, depth=1, init_from=str(pair))
    with pytest.raises(ValueError, match="'images_seen' is missing"):
        initial.start_from(settings, initial.untrained(settings))
