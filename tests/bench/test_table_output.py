"""Output of `python -m bench`: the result first on stdout, skipped methods on stderr."""

import json
import logging

import pytest

from bench import __main__ as command
from bench.commands import table as table_command
from bench.scoring import methods
from denoise import classical
from denoise.decoders import DECODERS
from denoise.models import weights

OF_LETTERS = [name for name in weights.names() if name.partition("-")[2] in DECODERS]


@pytest.mark.slow
def test_the_result_comes_first_and_skipped_methods_are_one_line_on_stderr(
    tmp_path, capsys, caplog
):
    caplog.set_level(logging.INFO)
    words = [
        "--datasets",
        "glyphs",
        "--pictures",
        "4",
        "--sigma",
        "0.4",
        "--quick",
        "--out",
        str(tmp_path),
    ]
    command.main(words)
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("On glyphs at sigma 0.4: **")
    assert out[2] == "#### glyphs"
    assert out[6].startswith("| Method ")
    assert not [line for line in out if "skipped" in line]
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    count, methods_there = len(OF_LETTERS) + len(classical.DENOISERS), len(methods.find())
    assert said == [
        f"measuring {count} of {methods_there} methods on glyphs; the remaining methods do not "
        "apply (--verbose lists them)"
    ]


def test_skipped_methods_are_named_if_requested_or_with_verbose(tmp_path, caplog):
    words = [
        "--datasets",
        "glyphs",
        "--pictures",
        "2",
        "--sigma",
        "0.4",
        "--quick",
        "--out",
        str(tmp_path),
    ]
    command.main([*words, "--methods", "noisy", "photo-color"])
    assert (
        "skipped: photo-color on glyphs: the network takes 3 channels, the images have 1"
        in caplog.text
    )
    assert not tmp_path.joinpath("table.md").read_text().startswith("skipped")


def test_no_method_for_the_images_of_a_dataset_is_one_line(tmp_path):
    words = [
        "--datasets",
        "glyphs",
        "--pictures",
        "2",
        "--sigma",
        "0.4",
        "--quick",
        "--out",
        str(tmp_path / "out"),
    ]
    with pytest.raises(ValueError, match="no requested method applies to the images of glyphs"):
        command.main([*words, "--methods", "photo-color"])
    assert not (tmp_path / "out").exists()


def test_missing_datasets_are_one_line_and_verbose_gives_instructions(caplog):
    caplog.set_level(logging.INFO)
    missing = {
        "mnist": "mnist is not in X: put it there",
        "notmnist": "notmnist is not in X: put it there",
    }
    table_command.say_missing(missing, verbose=False)
    assert caplog.messages == [
        "skipped datasets, missing and without a download: mnist, notmnist "
        "(--verbose gives instructions)"
    ]
    table_command.say_missing(missing, verbose=True)
    assert caplog.messages[1:] == [f"skipped: {text}" for text in missing.values()]


def test_weights_whose_card_says_nothing_of_their_training_are_a_method_too(tmp_path):
    architecture = {"name": "autoencoder", "width": 4, "depth": 1}
    path = tmp_path / "bare.safetensors"
    weights.save(weights.build(architecture), {"architecture": architecture}, path)
    card = path.with_suffix(".json")
    held = json.loads(card.read_text())
    card.write_text(json.dumps({"architecture": architecture}))
    (bare,) = methods.find([str(path)])
    assert (bare.label, bare.trained_on, bare.weights_sha256) == (
        "bare: Autoencoder",
        None,
        held["sha256"],
    )
