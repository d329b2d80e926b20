"""Table of trainings: one row per card, with a command that reproduces the card's weights."""

import json
import shlex

import pandas as pd
import pytest

from bench import __main__ as bench
from bench.schema import PHOTO_TRIALS
from bench.sweep import trials
from denoise import cli
from denoise.train import loop
from denoise.train.settings import Settings

SETTINGS = Settings(
    dataset="glyphs",
    architecture="unet",
    output="residual",
    loss="mse",
    bias=False,
    width=2,
    depth=1,
    blocks=(1, 0),
    sigma=(0.0, 25 / 255),
    clip=False,
    images=64,
    batch=16,
    optimizer="muon",
)


def test_a_card_becomes_a_row_with_the_command_that_made_it(tmp_path, capsys):
    card = loop.train(SETTINGS, tmp_path, show=False).with_suffix(".json")
    bench.main(["trials", str(card), "--out", str(tmp_path)])
    row = pd.read_csv(tmp_path / "photo-trials.csv").iloc[0]
    scores = json.loads(card.read_text())["validation_psnr"]
    assert (row.optimiser, row.images, row.weights_sha256) == (
        "muon",
        64,
        json.loads(card.read_text())["sha256"],
    )
    assert row.validation_psnr_25_db == pytest.approx(scores[f"{25 / 255:g}"], abs=1e-3)
    assert pd.isna(row.validation_psnr_50_db)
    parser = cli.Parser()
    cli.add_options(parser, Settings)
    again = cli.from_options(parser.parse_args(shlex.split(row.command)[3:]), Settings)
    assert again == SETTINGS
    assert "photo-trials.csv" in capsys.readouterr().out


def test_a_card_that_is_given_again_takes_the_place_of_its_row(tmp_path):
    card = loop.train(SETTINGS, tmp_path, show=False).with_suffix(".json")
    for _ in range(2):
        frame = trials.add([card], tmp_path)
    assert len(frame) == 1
    assert list(frame) == list(PHOTO_TRIALS)


@pytest.mark.parametrize("text", ["not JSON", "{}", "[1]", '{"settings": {"color": "red"}}'])
def test_a_malformed_card_is_named_and_the_table_is_not_changed(tmp_path, text):
    (tmp_path / "notes.json").write_text(text)
    with pytest.raises(
        ValueError, match=r"notes.json: malformed card .* valid: the .json beside trained weights"
    ):
        trials.add([tmp_path / "notes.json"], tmp_path)
    assert not (tmp_path / "photo-trials.csv").exists()
