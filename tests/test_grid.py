"""The grid as a person runs it: trained, killed, run twice at once, collected, verified."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bench import __main__ as command
from bench import collect, store, summary
from bench.columns import METHODS, SCORES
from denoise import commandline

TINY = ["--width", "4", "--depth", "1", "--images", "256", "--batch", "32"]
PART = ["--datasets", "glyphs", "--noise", "clipped", "--arms", "nearest", "transposed", "--budgets", "channels"]


def grid(out, *more, seeds=2):
    return ["grid", *PART, *TINY, "--seeds", str(seeds), "--out", str(out), *more]


def bench(*arguments):
    """A run in a process of its own, which can be killed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "bench", *map(str, arguments)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def refused(capsys, *arguments):
    """The one line with which a command is refused."""
    with pytest.raises(SystemExit) as stopped:
        commandline.run(command.main, list(map(str, arguments)))
    assert stopped.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished grid on letters; made with as many threads as those that it is held against."""
    out = tmp_path_factory.mktemp("grid")
    assert bench(*grid(out)).wait(timeout=240) == 0
    return out


@pytest.fixture(scope="module")
def results(done, tmp_path_factory):
    """The same, collected."""
    folder = tmp_path_factory.mktemp("results")
    command.main(["collect", "--out", str(done), "--results", str(folder)])
    return folder


@pytest.fixture
def copy(results, tmp_path):
    """Collected results that a test may spoil."""
    folder = tmp_path / "results"
    subprocess.run(["cp", "-r", results, folder], check=True)
    return folder


def scores(folder):
    frame = collect.read(folder)[1]
    return frame.sort_values([*SCORES][:-2]).reset_index(drop=True)


def test_every_network_is_scored_on_its_own_noise_on_others_and_elsewhere(results):
    methods, found = collect.read(results)
    there = methods[~methods.missing]
    assert list(methods) == list(METHODS)
    assert set(there.arm) == {"nearest", "transposed_k3", "noisy", "black", "mean", "median", "nlm", "tv", "wavelet"}
    network = found[found.method == "glyphs-clipped-nearest-4-s1"]
    assert set(network.noise) == {"gaussian", "salt_pepper", "poisson", "speckle", "masking"}
    assert set(network[network.noise == "gaussian"].clipped) == {True, False}
    assert set(found[found.method == "glyphs-clipped-noisy"].noise) == set(network.noise)
    assert set(found[found.method == "glyphs-clipped-nlm"].noise) == {"gaussian"}  # it is told sigma
    assert network.groupby(["dataset", "noise", "clipped", "sigma"]).picture.nunique().min() >= 59
    assert there[there.seed.notna()][["weights_sha256", "protocol", "torch", "command"]].notna().all().all()


def test_the_command_of_a_row_makes_that_row(results):
    methods, _ = collect.read(results)
    row = methods[methods.method == "glyphs-clipped-nearest-4-s1"].iloc[0]
    assert row.command.startswith("python -m bench grid --datasets glyphs --only glyphs-clipped-nearest-4-s1 ")
    assert "--width 4" in row.command


def test_a_finished_grid_has_nothing_left_to_do(done, caplog):
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*") if path.is_file() and path.suffix != ".lock"}
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
    assert len(list(out.glob("scores/clamping/*-s1.parquet"))) < 2  # it was killed before the end
    run = bench(*grid(out))
    assert run.wait(timeout=240) == 0
    command.main(["collect", "--out", str(out), "--results", str(tmp_path / "again")])
    pd.testing.assert_frame_equal(scores(tmp_path / "again"), scores(results))


def runs(pid):
    """Whether a process is there and not merely unburied."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
def test_workers_end_with_a_run_that_is_killed(tmp_path):
    run = bench(*grid(tmp_path / "grid", "--workers", "2"))
    deadline = time.monotonic() + 120
    while not list((tmp_path / "grid").glob("scores/own/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    workers = [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
    assert len(workers) >= 2
    run.kill()
    run.wait()
    while any(map(runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(runs, workers))


def test_two_runs_in_one_folder_share_the_work(results, tmp_path):
    out = tmp_path / "grid"
    runs = [bench(*grid(out)) for _ in range(2)]
    assert [run.wait(timeout=240) for run in runs] == [0, 0]
    command.main(["collect", "--out", str(out), "--results", str(tmp_path / "again")])
    pd.testing.assert_frame_equal(scores(tmp_path / "again"), scores(results))


def test_a_dry_run_lists_the_cells_with_an_estimate_and_writes_nothing(tmp_path, capsys):
    command.main(grid(tmp_path / "grid", "--dry-run"))
    said = capsys.readouterr().out
    assert "to do  glyphs-clipped-transposed_k3-4-s1" in said
    assert "4 trainings of 256 pictures" in said
    assert not (tmp_path / "grid").exists()


def test_what_is_trained_already_is_scored_alone(done, tmp_path, capsys):
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
    assert said in refused(capsys, "grid", "--datasets", "glyphs", "--out", tmp_path / "grid", *arguments)


def test_scores_that_are_cut_short_are_named_and_nothing_is_collected(done, results, tmp_path, capsys):
    spoiled = tmp_path / "grid"
    subprocess.run(["cp", "-r", done, spoiled], check=True)
    file = next(spoiled.glob("scores/own/*nearest*s0.parquet"))
    file.write_bytes(file.read_bytes()[:1_000])
    said = refused(capsys, "collect", "--out", spoiled, "--results", tmp_path / "new")
    assert str(file) in said
    assert not (tmp_path / "new").exists()


def test_other_weights_than_were_scored_are_refused(done, tmp_path, capsys):
    spoiled = tmp_path / "grid"
    subprocess.run(["cp", "-r", done, spoiled], check=True)
    weights = [spoiled / "weights" / f"glyphs-clipped-nearest-4-s{seed}.safetensors" for seed in (0, 1)]
    weights[0].write_bytes(weights[1].read_bytes())
    said = refused(capsys, "collect", "--out", spoiled, "--results", tmp_path / "new")
    assert str(weights[0]) in said
    assert "is not what" in said
    assert not (tmp_path / "new").exists()


def test_suites_of_several_protocols_are_refused(done, tmp_path, capsys):
    spoiled = tmp_path / "grid"
    subprocess.run(["cp", "-r", done, spoiled], check=True)
    file = spoiled / "scores" / "noises" / "glyphs-clipped-nearest-4-s0.parquet"
    frame, facts = store.read_scores(file)
    store.write_scores(file, frame, facts | {"protocol": "another"})
    said = refused(capsys, "collect", "--out", spoiled, "--results", tmp_path / "new")
    assert "glyphs-clipped-nearest-4-s0 was scored under several protocols" in said


def test_results_that_hold_more_are_not_overwritten(done, copy, tmp_path, capsys):
    lesser = tmp_path / "grid"
    subprocess.run(["cp", "-r", done, lesser], check=True)
    (lesser / "scores" / "noises" / "glyphs-clipped-nearest-4-s0.parquet").unlink()
    before = (copy / "methods.csv").read_bytes()
    said = refused(capsys, "collect", "--out", lesser, "--results", copy)
    assert "holds more than was found: 1 methods, glyphs-clipped-nearest-4-s0 for one" in said
    assert (copy / "methods.csv").read_bytes() == before


def test_results_of_another_recipe_are_not_overwritten(done, copy, capsys):
    recipe = copy / "recipe.json"
    recipe.write_text(json.dumps({**json.loads(recipe.read_text()), "lr": 0.001}))
    assert "holds networks of another recipe" in refused(capsys, "collect", "--out", done, "--results", copy)


def test_a_folder_without_a_grid_is_named(tmp_path, capsys):
    said = refused(capsys, "collect", "--out", tmp_path / "nowhere", "--results", tmp_path / "new")
    assert "nowhere" in said


def test_verify_scores_random_cells_the_same(results, capsys):
    assert not command.main(["verify", "--sample", "6", "--results", str(results)])
    assert "6 of 6 cells scored the same" in capsys.readouterr().out


def test_verify_fails_where_a_score_has_drifted(copy, caplog):
    file = collect.scores_file(copy, "glyphs", True)
    frame = pd.read_parquet(file)
    frame["psnr_db"] += 0.05
    frame.to_parquet(file, index=False)
    assert command.main(["verify", "--sample", "3", "--results", str(copy)]) == 1
    assert "drift: method glyphs-clipped-" in caplog.text


def test_verify_names_a_method_or_a_picture_that_is_missing(copy, capsys):
    file = collect.scores_file(copy, "glyphs", True)
    frame = pd.read_parquet(file)
    frame[frame.picture != frame.picture.iloc[0]].to_parquet(file, index=False)
    said = refused(capsys, "verify", "--sample", "100%", "--results", copy)
    assert "has no score of glyphs picture" in said
    methods = pd.read_csv(copy / "methods.csv")
    methods[~methods.arm.isin(["nearest", "noisy"])].to_csv(copy / "methods.csv", index=False)
    said = refused(capsys, "verify", "--sample", "100%", "--results", copy)
    assert "which methods.csv does not have" in said


def test_verify_names_weights_that_are_not_those_that_were_scored(copy, capsys):
    for file in (copy / "weights").glob("*.safetensors"):
        file.write_bytes(file.read_bytes() + b" ")
    assert "holds other weights" in refused(capsys, "verify", "--sample", "100%", "--results", copy)


@pytest.mark.parametrize(("sample", "said"), [("some", "neither a share"), ("0", "above 0"), ("-1%", "above 0")])
def test_a_sample_that_makes_no_sense_is_refused(sample, said, results, capsys):
    assert said in refused(capsys, "verify", f"--sample={sample}", "--results", results)


def test_results_of_another_schema_are_named_and_left_alone(copy, capsys):
    file = copy / "methods.csv"
    pd.read_csv(file).drop(columns="weights_sha256").to_csv(file, index=False)
    before = file.read_bytes()
    said = refused(capsys, "verify", "--results", copy)
    assert "methods.csv: of another schema (it lacks weights_sha256)" in said
    assert file.read_bytes() == before


def test_a_summary_that_is_cut_short_is_named(copy, capsys):
    file = copy / "summary.csv"
    file.write_bytes(file.read_bytes()[:-20])
    assert "summary.csv" in refused(capsys, "report", "--results", copy)


def test_the_summary_is_the_mean_over_pictures_and_seeds(results):
    methods, found = collect.read(results)
    frame, _ = summary.summarise(methods, found)
    row = frame[
        (frame.arm == "nearest") & (frame.budget == "channels") & (frame.levels == "0.4") & (frame.noise == "gaussian")
        & (frame.tested_on == "glyphs") & frame.clipped
    ].iloc[0]  # fmt: skip
    cells = found[
        found.method.str.startswith("glyphs-clipped-nearest-4-") & (found.sigma == 0.4) & (found.noise == "gaussian")
        & (found.dataset == "glyphs") & found.clipped
    ]  # fmt: skip
    assert (row.seeds, row.pictures) == (2, 59)
    assert row.methods == "glyphs-clipped-nearest-4-s0 glyphs-clipped-nearest-4-s1"
    assert [len(digest) for digest in row.weights_sha256.split()] == [12, 12]
    assert row.command == (
        "python -m bench grid --datasets glyphs --noise clipped --arms nearest --budgets channels --seeds 2 "
        "--width 4 --depth 1 --images 256 --batch 32"
    )
    assert row.psnr_db == pytest.approx(cells.psnr_db.mean(), abs=1e-4)
    assert row.psnr_db_low < row.psnr_db < row.psnr_db_high


def test_a_network_with_fewer_seeds_stands_alone_and_takes_none_from_the_others():
    arms = {
        "nearest": {0: "n0", 1: "n1", 2: "n2"},
        "bilinear": {0: "b0", 1: "b1"},
        "transposed_k3": {0: "t0"},
        "unet": {0: "u0", 1: "u1"},
        "dncnn": {0: "d0"},
    }
    compared, late = summary._on_time(arms)
    assert compared == {
        "nearest": {0: "n0", 1: "n1"},
        "bilinear": {0: "b0", 1: "b1"},
        "unet": {0: "u0", 1: "u1"},
    }
    assert late == {"transposed_k3": {0: "t0"}, "dncnn": {0: "d0"}}


def test_arms_without_a_seed_in_common_stand_alone():
    arms = {"nearest": {0: "n0"}, "bilinear": {1: "b1"}}
    assert summary._on_time(arms) == ({}, arms)


def test_methods_that_were_scored_on_different_pictures_are_not_compared(results):
    methods, found = collect.read(results)
    lost = found.method.eq("glyphs-clipped-nearest-4-s1") & found.picture.eq(found.picture.iloc[0])
    with pytest.raises(ValueError, match=r"were scored on different pictures of glyphs \(\d+ and \d+\)"):
        summary.summarise(methods, found[~lost])


def test_a_pair_stands_once_and_is_read_in_both_orders(results):
    _, differences = summary.summarise(*collect.read(results))
    assert set(zip(differences.arm, differences.other, strict=True)) == {("nearest", "transposed_k3")}
    both = summary.both_ways(differences)
    one, other = (both[both.arm == arm].reset_index() for arm in ("nearest", "transposed_k3"))
    assert (one.psnr_db == -other.psnr_db).all()
    assert (one.psnr_db_low == -other.psnr_db_high).all()


def test_letters_of_a_font_count_as_one_group(results):
    frame, _ = summary.summarise(*collect.read(results))
    assert set(frame[frame.tested_on == "glyphs"].groups) == {6}


def test_an_arm_whose_network_gives_nan_is_invalid_and_never_averaged(results):
    methods, found = collect.read(results)
    broken = found.method.eq("glyphs-clipped-nearest-4-s1") & found.noise.eq("gaussian") & found.sigma.eq(0.4)
    found.loc[broken[broken].index[0], ["psnr_db", "ssim"]] = float("nan")
    frame, differences = summary.summarise(methods, found)
    for level in ("0.4", "all"):
        rows, pairs = (part[(part.noise == "gaussian") & (part.levels == level)] for part in (frame, differences))
        rows = rows[rows.tested_on == "glyphs"]
        row = rows[(rows.arm == "nearest") & rows.clipped].iloc[0]
        assert row.status == "invalid: 1 of 118 estimates are not finite"
        assert pd.isna(row.psnr_db)
        assert rows[(rows.arm == "transposed_k3") & rows.clipped].psnr_db.notna().all()
        assert pairs[pairs.clipped & (pairs.tested_on == "glyphs")].empty


def test_committed_files_are_read_by_pandas_alone(results):
    file = next(Path(results).glob("scores-*.parquet"))
    assert list(pd.read_parquet(file)) == list(SCORES)
    assert pq.read_metadata(file).row_group(0).column(0).compression == "ZSTD"


def test_a_folder_that_cannot_be_written_is_one_line(capsys):
    assert "/proc/grid" in refused(capsys, *grid("/proc/grid"))


def test_an_output_that_is_a_file_is_one_line(tmp_path, capsys):
    (tmp_path / "grid").write_text("")
    assert "grid" in refused(capsys, *grid(tmp_path / "grid"))


def test_a_full_disk_is_one_line_and_keeps_what_was_done(tmp_path, capsys, monkeypatch):
    out = tmp_path / "grid"
    whole, written = store.pq.write_table, []

    def full(table, path, **options):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        written.append(path)
        whole(table, path, **options)

    monkeypatch.setattr(store.pq, "write_table", full)
    assert "No space left on device" in refused(capsys, *grid(out))
    assert len(list(out.glob("scores/*/*.parquet"))) == 3
    assert not list(out.rglob(".*"))  # nothing half written


def test_committed_scores_can_be_had_again(real, capsys):
    for name in ("notmnist", "fashion_mnist"):
        real(name)
    root = real("mnist")
    assert not command.main(["verify", "--sample", "4", "--data-root", str(root)])
    assert "4 of 4 cells scored the same" in capsys.readouterr().out
