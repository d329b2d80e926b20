"""Tables for people, from a small summary made by hand."""

import itertools

import pandas as pd
import pytest

from bench import render, tables
from bench.columns import DIFFERENCES, SUMMARY
from bench.tables import Table

ARMS = {"nearest": 22.0, "transposed_k3": 21.9, "unet": 23.4, "noisy": 13.0}


def row(arm, psnr, *, trained="mnist", tested="mnist", noise="gaussian", clipped=True, level="all", budget="channels"):
    """A row of the summary: networks trained under clipped noise."""
    known = {"trained_on": trained, "trained_clipped": True, "tested_on": tested, "noise": noise, "clipped": clipped}
    known |= {"levels": level, "budget": budget, "arm": arm, "status": "ok", "seeds": 3, "pictures": 500, "ties": "a"}
    return known | {"psnr_db": psnr, "psnr_db_low": psnr - 0.1, "psnr_db_high": psnr + 0.1, "ssim": 0.9}


@pytest.fixture
def summary():
    """Two training sets, tested on both; floors have no budget, ceilings equal parameters alone."""
    rows = []
    for (arm, psnr), trained, tested in itertools.product(ARMS.items(), ("mnist", "notmnist"), ("mnist", "notmnist")):
        budget = {"noisy": None, "unet": "parameters"}.get(arm, "channels")
        less = 0 if trained == tested else 5
        for level in ("0.4", "all"):
            rows.append(row(arm, psnr - less, trained=trained, tested=tested, level=level, budget=budget))
        if trained == tested:
            rows.append(row(arm, psnr - 8, trained=trained, tested=tested, noise="poisson", budget=budget))
    return pd.DataFrame(rows).reindex(columns=list(SUMMARY))


def test_the_question_is_answered_for_every_training_set():
    known = {"trained_on": "mnist", "trained_clipped": True, "tested_on": "mnist", "noise": "gaussian", "clipped": True,
             "levels": "all", "arm": "nearest", "other": "transposed_k3", "seeds": 3}  # fmt: skip
    rows = [
        {**known, "budget": "channels", "psnr_db": 0.2, "psnr_db_low": 0.1, "psnr_db_high": 0.3, "tied": False},
        {**known, "budget": "macs", "psnr_db": -0.1, "psnr_db_low": -0.3, "psnr_db_high": 0.1, "tied": True},
    ]
    cells = tables.question(pd.DataFrame(rows).reindex(columns=list(DIFFERENCES))).cells
    assert cells.to_dict("records") == [
        {
            "Trained and tested on": "MNIST, clipped",
            "Equal channels": "+0.20 [0.10, 0.30] nearest",
            "Equal MACs": "-0.10 [-0.30, 0.10] tie",
            "Seeds": 3,
        }
    ]


def test_the_overview_has_a_row_an_arm_and_a_column_a_budget(summary):
    costs = pd.DataFrame(
        {"MACs (millions)": [4.6, 3.3, 4.7]},
        index=pd.MultiIndex.from_tuples(
            [("nearest", "channels"), ("transposed_k3", "channels"), ("unet", "parameters")], names=["arm", "budget"]
        ),
    )
    table = tables.overview(summary, costs, "mnist", True)
    assert table.cells["Equal channels"].tolist() == ["22.00 a", "21.90 a", ""]
    assert table.cells["Equal parameters"].tolist() == ["", "", "23.40 a"]
    assert table.cells.Method.iloc[-1] == "U-Net (ceiling)"
    assert table.cells["MACs (millions)"].tolist() == ["4.6", "3.3", "4.7"]
    assert table.note.endswith("Without training: noisy input 13.00.")


def test_floors_stand_among_the_networks_under_a_noise_that_these_did_not_see(summary):
    table = next(tables.carried(summary, "poisson"))
    assert table.cells.Method.tolist() == [
        "Upsampling nearest + conv 3x3", "Transposed conv 3x3", "Noisy input (untrained)",
    ]  # fmt: skip
    assert table.cells.Mean.tolist() == ["14.00 ± 0.10", "13.90 ± 0.10", "5.00 ± 0.10"]


def test_train_sets_are_crossed_with_test_sets(summary):
    (table,) = tables.crossed(summary)
    assert table.cells.set_index("Trained on").to_dict() == {
        "MNIST": {"MNIST": "22.00 / 21.90", "notMNIST": "17.00 / 16.90"},
        "notMNIST": {"MNIST": "17.00 / 16.90", "notMNIST": "22.00 / 21.90"},
    }


def test_a_page_links_its_parts_and_needs_nothing_from_elsewhere():
    table = Table("Costs & more", "A note.", pd.DataFrame({"Method": ["<b>"], "dB": ["1 ± 2"]}))
    picture = render.Picture(render.Path("../a.png"), "What is seen.")
    report = render.Report("Which?", ["First."], {"MNIST": ["One.", "Two."]}, [picture], [table])
    page = render.page(report)
    assert '<a href="#costs-more">Costs &amp; more</a>' in page
    assert '<h2 id="costs-more">' in page
    assert '<img src="../a.png" alt="What is seen."' in page
    assert "&lt;b&gt;" in page
    assert "http" not in page
    assert "![What is seen.](../a.png)" in render.markdown(report)
    assert r"1 $\pm$ 2" in render.latex(table)
