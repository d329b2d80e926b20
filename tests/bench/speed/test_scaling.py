"""Scaling of the engine with image size, and the sentences about the scaling."""

import subprocess

import pandas as pd
import pytest
import torch

from bench.report import speed_tables
from bench.schema import SCALE
from bench.speed import scaling
from bench.tables_io import frames


def test_time_proportional_to_pixels_has_exponent_1_and_small_images_do_not_count():
    sides = [32, 256, 512, 1024]
    seconds = [1.0, *(1e-8 * side**2 for side in sides[1:])]
    frame = pd.DataFrame({"what": "size", "threads": 1, "side": sides, "seconds": seconds})
    assert scaling.exponent(frame, 1) == pytest.approx(1)
    assert scaling.exponent(frame.assign(seconds=frame.side**3 * 1e-9), 1) == pytest.approx(1.5)


@pytest.mark.slow
def test_every_size_and_number_has_a_row_and_threads_are_put_back():
    before = torch.get_num_threads()
    told = []
    rows = scaling.rows(1, sides=(28, 64), counts=(1, 1_200), advance=lambda: told.append(1))
    assert [(row["what"], row["side"], row["pictures"]) for row in rows] == [
        ("size", 28, 1), ("size", 64, 1), ("number", 28, 1), ("number", 28, 1_200),
    ]  # fmt: skip
    assert all(row["seconds"] > 0 and row["threads"] == 1 for row in rows)
    assert len(told) == len(rows)
    assert torch.get_num_threads() == before


def test_the_command_writes_and_prints_its_measurements(monkeypatch, tmp_path, capsys):
    from bench.__main__ import main

    cell = {"what": "size", "network": "it", "threads": 1, "pictures": 1}
    few = [
        cell | {"side": side, "seconds": 1e-8 * side**2, "peak_bytes": side**2}
        for side in (256, 1024)
    ]
    many = [few[0] | {"what": "number", "pictures": 10, "side": 28}]
    monkeypatch.setattr(
        scaling, "rows", lambda threads, advance: [row | {"threads": threads} for row in few + many]
    )
    monkeypatch.setattr(
        scaling, "starts", lambda: [few[0] | {"what": "import denoise", "seconds": 0.03}]
    )
    main(["scale", "--out", str(tmp_path)])
    (file,) = tmp_path.glob("*.csv")
    assert list(frames.read_csv(file, SCALE).columns) == list(SCALE)
    said = capsys.readouterr().out
    assert "to the power 1.000 (1 thread)" in said
    assert "`import denoise` 0.03 s" in said
    assert (
        f"`photo-gray` of commit {frames.read_csv(file, SCALE).commit[0].removesuffix('-dirty')}"
        in said
    )


def test_a_process_that_does_not_start_is_no_time(monkeypatch):
    monkeypatch.setattr(scaling, "STARTS", {"nothing": ["false"]})
    with pytest.raises(subprocess.CalledProcessError):
        list(scaling.starts())


def test_the_committed_runs_have_bounded_memory():
    """Check that memory is bounded: an image of side 4096 adds less than 100 times its size."""
    for path in speed_tables.RESULTS.glob("scale/*.csv"):
        frame = frames.read_csv(path, SCALE)
        largest = frame[(frame.what == "size") & (frame.side == max(scaling.SIDES))]
        assert (largest.peak_bytes < 100 * 4 * largest.side**2).all()
        numbers = frame[frame.what == "number"].set_index("pictures").peak_bytes
        assert numbers.loc[100_000].max() < 2 * numbers.loc[10_000].max()
