"""Invalid settings, folders and images: a one-line error for each, before training begins."""

import dataclasses
import re

import pytest
import torch
from PIL import Image

from denoise import cli
from denoise.datasets.base import Pictures
from denoise.train import loop
from denoise.train.batches import Batches
from denoise.train.run import Run

TINY = loop.Settings(
    dataset="glyphs", width=8, images=320, batch=32, sigma=(0.0, 0.6), precision="float32"
)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("channels", 2, "channels is 2; valid: 1 (gray), 3 (color)"),
        ("patch", -4, "patch is -4; it must be at least 0 (0: whole images)"),
        ("seed", -1, "seed is -1; it must be at least 0 and below 2**63"),
        ("seed", 2**63, "seed is 9223372036854775808; it must be at least 0 and below 2**63"),
        ("lr", 0.0, "lr is 0; it must lie between 0 and 1"),
        ("lr", float("nan"), "lr is nan; it must lie between 0 and 1"),
        ("lr", float("inf"), "lr is inf; it must lie between 0 and 1"),
        ("images", 0, "images is 0; it must be at least 1"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_its_value_and_what_is_valid(name, value, said):
    with pytest.raises(ValueError, match="^" + re.escape(said) + "$"):
        dataclasses.replace(TINY, **{name: value})


@pytest.fixture
def refused(capsys, tmp_path):
    """Return a function that trains on the command line and returns the one-line error."""

    def run(*more):
        words = [*cli.words(TINY), "--out", str(tmp_path / "out"), *map(str, more)]
        with pytest.raises(SystemExit) as stop:
            cli.run(loop.main, words)
        assert stop.value.code == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        return lines[0]

    return run


def test_steps_between_validations_are_at_least_one(refused):
    assert refused("--every", 0) == "error: --every is 0; it must be at least 1"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/tmp/x", "a\nb", "a\0", "x" * 244, "x.checkpoint"]
)
def test_a_name_that_no_weights_can_have_is_refused_before_the_training(
    refused, tmp_path, monkeypatch, name
):
    monkeypatch.setattr(loop, "Run", lambda *given: pytest.fail("began"))
    assert refused("--name", name).startswith("error: --name '")
    assert not (tmp_path / "out").exists()


def test_an_out_that_is_a_file_is_refused_before_the_training(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(Run, "step", lambda run, number: pytest.fail("trained"))
    (tmp_path / "it").write_text("")
    assert "it is a file; valid: a folder" in refused("--out", tmp_path / "it")


def test_an_out_below_a_file_is_refused_before_the_training(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(Run, "step", lambda run, number: pytest.fail("trained"))
    (tmp_path / "it").write_text("")
    assert "below cannot be created (Not a directory); valid: a writable folder" in refused(
        "--out", tmp_path / "it" / "below"
    )


def test_an_out_that_cannot_be_written_to_is_refused_before_the_training(refused, monkeypatch):
    monkeypatch.setattr(Run, "step", lambda run, number: pytest.fail("trained"))
    # the user who runs the tests may be allowed to write everywhere
    monkeypatch.setattr(loop.os, "access", lambda folder, how: False)
    assert "out is not writable; valid: a writable folder" in refused()


@pytest.mark.parametrize("size", [("--width", 10**8), ("--depth", 40)])
def test_a_network_that_no_memory_could_hold_is_refused_before_it_is_made(refused, size, tmp_path):
    assert "at most" in refused(*size)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "not enough memory: lower --batch, --patch, --width or --depth"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            "not enough memory",
        ),
        (
            ValueError("Expected more than 1 value per channel when training, got"),
            "raise --batch, --patch, or lower",
        ),
        (
            RuntimeError("mkldnn_convolution: bf16 path needs"),
            "no bfloat16 arithmetic; valid: --precision",
        ),
    ],
)
def test_what_the_machine_cannot_do_is_one_line(refused, monkeypatch, error, said):
    def fails(run, number):
        raise error

    monkeypatch.setattr(Run, "step", fails)
    assert said in refused()


def test_an_error_of_the_code_is_not_taken_for_one_of_the_user(monkeypatch, tmp_path):
    def fails(run, number):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Run, "step", fails)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        loop.train(TINY, tmp_path)


def images(*sizes):
    """Return a training set of black images of these sizes, with positions as keys."""
    keys = tuple(f"{place}.png" for place in range(len(sizes)))
    return Pictures(
        "it", "train", tuple(torch.zeros(1, *size, dtype=torch.uint8) for size in sizes), keys, keys
    )


def of(pictures, **changes):
    options = {
        "size": 4,
        "channels": 1,
        "patch": 0,
        "noise": "gaussian",
        "sigma": (0.1, 0.1),
        "clip": True,
        "seed": 0,
    }
    return Batches(pictures, **(options | changes), device=torch.device("cpu"))


def test_images_that_differ_in_size_ask_for_a_patch_that_fits_all():
    with pytest.raises(ValueError, match="give --patch, the side of a crop, at most 8 pixels$"):
        of(images((10, 50), (12, 8), (9, 9)))


def test_a_patch_that_is_too_large_names_the_image_and_the_largest_that_fits():
    said = "--patch 9 exceeds the smallest image of it, 1.png; valid: at most 8"
    with pytest.raises(ValueError, match=f"^{said}$"):
        of(images((10, 50), (12, 8), (9, 9)), patch=9)
    of(images((10, 50), (12, 8), (9, 9)), patch=8)(0)


def test_one_image_is_enough_to_train_on():
    clean, noisy, _ = of(images((5, 7)), size=6)(3)
    assert clean.shape == noisy.shape == (6, 1, 5, 7)
    clean, _, _ = of(images((5, 7)), size=6, patch=5, dihedral=True)(3)
    assert clean.shape == (6, 1, 5, 5)


def test_a_folder_without_images_to_validate_on_is_one_line_that_says_where_to_put_them(
    refused, tmp_path
):
    (tmp_path / "mine" / "train").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "mine" / "train" / "a.png")
    line = refused("--dataset", f"folder:{tmp_path / 'mine'}")
    assert f"but none for val: put images into {tmp_path / 'mine' / 'val'}" in line
    assert not (tmp_path / "out").exists()
