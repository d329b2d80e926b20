"""Points of the Benchmark tab's chart: what the committed files hold, and nothing else."""

# ruff: noqa: F401, F811  fixtures of another module

import json

import pandas as pd
import pytest
from made_up_grid import costs, integers, results

from demo.compute import scores


def test_a_network_of_two_budgets_is_one_point_with_both(results):
    points = scores.points("made-up")
    nearest = points[(points.arm == "nearest") & (points.tested_on == "mnist")]
    assert nearest.budgets.tolist() == ["channels macs"] * 2  # a level, and the mean
    assert nearest.method.tolist() == ["mnist-clipped-nearest-16x8-s0"] * 2


def test_points_have_the_noise_of_the_training_and_constant_outputs_are_none(results):
    points = scores.points("made-up")
    assert set(points.arm) == {"noisy", "nearest", "transposed_k3", "unet"}
    assert set(points.psnr_db) == {10.0, 21.5, 21.25, 22.0}
    assert set(points.levels) == {"0.4", "all"}


def test_images_of_another_training_set_are_not_shown_but_unseen_images_are(results):
    (body,) = scores.payload()["bodies"]
    assert [pair["label"] for pair in body["sets"]] == [
        "MNIST digits",
        "Fashion-MNIST clothes, trained on MNIST digits",
    ]
    file = results / "made-up" / "summary.csv"
    rows = pd.read_csv(file)
    more = rows[rows.tested_on == "fashion_mnist"].assign(trained_on="fashion_mnist")
    pd.concat([rows, more]).to_csv(file, index=False)
    scores.points.cache_clear()
    pairs = scores.points("made-up")[["trained_on", "tested_on"]].drop_duplicates()
    assert pairs.values.tolist() == [["mnist", "mnist"], ["fashion_mnist", "fashion_mnist"]]


def test_a_cost_that_no_file_has_is_not_offered(results):
    assert [scale.group for scale in scores.scales("made-up")] == ["macs", "parameters"]
    costs(results / "made-up")
    integers(results / "made-up")
    groups = [scale.group for scale in scores.scales("made-up")]
    assert groups == ["macs", "parameters", "time", "int8"]


def test_times_are_of_one_image_and_a_network_that_was_not_timed_has_none(results):
    costs(results / "made-up")
    *_, time = scores.scales("made-up")
    assert time.label == "A CPU, 2 threads, float32, 8 images per call"
    assert time.costs == {
        "mnist-clipped-nearest-16x8-s0": 1.0,
        "mnist-clipped-nearest-16x8-s1": 1.0,  # the same network but for its weights
        "mnist-clipped-transposed_k3-16x8-s0": 0.5,
    }


def test_the_time_in_8_bit_integers_comes_with_the_change_of_the_score(results):
    integers(results / "made-up")
    *_, int8 = scores.scales("made-up")
    assert int8.label == "A CPU, 1 thread, onnxruntime-int8, form fused, 4 images per call"
    assert int8.costs == {"mnist-clipped-nearest-16x8-s0": 0.75}
    assert int8.changes == {"mnist-clipped-nearest-16x8-s0": -0.125}


@pytest.mark.parametrize(
    "names",
    [
        ("made-up", "mnist-clipped-nearest-16x8-s1", "mnist", "0.4"),
        ("made-up", "mnist-clipped-nearest-16x8-s0", "bsd68", "0.4"),
        ("made-up", "mnist-clipped-nearest-16x8-s0", "mnist", "0.3"),
        ("../made-up", "mnist-clipped-nearest-16x8-s0", "mnist", "0.4"),
    ],
)
def test_a_point_that_is_not_shown_is_not_found(results, names):
    assert scores.find("made-up", names[1].replace("s1", "s0"), "mnist", "0.4").psnr_db == 21.5
    with pytest.raises(LookupError):
        scores.find(*names)


def test_levels_are_written_as_in_papers():
    assert [scores.level_label(sigma) for sigma in (0.4, 0.05, 0.0980392, 0.196078)] == [
        "0.4", "0.05", "25/255", "50/255"
    ]  # fmt: skip


def test_the_committed_grids_are_all_shown_with_their_scores_and_intervals():
    shown = scores.payload()
    assert [body["name"] for body in shown["bodies"]] == list(scores.GRIDS)
    json.dumps(shown, allow_nan=False)
    for body in shown["bodies"]:
        rows = pd.read_csv(scores.RESULTS / body["name"] / "summary.csv", dtype={"levels": str})
        rows = rows[rows.noise == "gaussian"].set_index(["tested_on", "clipped", "levels"])
        for point in body["points"][::37]:
            of_row = rows.loc[(point["tested_on"], point["clipped"], point["level"])]
            (row,) = (
                of_row[
                    of_row.methods.str.startswith(point["method"])
                    & (of_row.trained_on == point["trained_on"])
                ]
                .drop_duplicates("methods")
                .itertuples()
            )
            assert point["psnr_db"] == pytest.approx(row.psnr_db, abs=1e-4)
            assert point["psnr_db_low"] < point["psnr_db"] < point["psnr_db_high"]
            assert shown["arms"][point["arm"]]["label"]
