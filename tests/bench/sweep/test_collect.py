"""Collection of a grid folder into the committed results, without lost or mixed rows."""

import hashlib
import json
import subprocess
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_grid import refused

from bench.schema import PROVENANCE, SCORES
from bench.sweep import collect, run_folder
from bench.sweep.recipe import Recipe
from denoise.models import weights

pytestmark = pytest.mark.slow


def test_committed_files_are_read_by_pandas_alone(results):
    file = next(Path(results).glob("scores-*.parquet"))
    assert list(pd.read_parquet(file)) == list(SCORES)
    assert pq.read_metadata(file).row_group(0).column(0).compression == "ZSTD"


def test_scores_that_are_cut_short_are_named_and_nothing_is_collected(
    done, results, tmp_path, capsys
):
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
    weights = [
        spoiled / "weights" / f"glyphs-clipped-nearest-4-s{seed}.safetensors" for seed in (0, 1)
    ]
    weights[0].write_bytes(weights[1].read_bytes())
    said = refused(capsys, "collect", "--out", spoiled, "--results", tmp_path / "new")
    assert f"scores of other weights than {weights[0]}: remove the scores" in said
    assert not (tmp_path / "new").exists()


def test_suites_of_several_protocols_are_refused(done, tmp_path, capsys):
    spoiled = tmp_path / "grid"
    subprocess.run(["cp", "-r", done, spoiled], check=True)
    file = spoiled / "scores" / "noises" / "glyphs-clipped-nearest-4-s0.parquet"
    frame, facts = run_folder.read_scores(file)
    run_folder.write_scores(file, frame, facts | {"protocol": "another"})
    said = refused(capsys, "collect", "--out", spoiled, "--results", tmp_path / "new")
    assert "glyphs-clipped-nearest-4-s0 was scored under several protocols" in said


def test_results_that_hold_more_are_not_overwritten(done, copy, tmp_path, capsys):
    lesser = tmp_path / "grid"
    subprocess.run(["cp", "-r", done, lesser], check=True)
    (lesser / "scores" / "noises" / "glyphs-clipped-nearest-4-s0.parquet").unlink()
    before = (copy / "methods.csv").read_bytes()
    said = refused(capsys, "collect", "--out", lesser, "--results", copy)
    assert "has more results of 1 methods than the grid, for example " in said
    assert "glyphs-clipped-nearest-4-s0" in said
    assert (copy / "methods.csv").read_bytes() == before


def test_results_of_another_recipe_are_not_overwritten(done, copy, capsys):
    recipe = copy / "recipe.json"
    recipe.write_text(json.dumps({**json.loads(recipe.read_text()), "lr": 0.001}))
    assert "holds networks of another recipe" in refused(
        capsys, "collect", "--out", done, "--results", copy
    )


def test_a_folder_without_a_grid_is_named(tmp_path, capsys):
    said = refused(capsys, "collect", "--out", tmp_path / "nowhere", "--results", tmp_path / "new")
    assert "nowhere" in said


def test_results_of_another_schema_are_named_and_left_alone(copy, capsys):
    file = copy / "methods.csv"
    pd.read_csv(file).drop(columns="weights_sha256").to_csv(file, index=False)
    before = file.read_bytes()
    said = refused(capsys, "verify", "--results", copy)
    assert "methods.csv: columns differ from the schema (missing: weights_sha256)" in said
    assert file.read_bytes() == before


def test_a_summary_that_is_cut_short_is_named(copy, capsys):
    file = copy / "summary.csv"
    file.write_bytes(file.read_bytes()[:-20])
    assert "summary.csv" in refused(capsys, "report", "--results", copy)


TINY = Recipe(width=4, depth=1, images=256, batch=32)
NETWORK = "glyphs-clipped-nearest-4-s0"
FACTS = dict.fromkeys(PROVENANCE, "1") | {"weights_sha256": None}
CARD = {"images_seen": 256, "seconds": 1.5, "validation_psnr": {"0.1": 20.0, "0.2": 18.0}}
CARD |= {"run_on": {"device": "cpu", "precision": "float32"}}


def scores_of(path, frame=None, **facts):
    """Write the scores of one letter."""
    condition = {
        "dataset": "glyphs",
        "split": "test",
        "noise": "gaussian",
        "clipped": True,
        "sigma": 0.1,
        "draw": 0,
    }
    one = pd.DataFrame([condition | {"picture": "a", "psnr_db": 20.0, "ssim": 0.5}])
    run_folder.write_scores(path, one if frame is None else frame, FACTS | facts)
    return path


@pytest.fixture
def grid(tmp_path):
    """Return a grid folder with the scores of the noisy input and of an untrained network."""
    grid = run_folder.Store(tmp_path / "grid", TINY)
    grid.claim()
    scores_of(grid.scores("own", "glyphs-clipped-noisy"))
    path, network = (
        grid.weights(NETWORK),
        {"name": "autoencoder", "channels": 1, "width": 4, "depth": 1},
    )
    weights.save(weights.build(network), CARD | {"architecture": network}, path)
    scores_of(
        grid.scores("own", NETWORK), weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest()
    )
    return grid


def refused_grid(grid, capsys):
    said = refused(capsys, "collect", "--out", grid.folder, "--results", grid.folder.parent / "new")
    assert not (grid.folder.parent / "new").exists()
    return said


def test_a_distant_seed_adds_only_its_own_cells(grid):
    usual = [cell.name for cell in collect._cells(grid)]
    scores_of(grid.scores("own", NETWORK.replace("-s0", "-s300000")))
    cells = [cell.name for cell in collect._cells(grid)]
    assert set(usual) < set(cells)
    assert set(cells) - set(usual) == {NETWORK.replace("-s0", "-s300000")}


@pytest.mark.parametrize(
    "name", ["x-s300000", "glyphs-clipped-nearest-9-s7", "glyphs-clipped-nearest-4-s007", "notes"]
)
def test_a_file_of_no_cell_is_named_and_changes_nothing(grid, caplog, name):
    usual = collect._cells(grid)
    path = scores_of(grid.scores("own", name))
    assert collect._cells(grid) == usual
    assert f"skipped: 1 files that are no cell of this recipe, for example {path}" in caplog.text


def test_unfinished_files_of_a_killed_run_are_ignored(grid, caplog):
    usual = collect._cells(grid)
    for name in (f".{NETWORK}.0123456789abcdef.parquet", f".{NETWORK}.0123-s9.parquet"):
        (grid.folder / "scores" / "own" / name).write_bytes(b"half")
    assert collect._cells(grid) == usual
    assert not caplog.text
    methods = collect.collect(grid.folder, grid.folder.parent / "new", TINY)
    assert set(methods[~methods.missing].method) == {NETWORK, "glyphs-clipped-noisy"}
    assert methods.set_index("method").validation_psnr_db[NETWORK] == 19.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run_on": "cpu"}, "run_on is 'cpu'; it must be an object"),
        ({"run_on": {}}, "'device' is missing"),
        ({"images_seen": "many"}, "images_seen is 'many'; it must be an integer"),
        ({"images_seen": 10**30}, "it must be an integer"),
        ({"validation_psnr": [20.0]}, "validation_psnr is [20.0]; it must be an object"),
        ({"validation_psnr": {"0.1": "high"}}, "it must be an object, each value a number or null"),
        ({"seconds": None}, "seconds is None; it must be a number"),
        ({"sha256": "0" * 64}, "changed since it was written"),
    ],
)
def test_a_card_of_another_shape_is_one_line_and_nothing_is_collected(grid, capsys, changes, said):
    card = grid.weights(NETWORK).with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))
    assert said in refused_grid(grid, capsys)


@pytest.mark.parametrize(
    "text", ["[1]", "3", "half of {", "[" * 9999, '{"protocol": "1"}', '{"weights_sha256": 3}']
)
def test_facts_of_another_shape_are_one_line(grid, capsys, text):
    path = grid.scores("own", NETWORK)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"facts": text.encode()}), path)
    assert f"{path}: metadata: " in refused_grid(grid, capsys)


def test_scores_that_hold_text_are_one_line(grid, capsys):
    path = grid.scores("own", NETWORK)
    frame, facts = run_folder.read_scores(path)
    table = pa.Table.from_pandas(frame.assign(psnr_db="high"), preserve_index=False)
    pq.write_table(table.replace_schema_metadata({b"facts": json.dumps(facts).encode()}), path)
    assert f"{path}: a column has values of another type" in refused_grid(grid, capsys)


def test_a_folder_in_the_place_of_a_file_is_one_line(grid, capsys):
    path = grid.scores("own", NETWORK)
    path.unlink()
    path.mkdir()
    assert f"{path}: a folder, not a file" in refused_grid(grid, capsys)


@pytest.mark.parametrize(
    "text",
    ["[]", '"fast"', "null", '{"width": "8"}', '{"body": ["unet"]}', '{"lr": {}}', "[" * 9999],
)
def test_a_recipe_of_another_shape_is_one_line(grid, capsys, text):
    (grid.folder / "recipe.json").write_text(text)
    assert "recipe.json: malformed recipe" in refused_grid(grid, capsys)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: "", "malformed CSV"),
        (lambda text: text[:-30], "the last line is truncated"),
        (lambda text: text.replace(",", ";"), "columns differ from the schema"),
        (lambda text: text + text.splitlines()[1] + "\n", "two rows of mnist-clipped-noisy"),
        (lambda text: text + "1,2,3\n", "must hold only True and False"),
        (lambda text: text + ",".join("x" * 30) + "\n", "malformed CSV"),
        (
            lambda text: text.replace("\nglyphs-clipped-noisy,", "\n,", 1),
            "column method is empty in row",
        ),
        (lambda text: text.replace(",False,", ",no,", 1), "must hold only True and False"),
    ],
)
def test_methods_that_are_spoiled_are_one_line_and_left_alone(grid, capsys, spoil, said):
    results = grid.folder.parent / "results"
    collect.collect(grid.folder, results, TINY)
    file = results / "methods.csv"
    file.write_text(spoil(file.read_text()))
    before = file.read_bytes()
    for command in (
        ["verify", "--results", results],
        ["collect", "--out", grid.folder, "--results", results],
    ):
        assert f"{file}: " in (line := refused(capsys, *command))
        assert said in line
    assert file.read_bytes() == before


def test_a_table_that_a_spreadsheet_saved_with_a_mark_in_front_is_read(grid):
    results = grid.folder.parent / "results"
    collect.collect(grid.folder, results, TINY)
    file = results / "methods.csv"
    plain = collect.read(results)[0]
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(collect.read(results)[0], plain)


@pytest.mark.parametrize("name", ["methods.csv", "scores-glyphs-clipped.parquet", "recipe.json"])
def test_a_folder_among_the_results_in_the_place_of_a_file_is_one_line(grid, capsys, name):
    results = grid.folder.parent / "results"
    collect.collect(grid.folder, results, TINY)
    (results / name).unlink()
    (results / name).mkdir()
    command = ["collect", "--out", grid.folder, "--results", results]
    assert name in refused(capsys, *command)
    assert (results / name).is_dir()
    if name != "recipe.json":
        assert f"{name}: a folder, not a file" in refused(capsys, "verify", "--results", results)
