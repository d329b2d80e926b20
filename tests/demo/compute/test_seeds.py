"""Committed scores that the end of a training is compared with."""

import pandas as pd
import pytest

from demo.compute import seeds

ROW = {
    "trained_on": "mnist", "trained_clipped": True, "tested_on": "mnist", "noise": "gaussian",
    "clipped": True, "levels": "0.4", "budget": "channels", "seeds": 3,
}  # fmt: skip


@pytest.fixture
def rows(monkeypatch, tmp_path):
    def write(*rows):
        pd.DataFrame([ROW | row for row in rows]).to_csv(tmp_path / "summary.csv", index=False)
        monkeypatch.setattr(seeds, "FILE", tmp_path / "summary.csv")
        seeds._rows.cache_clear()

    yield write
    seeds._rows.cache_clear()


def test_the_lead_is_that_of_the_first_and_the_deviation_the_larger_one(rows):
    rows(
        {"arm": "nearest", "psnr_db": 21.5, "seed_sd_db": 0.03},
        {"arm": "bilinear", "psnr_db": 21.75, "seed_sd_db": 0.08, "seeds": 2},
    )
    assert seeds.committed(("nearest", "bilinear"), 0.45) == (0.4, -0.25, 2, 0.08)
    assert seeds.committed(("bilinear", "nearest"), 0.4).lead == 0.25


def test_other_conditions_and_the_mean_over_levels_do_not_count(rows):
    good = {"arm": "nearest", "psnr_db": 21.5, "seed_sd_db": 0.03}
    other = {"arm": "bilinear", "psnr_db": 21.0, "seed_sd_db": 0.03}
    rows(
        good, other,
        *({**other, "psnr_db": 99.0} | change for change in (
            {"levels": "all"}, {"noise": "poisson"}, {"clipped": False}, {"tested_on": "notmnist"},
            {"budget": "macs"}, {"trained_clipped": False},
        )),
    )  # fmt: skip
    assert seeds.committed(("nearest", "bilinear"), 0.4).lead == 0.5


def test_a_decoder_without_committed_scores_gives_none(rows):
    rows({"arm": "nearest", "psnr_db": 21.5, "seed_sd_db": 0.03})
    assert seeds.committed(("nearest", "dysample"), 0.4) is None


def test_the_committed_file_has_the_pair_that_the_page_opens_with():
    found = seeds.committed(("nearest", "transposed_k3"), 0.4)
    assert found.level == 0.4
    assert found.seeds >= 3
