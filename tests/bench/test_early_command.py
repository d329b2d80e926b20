"""`python -m bench early`: the networks of a film, and their measurements."""

import pandas as pd
import pytest

from bench.__main__ import main
from bench.schema import EARLY
from denoise.inference import packed

pytestmark = pytest.mark.slow


@pytest.fixture
def early(tmp_path, real):
    root = real("mnist")

    def run(*words):
        folders = ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
        main(["early", "--data-root", str(root), *folders, *words])
        return pd.read_csv(tmp_path / "out" / "early.csv")

    return run


def test_each_step_has_a_network_and_a_row_and_a_second_run_trains_nothing(early, tmp_path):
    rows = early("--arms", "nearest", "transposed", "--steps", "2")
    assert list(rows.columns) == list(EARLY)
    assert list(rows.arm) == ["nearest", "nearest", "transposed_k3", "transposed_k3"]
    assert list(rows.images) == [0, 128, 0, 128]
    assert set(rows.method) == packed.names(tmp_path / "out")
    # nearest + conv has no checkerboard at any weights; a transposed 3x3 begins with one
    assert (rows[rows.arm == "nearest"].picture < 1e-9).all()
    assert (rows[rows.arm == "transposed_k3"].picture > 1e-5).all()
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").glob("*-step*")}
    again = early("--arms", "nearest", "transposed", "--steps", "2")
    assert before == {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").glob("*-step*")}
    pd.testing.assert_frame_equal(again, rows)
    fewer = early("--arms", "nearest", "--steps", "1")
    assert set(fewer.method) == packed.names(tmp_path / "out") > set(rows.method)


@pytest.mark.parametrize(
    ("words", "error"),
    [(["--steps", "-1"], "--steps has -1"), (["--arms", "neerest"], "unknown decoder 'neerest'")],
)
def test_wrong_options_are_named_and_nothing_is_written(early, tmp_path, words, error):
    with pytest.raises((ValueError, LookupError), match=error):
        early(*words)
    assert not [*tmp_path.iterdir()]
