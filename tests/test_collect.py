"""What a grid folder holds, put into the committed results: nothing lost, nothing mixed."""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from small_grid import refused

from bench import store
from bench.columns import SCORES


def test_committed_files_are_read_by_pandas_alone(results):
    file = next(Path(results).glob("scores-*.parquet"))
    assert list(pd.read_parquet(file)) == list(SCORES)
    assert pq.read_metadata(file).row_group(0).column(0).compression == "ZSTD"


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
