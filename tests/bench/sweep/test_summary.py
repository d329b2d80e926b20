"""Means, differences and ties, computed from the scores of each image."""

import numpy as np
import pandas as pd
import pytest

from bench.schema import DIFFERENCES
from bench.sweep import collect, summary

pytestmark = pytest.mark.slow


def test_the_summary_is_the_mean_over_images_and_seeds(results):
    methods, found = collect.read(results)
    frame, _ = summary.summarise(methods, found)
    row = frame[
        (frame.arm == "nearest")
        & (frame.budget == "channels")
        & (frame.levels == "0.4")
        & (frame.noise == "gaussian")
        & (frame.tested_on == "glyphs")
        & frame.clipped
    ].iloc[0]
    cells = found[
        found.method.str.startswith("glyphs-clipped-nearest-4-")
        & (found.sigma == 0.4)
        & (found.noise == "gaussian")
        & (found.dataset == "glyphs")
        & found.clipped
    ]
    assert (row.seeds, row.pictures) == (2, 59)
    assert row.methods == "glyphs-clipped-nearest-4-s0 glyphs-clipped-nearest-4-s1"
    assert [len(digest) for digest in row.weights_sha256.split()] == [12, 12]
    assert row.command == (
        "python -m bench grid --datasets glyphs --noise clipped --arms nearest "
        "--budgets channels --seeds 2 --width 4 --depth 1 --images 256 --batch 32"
    )
    assert row.psnr_db == pytest.approx(cells.psnr_db.mean(), abs=1e-4)
    assert row.psnr_db_low < row.psnr_db < row.psnr_db_high


def made(arms):
    """Return the rows and pairs of arms whose scores are those of their seeds."""
    names = [name for of_arm in arms.values() for name in of_arm.values()]
    psnrs = pd.DataFrame({name: [20.0, 22.0, 24.0] for name in names}, dtype=float)
    for of_arm in arms.values():
        for seed, name in of_arm.items():
            psnrs[name] += seed
    return summary._compared(arms, psnrs, psnrs / 100, np.arange(3))


def test_an_arm_keeps_all_of_its_seeds_and_a_pair_has_those_of_both():
    rows, pairs = made(
        {
            "nearest": {0: "n0", 1: "n1", 2: "n2"},
            "bilinear": {0: "b0", 1: "b1"},
            "transposed_k3": {3: "t3"},
        }
    )
    assert {row["arm"]: (row["seeds"], row["psnr_db"]) for row in rows} == {
        "nearest": (3, 23.0), "bilinear": (2, 22.5), "transposed_k3": (1, 25.0)
    }  # fmt: skip
    assert [(pair["arm"], pair["other"], pair["seeds"]) for pair in pairs] == [
        ("nearest", "bilinear", 2)
    ]
    assert (pairs[0]["psnr_db"], pairs[0]["verdict"]) == (0.0, "equal")


def test_the_verdict_of_a_pair_does_not_depend_on_other_arms():
    pair = {"nearest": {0: "n0", 1: "n1"}, "bilinear": {0: "b0", 1: "b1"}}
    _, alone = made(pair)
    _, among = made(pair | {"transposed_k3": {0: "t0", 1: "t1"}})
    assert alone[0] == among[0]


def test_a_reversed_pair_has_the_opposite_verdict():
    row = dict.fromkeys(DIFFERENCES) | {"arm": "a", "other": "b", "verdict": "better"}
    numbers = {name: 0.1 for name in DIFFERENCES if name.startswith(("psnr", "ssim"))}
    turned = summary.both_ways(pd.DataFrame([row | numbers])).iloc[1]
    assert (turned.arm, turned.other, turned.verdict) == ("b", "a", "worse")
    assert turned.psnr_db == -0.1


def test_methods_that_were_scored_on_different_images_are_not_compared(results):
    methods, found = collect.read(results)
    lost = found.method.eq("glyphs-clipped-nearest-4-s1") & found.picture.eq(found.picture.iloc[0])
    with pytest.raises(
        ValueError, match=r"were scored on different images of glyphs \(\d+ and \d+\)"
    ):
        summary.summarise(methods, found[~lost])


def test_methods_that_were_scored_at_different_levels_are_not_averaged(results):
    methods, found = collect.read(results)
    of_one = (
        found.method.eq("glyphs-clipped-nearest-4-s1")
        & found.noise.eq("gaussian")
        & found.dataset.eq("glyphs")
    )
    lost = of_one & found.sigma.eq(found.sigma[of_one].max())
    with pytest.raises(ValueError, match="were scored at different levels"):
        summary.summarise(methods, found[~lost])


def test_a_pair_has_one_row_and_is_read_in_both_orders(results):
    _, differences = summary.summarise(*collect.read(results))
    assert set(zip(differences.arm, differences.other, strict=True)) == {
        ("nearest", "transposed_k3")
    }
    both = summary.both_ways(differences)
    one, other = (both[both.arm == arm].reset_index() for arm in ("nearest", "transposed_k3"))
    assert (one.psnr_db == -other.psnr_db).all()
    assert (one.psnr_db_low == -other.psnr_db_high).all()


def test_letters_of_a_font_count_as_one_group(results):
    frame, _ = summary.summarise(*collect.read(results))
    assert set(frame[frame.tested_on == "glyphs"].groups) == {6}


def test_an_arm_whose_network_gives_nan_is_invalid_and_never_averaged(results):
    methods, found = collect.read(results)
    broken = (
        found.method.eq("glyphs-clipped-nearest-4-s1")
        & found.noise.eq("gaussian")
        & found.sigma.eq(0.4)
    )
    found.loc[broken[broken].index[0], ["psnr_db", "ssim"]] = float("nan")
    frame, differences = summary.summarise(methods, found)
    for level in ("0.4", "all"):
        rows, pairs = (
            part[(part.noise == "gaussian") & (part.levels == level)]
            for part in (frame, differences)
        )
        rows = rows[rows.tested_on == "glyphs"]
        row = rows[(rows.arm == "nearest") & rows.clipped].iloc[0]
        assert row.status == "invalid: 1 of 118 estimates are not finite"
        assert pd.isna(row.psnr_db)
        assert rows[(rows.arm == "transposed_k3") & rows.clipped].psnr_db.notna().all()
        assert pairs[pairs.clipped & (pairs.tested_on == "glyphs")].empty
