"""Time to quality: the time of a training process and the score of its saved weights."""

import pandas as pd
import pytest

from bench.__main__ import main
from bench.report import speed_texts
from bench.schema import REACH
from bench.speed import time_to_quality


@pytest.mark.slow
def test_each_row_is_of_a_training_that_anyone_can_repeat(real, tmp_path, capsys):
    main(["reach", "--images", "256", "--data-root", str(real("mnist")), "--out", str(tmp_path)])
    (file,) = tmp_path.glob("*.csv")
    frame = pd.read_csv(file)
    assert list(frame) == list(REACH)
    assert list(frame.optimiser) == list(time_to_quality.WAYS)
    for row in frame.itertuples():
        assert row.images_seen == 256
        assert row.pictures == 10_000
        assert 0.1 < row.bce < 0.7  # two steps from the start
        assert row.seconds > 1
        assert row.seconds > row.train_seconds > 0
        assert row.known_bce == 0.0839
        assert row.training.startswith(
            "python -m denoise.train --dataset mnist --architecture K1 --sigma 0.4:0.4 "
        )
        assert f"--optimizer {row.optimiser}" in row.training
    assert speed_texts.reach(frame) in capsys.readouterr().out


def test_a_row_says_how_long_its_steps_took_where_that_was_noted():
    row = {
        "optimiser": "muon",
        "threads": 2,
        "gpu": None,
        "pictures": 10,
        "known_bce": 0.08,
        "bce": 0.07,
    }
    row |= {"training": "train", "images_seen": 256, "seconds": 9.0}
    said = speed_texts.reach(
        pd.DataFrame([row | {"train_seconds": 6.0}, row | {"train_seconds": None}])
    )
    assert "Muon: 9 s (6 s of them from its first step on), 256 images" in said
    assert "Muon: 9 s, 256 images" in said


def test_a_training_length_of_0_images_is_refused():
    with pytest.raises(ValueError, match="--images is 0; it must be at least 1"):
        main(["reach", "--images", "0"])
