"""Checkpoints: changed or foreign files give a one-line error; files of older versions load."""

import json
import struct

import pytest
import safetensors.torch
import torch

from denoise.files import tensor_files
from denoise.models import weights
from denoise.train import checkpoint, loop
from denoise.train.ema import ema
from denoise.train.optimizers import adam

TINY = loop.Settings(dataset="glyphs", width=2, depth=1)
PROGRESS = {"step": 3, "seconds": 1.5, "curve": [{"images": 96, "loss": 0.5, "psnr": 12.5}]}


class Run:
    """The contents of a checkpoint: a network after one step, its optimizer and its EMA."""

    def __init__(self):
        self.network = weights.build(TINY.network())
        self.optimizer = adam(self.network, 0.1)
        self.network(torch.rand(2, 1, 8, 8)).sum().backward()
        self.optimizer.step()
        self.average = ema(self.network, 0.9)
        self.average.update_parameters(self.network)

    def save(self, path, **progress):
        checkpoint.save(
            path,
            self.network,
            self.optimizer,
            self.average,
            {**PROGRESS, "settings": TINY.plain(), **progress},
        )

    def load(self, path):
        return checkpoint.load(path, self.network, self.optimizer, self.average, TINY.plain())

    def refused(self, path):
        with pytest.raises(
            ValueError, match=r"checkpoint\.safetensors: (no valid|not a) checkpoint"
        ) as raised:
            self.load(path)
        said = str(raised.value)
        assert "\n" not in said
        assert said.endswith("remove it to start again")
        return said


@pytest.fixture
def run():
    return Run()


@pytest.fixture
def saved(run, tmp_path):
    path = tmp_path / "it.checkpoint.safetensors"
    run.save(path)
    return path


def rewritten(path, tensors=None, **metadata):
    """Write a checkpoint with other tensors or texts; leave out texts that are None."""
    texts = tensor_files.header(path).metadata | metadata
    held = safetensors.torch.load_file(path) if tensors is None else tensors
    safetensors.torch.save_file(
        held, path, {name: text for name, text in texts.items() if text is not None}
    )


def test_a_checkpoint_gives_back_what_was_saved(run, saved):
    expected = {name: value.clone() for name, value in run.network.state_dict().items()}
    other = Run()
    assert other.load(saved) == PROGRESS | {"settings": TINY.plain()}
    assert all(
        torch.equal(expected[name], value) for name, value in other.network.state_dict().items()
    )
    before, after = (of.optimizer.state_dict()["state"] for of in (run, other))
    assert before.keys() == after.keys()
    for index, slots in before.items():
        assert slots.keys() == after[index].keys()
        assert all(torch.equal(value, after[index][name]) for name, value in slots.items())


@pytest.mark.slow
def test_one_flipped_bit_anywhere_is_noticed(run, saved):
    whole = saved.read_bytes()
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    for place in [*range(0, header, 11), *range(header, len(whole), 173)]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        saved.write_bytes(damaged)
        run.refused(saved)


def test_a_checkpoint_from_before_there_were_checksums_still_loads(run, saved):
    rewritten(saved, sha256=None)
    assert run.load(saved)["step"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "its metadata is"),
        ("half of {", "progress: invalid or truncated JSON"),
        ("[1]", "progress: [1]; it must be an object"),
        ("3", "progress: 3; it must be an object"),
        ('{"step": 1}', "progress: 'settings' is missing"),
        ('{"step": "1", "settings": {}}', "step is '1'; it must be an integer"),
        ('{"step": -1, "settings": {}}', "step is -1; it must be at least 0"),
        ('{"step": 1, "settings": []}', "settings is []; it must be an object"),
        ('{"step": 1, "settings": {}, "curve": {}}', "curve is {}; it must be a list"),
        ('{"step": 1, "settings": {}, "seconds": "1"}', "seconds is '1'; it must be a number"),
        ("[" * 9999, "nested too deep"),
    ],
)
def test_progress_of_another_shape_is_one_line(run, saved, text, said):
    rewritten(saved, progress=text, sha256=None)
    assert said in run.refused(saved)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"colour": "red"}, "unknown settings, perhaps of a newer version: colour"),
        ({"width": "8"}, "settings: width is '8'; it must be an integer"),
        ({"sigma": [0.1]}, "sigma"),
        ({"decoder": ["nearest"]}, "settings: decoder is ['nearest']; it must be text"),
    ],
)
def test_settings_of_another_shape_are_one_line(run, saved, settings, said):
    text = json.dumps({"step": 1, "settings": TINY.plain() | settings})
    rewritten(saved, progress=text, sha256=None)
    with pytest.raises(ValueError, match="checkpoint.safetensors") as raised:
        run.load(saved)
    assert said in str(raised.value) or "not enough values" in str(raised.value)


@pytest.mark.parametrize(
    "change", ["weights alone", "another network", "no such weight", "another size"]
)
def test_tensors_of_another_network_are_one_line(run, saved, change):
    tensors = safetensors.torch.load_file(saved)
    tensors = {
        "weights alone": {
            name: value for name, value in tensors.items() if name.startswith("network.")
        },
        "another network": tensors | {"network.net.encoder.0.weight": torch.zeros(5, 1, 3, 3)},
        "no such weight": tensors | {"optimizer.999.exp_avg": torch.zeros(3)},
        "another size": tensors | {"optimizer.0.exp_avg": torch.zeros(5)},
    }[change]
    rewritten(saved, tensors, sha256=None)
    run.refused(saved)


def test_weights_in_the_place_of_a_checkpoint_are_one_line(run, tmp_path):
    path = tmp_path / "it.checkpoint.safetensors"
    weights.save(run.network, {"architecture": TINY.network()}, path)
    assert "its metadata is [], not progress, sha256" in run.refused(path)
