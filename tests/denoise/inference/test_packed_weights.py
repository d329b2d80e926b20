"""Weights of a results folder: many networks in one file, equal to the files of the training."""

import pytest
import safetensors
import torch

from denoise.inference import packed
from denoise.models import weights

ARCHITECTURE = {"name": "autoencoder", "channels": 1, "decoder": "nearest", "width": 4, "depth": 1}


def saved(folder, name, *, rounded):
    torch.manual_seed(len(name))
    network = weights.build(ARCHITECTURE)
    if rounded:
        state = network.state_dict()
        network.load_state_dict({key: value.half().float() for key, value in state.items()})
    path = folder / f"{name}.safetensors"
    weights.save(network, {"architecture": ARCHITECTURE}, path)
    return path


@pytest.mark.parametrize(("rounded", "stored"), [(True, torch.float16), (False, torch.float32)])
def test_a_network_comes_back_bit_for_bit_and_in_float16_if_that_is_exact(
    tmp_path, rounded, stored
):
    path = saved(tmp_path, "one", rounded=rounded)
    network, card = weights.read(path)
    packed.write([path], tmp_path, "weights-mnist-clipped")
    (file,) = tmp_path.glob("weights-*.safetensors")
    with safetensors.safe_open(file, "pt") as held:
        assert held.get_tensor("one/net.encoder.0.weight").dtype == stored
    again = packed.denoiser(tmp_path, "one", card["sha256"])
    state = again.network.state_dict()
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())


def test_a_large_set_has_several_parts_and_a_smaller_one_replaces_them(tmp_path, monkeypatch):
    files = [saved(tmp_path, name, rounded=True) for name in ("one", "two", "three")]
    monkeypatch.setattr(packed, "LARGEST", 1)
    packed.write(files, tmp_path, "weights-mnist-clipped")
    assert len([*tmp_path.glob("weights-*.safetensors")]) == 3
    assert packed.names(tmp_path) == {"one", "two", "three"}
    packed.write(files[:1], tmp_path, "weights-mnist-clipped")
    assert len([*tmp_path.glob("weights-*.safetensors")]) == 1
    assert packed.names(tmp_path) == {"one"}


def test_missing_other_and_damaged_weights_are_named(tmp_path):
    path = saved(tmp_path, "one", rounded=True)
    packed.write([path], tmp_path, "weights-mnist-clipped")
    with pytest.raises(ValueError, match="the weights of two are missing"):
        packed.denoiser(tmp_path, "two", "0" * 64)
    with pytest.raises(ValueError, match="the scored weights are 000000000000"):
        packed.denoiser(tmp_path, "one", "0" * 64)
    (file,) = tmp_path.glob("weights-*.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match="truncated or damaged"):
        packed.names(tmp_path)
