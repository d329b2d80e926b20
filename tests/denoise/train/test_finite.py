"""Non-finite values: a diverging training stops, broken weights are named, JSON has no NaN."""

import dataclasses
import errno
import json
import os

import numpy as np
import pytest
import safetensors
import torch
from PIL import Image

import denoise.__main__
from denoise import cli
from denoise.files import json_files
from denoise.inference import engine
from denoise.models import weights
from denoise.train import loop
from denoise.train.run import Run
from denoise.train.settings import LOSSES

TINY = loop.Settings(
    dataset="glyphs",
    architecture="unet",
    width=4,
    depth=1,
    output="residual",
    loss="mse",
    images=80,
    batch=8,
    precision="float32",
)  # fmt: skip  10 steps
OPTIONS = [*cli.words(TINY), "--every=2"]
SAVED = "glyphs-unet.checkpoint.safetensors"


@pytest.fixture
def refused(capsys, tmp_path):
    """Return a function that trains on the command line and returns the one-line error.

    The function checks exit code 2.
    """

    def run(*more):
        with pytest.raises(SystemExit) as stop:
            cli.run(loop.main, [*OPTIONS, "--out", str(tmp_path / "out"), *map(str, more)])
        assert stop.value.code == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        return lines[0]

    return run


@pytest.fixture
def broken_loss(monkeypatch):
    """Return a function that makes the loss of a step non-finite."""
    real, calls = LOSSES["mse"], []

    def broken(network, logits, clean):
        if torch.is_grad_enabled() and not torch.is_inference_mode_enabled():  # not in validation
            calls.append(1)
        return real(network, logits, clean) * (
            float(broken.value) if len(calls) == broken.at else 1.0
        )

    def arrange(at, value):
        broken.at, broken.value = at, value
        monkeypatch.setitem(LOSSES, "mse", broken)

    return arrange


def step_of(path):
    with safetensors.safe_open(path, "pt") as file:
        assert all(file.get_tensor(name).isfinite().all() for name in file.keys())  # noqa: SIM118  not a dict
        return json.loads(file.metadata()["progress"])["step"]


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_loss_that_is_not_finite_stops_the_training_and_keeps_the_last_good_checkpoint(
    refused, broken_loss, tmp_path, value
):
    broken_loss(5, value)
    line = refused()
    assert line.startswith(
        f"error: the loss of step 5 is {value}: the training has diverged and stops; "
    )
    assert f"the checkpoint of step 4 is kept ({tmp_path / 'out' / SAVED})" in line
    assert "try a lower --lr than 0.002, under another --name" in line
    assert [path.name for path in (tmp_path / "out").iterdir()] == [SAVED]
    assert step_of(tmp_path / "out" / SAVED) == 4


def test_a_training_that_diverges_before_its_first_checkpoint_says_that_there_is_none(
    refused, broken_loss, tmp_path
):
    broken_loss(1, "nan")
    assert "the loss of step 1 is nan" in (line := refused())
    assert "there is no checkpoint yet; try a lower --lr than 0.002" in line
    assert not list((tmp_path / "out").iterdir())


def test_on_a_gpu_the_loss_is_looked_at_every_few_steps(refused, broken_loss, monkeypatch):
    start = Run.start

    def as_on_a_gpu(run, saved):
        start(run, saved)
        run.look = 3

    monkeypatch.setattr(Run, "start", as_on_a_gpu)
    broken_loss(7, "nan")
    line = refused("--every", "100")
    assert "the loss of step 9 is nan" in line


@pytest.fixture
def spoilt(monkeypatch):
    """Return a function that makes a tensor non-finite at a step.

    The tensor is the first one whose name has the given ending.
    """
    step = Run.step

    def arrange(at, end):
        def spoils(run, number):
            loss = step(run, number)
            if run.done == at:
                held = run.network.state_dict()
                held[next(name for name in held if name.endswith(end))].view(-1)[0] = torch.nan
            return loss

        monkeypatch.setattr(Run, "step", spoils)

    return arrange


@pytest.mark.parametrize("end", ["weight", "running_var"])
def test_weights_that_are_not_finite_are_never_saved(refused, spoilt, monkeypatch, tmp_path, end):
    monkeypatch.setattr(loop, "SAVE", 0.0)
    spoilt(3, end)
    line = refused("--every", "100")
    assert "the weights after step 3 are not finite: the training has diverged" in line
    assert step_of(tmp_path / "out" / SAVED) == 2


@pytest.mark.parametrize("at", [4, 10])
def test_an_output_that_is_not_finite_in_validation_stops_the_training(
    refused, spoilt, tmp_path, at
):
    spoilt(at, "running_var")  # no effect in training, which uses each batch's own statistics
    line = refused("--every", "4")
    assert (
        "after step 4 the output at sigma 0.1, 0.2, 0.3, 0.4, 0.5, 0.6 is not"
        if at == 4
        else "after step 10"
    ) in line
    assert not (tmp_path / "out" / "glyphs-unet.json").exists()
    assert (tmp_path / "out" / SAVED).exists() == (at == 10)


@pytest.fixture
def broken(tmp_path):
    """Return the file of weights that contain a NaN."""
    network = weights.build(TINY.network())
    next(network.parameters()).data.view(-1)[0] = torch.nan
    weights.save(network, {"architecture": TINY.network()}, tmp_path / "broken.safetensors")
    return tmp_path / "broken.safetensors"


def test_the_command_refuses_weights_that_are_not_finite_and_writes_no_image(
    broken, tmp_path, capsys
):
    Image.fromarray(np.full((9, 9), 99, np.uint8)).save(tmp_path / "in.png")
    words = [tmp_path / "in.png", "-o", tmp_path / "out.png", "--model", broken]
    with pytest.raises(SystemExit) as stop:
        cli.run(denoise.__main__.main, list(map(str, words)))
    assert stop.value.code == 2
    assert f"{broken}: the weights are not finite" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_an_output_that_is_not_finite_is_an_error_that_names_the_weights():
    network = weights.build(TINY.network())
    list(network.parameters())[-1].data.fill_(torch.nan)  # the last bias
    denoiser = engine.Denoiser(
        network, "mine", {"architecture": TINY.network()}, precision="float32"
    )
    with pytest.raises(
        ValueError, match="^the output of mine is not finite: its weights are damaged"
    ):
        denoiser(np.zeros((9, 9), np.uint8))


def strict(text):
    def never(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=never)


def test_json_has_null_for_a_number_that_is_not_finite():
    value = {
        "a": [1.5, float("nan"), (float("inf"), -float("inf"))],
        "b": {"c": float("nan"), "d": "NaN", "e": True},
    }
    expected = {"a": [1.5, None, [None, None]], "b": {"c": None, "d": "NaN", "e": True}}
    assert strict(json_files.text(value)) == expected


def test_the_card_of_a_training_without_noise_is_valid_json(tmp_path):
    """Train without noise: the noisy input is the clean image, whose PSNR is infinite."""
    path = loop.train(dataclasses.replace(TINY, images=16, sigma=(0.0, 0.0)), tmp_path, every=1)
    card = strict(path.with_suffix(".json").read_text())
    assert card["noisy_psnr"] == {"0": None}
    assert card["validation_psnr"]["0"] > 0


def test_weights_whose_change_in_bfloat16_is_no_number_are_not_run_in_it(tmp_path):
    network = weights.build(TINY.network())
    weights.save(
        network,
        {"architecture": TINY.network(), weights.BFLOAT16: {"0.1": float("nan")}},
        tmp_path / "it.safetensors",
    )
    card = strict((tmp_path / "it.json").read_text())
    assert card[weights.BFLOAT16] == {"0.1": None}
    assert not weights.fits_bfloat16(card)


def fails(error):
    def write(*arguments, **options):
        raise OSError(error, os.strerror(error))

    return write


def test_a_full_disk_ends_a_training_in_one_line_and_keeps_the_last_checkpoint(
    refused, monkeypatch, tmp_path
):
    out, real, writes = tmp_path / "out", type(tmp_path).write_bytes, []

    def full(path, content):
        writes.append(path)
        return (real if len(writes) == 1 else fails(errno.ENOSPC))(path, content)

    monkeypatch.setattr(type(tmp_path), "write_bytes", full)
    line = refused()
    assert line == (
        f"error: {out / SAVED} cannot be written: No space left on device; "
        f"the checkpoint of step 2 is kept ({out / SAVED})"
    )
    assert [path.name for path in out.iterdir()] == [SAVED]
    assert step_of(out / SAVED) == 2


def test_a_disk_that_is_full_for_the_card_leaves_no_weights_without_one(
    refused, monkeypatch, tmp_path
):
    out = tmp_path / "out"
    monkeypatch.setattr(type(tmp_path), "write_text", fails(errno.ENOSPC))
    line = refused()
    assert line.startswith(
        f"error: {out / 'glyphs-unet.json'} cannot be written: No space left on device; "
    )
    assert line.endswith(f"the checkpoint of step 10 is kept ({out / SAVED})")
    assert [path.name for path in out.iterdir()] == [SAVED]


def test_a_disk_that_is_full_for_the_strip_leaves_whole_weights(refused, monkeypatch, tmp_path):
    from denoise.train import report

    monkeypatch.setattr(report.Figure, "savefig", fails(errno.ENOSPC))
    assert "glyphs-unet.png" in refused()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "glyphs-unet.json",
        "glyphs-unet.safetensors",
    ]
    weights.read(tmp_path / "out" / "glyphs-unet.safetensors")


def test_a_file_that_may_not_grow_is_a_full_disk(refused, tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        line = refused()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert line == (
        f"error: {tmp_path / 'out' / SAVED} cannot be written: File too large; there is "
        "no checkpoint yet"
    )
    assert not list((tmp_path / "out").iterdir())
