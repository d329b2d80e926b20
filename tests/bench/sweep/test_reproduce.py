"""Reproduction of committed scores, and detection of a drift."""

import pandas as pd
import pytest
from small_grid import refused

from bench import __main__ as command
from bench.sweep import collect

pytestmark = pytest.mark.slow


def test_verify_scores_random_cells_the_same(results, capsys):
    assert not command.main(["verify", "--sample", "6", "--results", str(results)])
    assert "6 of 6 cells reproduced" in capsys.readouterr().out


def test_verify_fails_where_a_score_has_drifted(copy, caplog):
    file = collect.scores_file(copy, "glyphs", True)
    frame = pd.read_parquet(file)
    frame["psnr_db"] += 0.05
    frame.to_parquet(file, index=False)
    assert command.main(["verify", "--sample", "3", "--results", str(copy)]) == 1
    assert "drift of method glyphs-clipped-" in caplog.text


def test_verify_names_a_method_or_an_image_that_is_missing(copy, capsys):
    file = collect.scores_file(copy, "glyphs", True)
    frame = pd.read_parquet(file)
    frame[frame.picture != frame.picture.iloc[0]].to_parquet(file, index=False)
    said = refused(capsys, "verify", "--sample", "100%", "--results", copy)
    assert "has no score of glyphs image" in said
    methods = pd.read_csv(copy / "methods.csv")
    methods[~methods.arm.isin(["nearest", "noisy"])].to_csv(copy / "methods.csv", index=False)
    said = refused(capsys, "verify", "--sample", "100%", "--results", copy)
    assert "methods.csv and the scores have different methods" in said


def test_verify_names_weights_that_are_not_those_that_were_scored(copy, capsys):
    (file,) = copy.glob("weights-*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "the scored weights are" in refused(
        capsys, "verify", "--sample", "100%", "--results", copy
    )


def test_verify_names_an_image_that_is_scored_twice(copy, capsys):
    file = collect.scores_file(copy, "glyphs", True)
    frame = pd.read_parquet(file)
    pd.concat([frame, frame[frame.method == frame.method.iloc[0]]]).to_parquet(file, index=False)
    assert "has two scores of one glyphs image" in refused(
        capsys, "verify", "--sample", "100%", "--results", copy
    )


def test_verify_names_a_column_of_scores_that_holds_text(copy, capsys):
    file = collect.scores_file(copy, "glyphs", True)
    pd.read_parquet(file).assign(ssim="high").to_parquet(file, index=False)
    assert "column ssim must hold numbers, but holds 'high'" in refused(
        capsys, "verify", "--results", copy
    )


@pytest.mark.parametrize(
    ("sample", "said"), [("some", "must be a percentage"), ("0", "above 0"), ("-1%", "above 0")]
)
def test_a_sample_that_makes_no_sense_is_refused(sample, said, results, capsys):
    assert said in refused(capsys, "verify", f"--sample={sample}", "--results", results)


def test_committed_scores_can_be_had_again(real, capsys):
    for name in ("notmnist", "fashion_mnist"):
        real(name)
    root = real("mnist")
    assert not command.main(["verify", "--sample", "4", "--data-root", str(root)])
    assert "4 of 4 cells reproduced" in capsys.readouterr().out
