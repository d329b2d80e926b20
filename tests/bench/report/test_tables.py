"""Report tables from a small summary with known values."""

import itertools

import pandas as pd
import pytest

from bench.report import render, tables, transfer_tables
from bench.report.tables import Table
from bench.schema import DIFFERENCES, SUMMARY

ARMS = {"nearest": 22.0, "transposed_k3": 21.9, "unet": 23.4, "noisy": 13.0}


def row(
    arm,
    psnr,
    *,
    trained="mnist",
    tested="mnist",
    noise="gaussian",
    clipped=True,
    level="all",
    budget="channels",
):
    """Return a row of the summary: networks trained under clipped noise."""
    known = {
        "trained_on": trained,
        "trained_clipped": True,
        "tested_on": tested,
        "noise": noise,
        "clipped": clipped,
    }
    known |= {
        "levels": level,
        "budget": budget,
        "arm": arm,
        "status": "ok",
        "seeds": 3,
        "pictures": 500,
    }
    return known | {
        "psnr_db": psnr,
        "psnr_db_low": psnr - 0.1,
        "psnr_db_high": psnr + 0.1,
        "ssim": 0.9,
    }


NO_PAIRS = pd.DataFrame(columns=list(DIFFERENCES))


@pytest.fixture
def summary():
    """Return a summary of two training sets, tested on both.

    Floors have no budget, ceilings only equal parameters.
    """
    rows = []
    for (arm, psnr), trained, tested in itertools.product(
        ARMS.items(), ("mnist", "notmnist"), ("mnist", "notmnist")
    ):
        budget = {"noisy": None, "unet": "parameters"}.get(arm, "channels")
        less = 0 if trained == tested else 5
        rows += [
            row(arm, psnr - less, trained=trained, tested=tested, level=level, budget=budget)
            for level in ("0.4", "all")
        ]
        if trained == tested:
            rows.append(
                row(arm, psnr - 8, trained=trained, tested=tested, noise="poisson", budget=budget)
            )
    return pd.DataFrame(rows).reindex(columns=list(SUMMARY))


def test_the_question_is_answered_for_every_training_set():
    known = {
        "trained_on": "mnist",
        "trained_clipped": True,
        "tested_on": "mnist",
        "noise": "gaussian",
        "clipped": True,
        "levels": "all",
        "arm": "nearest",
        "other": "transposed_k3",
        "seeds": 3,
    }
    rows = [
        {
            **known,
            "budget": "channels",
            "psnr_db": 0.2,
            "psnr_db_low": 0.1,
            "psnr_db_high": 0.3,
            "verdict": "better",
        },
        {
            **known,
            "budget": "macs",
            "psnr_db": -0.1,
            "psnr_db_low": -0.3,
            "psnr_db_high": 0.1,
            "verdict": "undecided",
        },
    ]
    cells = tables.question(pd.DataFrame(rows).reindex(columns=list(DIFFERENCES))).cells
    assert cells.to_dict("records") == [
        {
            "Trained and tested on": "MNIST, clipped",
            "Equal channels": "+0.20 [0.10, 0.30] nearest",
            "Equal MACs": "-0.10 [-0.30, 0.10] undecided",
            "Seeds": 3,
        }
    ]


def test_the_overview_has_a_row_an_arm_and_a_column_a_budget(summary):
    costs = pd.DataFrame(
        {"MACs (millions)": [4.6, 3.3, 4.7]},
        index=pd.MultiIndex.from_tuples(
            [("nearest", "channels"), ("transposed_k3", "channels"), ("unet", "parameters")],
            names=["arm", "budget"],
        ),
    )
    gap = {"trained_on": "mnist", "trained_clipped": True, "tested_on": "mnist", "clipped": True}
    gap |= {"noise": "gaussian", "levels": "all", "budget": "channels", "verdict": "worse"}
    gap |= {"arm": "transposed_k3", "other": "nearest"}
    gaps = pd.DataFrame([gap]).reindex(columns=list(DIFFERENCES))
    table = tables.overview(summary, gaps, costs, "mnist", True)
    assert table.cells["Equal channels"].tolist() == ["22.00", "21.90 −", ""]
    assert table.cells["Equal parameters"].tolist() == ["", "", "23.40"]
    assert "− worse, = equal within 0.05 dB, ? undecided" in table.note
    assert table.cells.Method.iloc[-1] == "U-Net (ceiling)"
    assert table.cells["MACs (millions)"].tolist() == ["4.6", "3.3", "4.7"]
    assert table.note.endswith("Without training: noisy input 13.00.")


def test_floors_stand_among_the_networks_under_a_noise_that_these_did_not_see(summary):
    table = next(transfer_tables.carried(summary, "poisson"))
    assert table.cells.Method.tolist() == [
        "Upsampling nearest + conv 3x3", "Transposed conv 3x3", "Noisy input (no training)",
    ]  # fmt: skip
    assert table.cells.Mean.tolist() == ["14.00 ± 0.10", "13.90 ± 0.10", "5.00 ± 0.10"]


def test_columns_follow_the_levels_by_number_and_the_mean_is_last(summary):
    more = [row("nearest", 20.0, noise="poisson", level=level) for level in ("0.5", "10", "2")]
    table = next(transfer_tables.carried(pd.concat([summary, pd.DataFrame(more)]), "poisson"))
    assert table.cells.columns.tolist() == ["Method", "0.5", "2", "10", "Mean"]
    assert "standard deviation at white" in table.note


def test_methods_are_ordered_by_the_mean_and_not_by_one_level(summary):
    higher = row("transposed_k3", 30.0, tested="notmnist", level="0.4")
    others = summary[~((summary.arm == "transposed_k3") & (summary.levels == "0.4"))]
    table = next(transfer_tables.carried(pd.concat([others, pd.DataFrame([higher])]), None))
    assert table.cells.Method.iloc[0] == "Upsampling nearest + conv 3x3"
    assert table.cells["notMNIST, clipped, 0.4"].iloc[1] == "30.00 ± 0.10"


def test_train_sets_are_crossed_with_test_sets(summary):
    (table,) = transfer_tables.crossed(summary)
    assert table.cells.columns.tolist() == [
        "Trained on: decoder", "MNIST, 0.4", "MNIST, Mean", "notMNIST, 0.4", "notMNIST, Mean",
    ]  # fmt: skip
    assert table.cells[
        ["Trained on: decoder", "MNIST, Mean", "notMNIST, Mean"]
    ].to_numpy().tolist() == [
        ["MNIST: Upsampling nearest + conv 3x3 (highest)", "22.00", "17.00"],
        ["MNIST: Transposed conv 3x3", "21.90", "16.90"],
        ["notMNIST: Upsampling nearest + conv 3x3 (highest)", "17.00", "22.00"],
        ["notMNIST: Transposed conv 3x3", "16.90", "21.90"],
    ]


def test_the_arm_that_leads_its_own_set_stands_beside_the_two_of_the_question(summary):
    leader = [row("bilinear", 25.0, tested=tested) for tested in ("mnist", "notmnist")]
    (table,) = transfer_tables.crossed(pd.concat([summary, pd.DataFrame(leader)]))
    assert table.cells["Trained on: decoder"].tolist()[:3] == [
        "MNIST: Upsampling nearest + conv 3x3", "MNIST: Transposed conv 3x3",
        "MNIST: Upsampling bilinear + conv 3x3 (highest)",
    ]  # fmt: skip


def test_an_arm_with_fewer_trainings_is_named(summary):
    summary.loc[summary.arm == "unet", "seeds"] = 1
    costs = pd.DataFrame(
        index=pd.MultiIndex.from_tuples([("nearest", "channels")], names=["arm", "budget"])
    )
    assert (
        "3 training seeds (U-Net: 1), 500 test images"
        in tables.overview(summary, NO_PAIRS, costs, "mnist", True).note
    )


def test_a_page_links_its_parts_and_needs_nothing_from_elsewhere():
    table = Table("Costs & more", "A note.", pd.DataFrame({"Method": ["<b>"], "dB": ["1 ± 2"]}))
    picture = render.Picture(render.Path("../a.png"), "A name", "What is seen.")
    answer = Table(
        "Which of two", "Their difference.", pd.DataFrame({"Set": ["MNIST"], "dB": ["0.1"]})
    )
    report = render.Report(
        "Which?", "Neither.", "First.", answer, {"MNIST": ["One.", "Two."]}, [picture], [table]
    )
    page = render.page(report)
    assert '<a href="#costs-more">Costs &amp; more</a>' in page
    assert '<h2 id="costs-more">' in page
    assert '<a href="../a.png"><img src="../a.png" alt="A name"' in page
    assert (
        page.index("Neither.")
        < page.index("First.")
        < page.index("Their difference.")
        < page.index("Contents")
        < page.index("One.")
    )
    assert "&lt;b&gt;" in page
    assert "http" not in page
    assert "![A name](../a.png)\n\nWhat is seen." in render.markdown(report)
    assert r"1 $\pm$ 2" in render.latex(table)
