"""The grid command: training, kills, two runs at once, a full disk."""

import errno
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
from small_grid import bench, grid, refused, scores

from bench import __main__ as command
from bench.schema import METHODS
from bench.sweep import collect, run_folder

pytestmark = pytest.mark.slow


def test_every_network_is_scored_on_its_own_noise_and_on_other_noises(results):
    methods, found = collect.read(results)
    there = methods[~methods.missing]
    assert list(methods) == list(METHODS)
    assert set(there.arm) == {
        "nearest",
        "transposed_k3",
        "noisy",
        "black",
        "mean",
        "median",
        "nlm",
        "tv",
        "wavelet",
    }
    network = found[found.method == "glyphs-clipped-nearest-4-s1"]
    assert set(network.noise) == {"gaussian", "salt_pepper", "poisson", "speckle", "masking"}
    assert set(network[network.noise == "gaussian"].clipped) == {True, False}
    assert set(found[found.method == "glyphs-clipped-noisy"].noise) == set(network.noise)
    # non-local means takes sigma as an input
    assert set(found[found.method == "glyphs-clipped-nlm"].noise) == {"gaussian"}
    assert network.groupby(["dataset", "noise", "clipped", "sigma"]).picture.nunique().min() >= 59
    assert (
        there[there.seed.notna()][["weights_sha256", "protocol", "torch", "command"]]
        .notna()
        .all()
        .all()
    )


def test_the_command_of_a_row_makes_that_row(results):
    methods, _ = collect.read(results)
    row = methods[methods.method == "glyphs-clipped-nearest-4-s1"].iloc[0]
    assert row.command.startswith(
        "python -m bench grid --datasets glyphs --only glyphs-clipped-nearest-4-s1 "
    )
    assert "--width 4" in row.command


def test_a_finished_grid_has_nothing_left_to_do(done, caplog):
    before = {
        path: path.stat().st_mtime_ns
        for path in done.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
    command.main(grid(done))
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_grid_that_is_killed_goes_on_to_the_same_table(results, tmp_path):
    out = tmp_path / "grid"
    run = bench(*grid(out))
    deadline = time.monotonic() + 120
    while not list(out.glob("scores/own/*-s0.parquet")) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert len(list(out.glob("scores/clamping/*-s1.parquet"))) < 2  # killed before the end
    run = bench(*grid(out))
    assert run.wait(timeout=900) == 0
    command.main(["collect", "--out", str(out), "--results", str(tmp_path / "again")])
    pd.testing.assert_frame_equal(scores(tmp_path / "again"), scores(results))


def runs(pid):
    """Return True if a process runs and is no zombie."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them"
)
def test_workers_end_with_a_run_that_is_killed(tmp_path):
    run = bench(*grid(tmp_path / "grid", "--workers", "2"))
    deadline = time.monotonic() + 120
    while not list((tmp_path / "grid").glob("scores/own/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = [
        int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    ]
    assert len(workers) >= 2
    run.kill()
    run.wait()
    while any(map(runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(runs, workers))


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them"
)
def test_ctrl_c_ends_the_workers_even_if_cells_remain(tmp_path):
    out = tmp_path / "grid"
    run = bench(*grid(out, "--workers", "2", "--images", "640000", seeds=4))
    deadline = time.monotonic() + 120
    while not list(out.glob("scores/own/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [
        int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    ]
    for pid in (*workers, run.pid):  # as a terminal does
        os.kill(pid, signal.SIGINT)
    said = run.communicate(timeout=120)[1].splitlines()
    assert run.returncode == 130
    assert said[-1] == "stopped"
    while any(map(runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(runs, workers))
    assert not list(out.glob("weights/*.json"))


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them"
)
def test_sigterm_ends_the_run_and_its_workers_with_one_line_and_nothing_left_behind(tmp_path):
    out = tmp_path / "grid"
    run = bench(*grid(out, "--workers", "2", "--images", "640000", seeds=4))
    deadline = time.monotonic() + 120
    while not list(out.glob("scores/own/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [
        int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    ]
    run.send_signal(signal.SIGTERM)
    said = run.communicate(timeout=120)[1].splitlines()
    assert run.returncode == 128 + signal.SIGTERM
    assert said[-1] == "stopped; the same command resumes from there"
    assert all(re.match(r"skipped: |\d+ cells|\d+/\d+ ", line) for line in said[:-1]), said
    while any(map(runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(runs, workers))


def test_two_runs_in_one_folder_share_the_work(results, tmp_path):
    out = tmp_path / "grid"
    runs = [bench(*grid(out)) for _ in range(2)]
    assert [run.wait(timeout=900) for run in runs] == [0, 0]
    command.main(["collect", "--out", str(out), "--results", str(tmp_path / "again")])
    pd.testing.assert_frame_equal(scores(tmp_path / "again"), scores(results))


def test_a_dry_run_lists_the_cells_with_an_estimate_and_writes_nothing(tmp_path, capsys):
    command.main(grid(tmp_path / "grid", "--dry-run"))
    said = capsys.readouterr().out
    assert "to do  glyphs-clipped-transposed_k3-4-s1" in said
    assert "4 trainings of 256 images" in said
    assert not (tmp_path / "grid").exists()


def test_trained_networks_are_scored_without_a_new_training(done, tmp_path, capsys):
    part = tmp_path / "grid"
    subprocess.run(["cp", "-r", done, part], check=True)
    for file in part.glob("scores/clamping/*"):  # as if the suite were new
        file.unlink()
    before = {path: path.stat().st_mtime_ns for path in part.glob("weights/*")}
    command.main(grid(part, "--dry-run"))
    assert "to do: 0 trainings" in capsys.readouterr().out
    command.main(grid(part))
    assert {path.name for path in part.glob("scores/clamping/*")} == {
        path.name for path in done.glob("scores/clamping/*")
    }
    assert before == {path: path.stat().st_mtime_ns for path in part.glob("weights/*")}


def test_a_folder_of_another_recipe_is_refused_and_left_alone(done, capsys):
    said = refused(capsys, *grid(done, "--lr", "0.001"))
    assert "holds networks of another recipe" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--arms", "bicubic"], "unknown arm 'bicubic'"),
        (["--budgets", "time"], "unknown budget 'time'; valid: channels, parameters, macs"),
        (["--datasets", "cifar"], "unknown dataset 'cifar'"),
        (["--seeds", "0"], "--seeds is 0; it must be at least 1"),
        (["--only", "nothing"], "no cell 'nothing' in this selection"),
        (["--width", "0"], "width is 0; it must be at least 1"),
        (["--precision", "int3"], "unknown precision 'int3'; valid: auto, bfloat16, float32"),
    ],
)
def test_bad_options_get_one_line(arguments, said, tmp_path, capsys):
    assert said in refused(
        capsys, "grid", "--datasets", "glyphs", "--out", tmp_path / "grid", *arguments
    )


def test_a_folder_that_cannot_be_written_is_one_line(capsys):
    assert "/proc/grid" in refused(capsys, *grid("/proc/grid"))


def test_an_output_that_is_a_file_is_one_line(tmp_path, capsys):
    (tmp_path / "grid").write_text("")
    assert "grid" in refused(capsys, *grid(tmp_path / "grid"))


def test_a_full_disk_is_one_line_and_keeps_finished_files(tmp_path, capsys, monkeypatch):
    out = tmp_path / "grid"
    whole, written = run_folder.pq.write_table, []

    def full(table, path, **options):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        written.append(path)
        whole(table, path, **options)

    monkeypatch.setattr(run_folder.pq, "write_table", full)
    assert "No space left on device" in refused(capsys, *grid(out))
    assert len(list(out.glob("scores/*/*.parquet"))) == 3
    assert not list(out.rglob(".*"))  # no partial files
