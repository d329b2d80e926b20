"""The Benchmark tab: committed results, and rows that set the Compare tab."""

from types import SimpleNamespace

import gradio as gr
import pandas as pd
import pytest
from PIL import Image

from demo import page
from demo.compute import answers, samples
from demo.tabs import benchmark, compare
from denoise.models import weights


@pytest.fixture(scope="module")
def shown():
    return benchmark.table()


def kept(row, tab):
    """Return the kept setting of a clicked row."""
    return benchmark.picker(tab)(SimpleNamespace(row_value=list(row)))[0]


def test_every_score_is_that_of_the_committed_table(shown):
    committed = pd.read_csv(benchmark.TABLE).set_index(["dataset", "method", "sigma"])
    expected = committed.psnr_db["mnist", "mnist-nearest", 0.4]
    row = shown[
        (shown.Images == "MNIST digits")
        & (shown.sigma == 0.4)
        & shown.Method.str.startswith("Upsampling n")
    ]
    assert row["PSNR (dB)"].tolist() == pytest.approx([expected], abs=0.005)
    assert row.Parameters.tolist() == [committed.parameters["mnist", "mnist-nearest", 0.4]]


def test_every_shipped_network_of_the_comparison_is_in_it(shown):
    networks = [name for name in weights.names() if name.partition("-")[0] in ("mnist", "notmnist")]
    assert len(shown[shown.Parameters.notna()]) == len(networks) * shown.sigma.nunique()


def test_the_scores_of_photographs_stand_with_those_of_papers():
    shown, committed = benchmark.photographs(), pd.read_csv(benchmark.PHOTOGRAPHS)
    assert set(shown.Images) == {"BSD68", "Set12", "CBSD68", "Dirty documents"}
    assert set(shown[shown.Images == "BSD68"].sigma) == {15, 25, 50}
    published = shown[
        (shown.Images == "BSD68") & (shown.sigma == 25) & shown.Method.str.startswith("DnCNN-B")
    ]
    assert published["PSNR (dB)"].tolist() == [29.16]
    assert shown["PSNR (dB)"].max() == pytest.approx(committed.psnr_db.max(), abs=0.005)


@pytest.mark.parametrize(
    ("images", "task", "kind", "channels"),
    [
        ("BSD68", "add", "photograph", 1),
        ("CBSD68", "add", "photograph", 3),
        ("Dirty documents", "clean", "page", 1),
    ],
)
def test_a_row_of_photographs_becomes_the_setting_of_the_photo_tab(images, task, kind, channels):
    shown = benchmark.photographs()
    row = shown[shown.Images == images].iloc[-1]
    picture, *setting, level = benchmark.choose_photograph(kept(row, "Photo"))[:4]
    assert setting[0] == task
    assert (setting[1]["value"], setting[1]["info"]) == (kind, "")
    assert level["value"] == row.sigma
    assert (picture.shape[-1] if picture.ndim == 3 else 1) == channels


def test_the_verdict_is_that_of_the_report():
    short, sections = benchmark.verdict()
    assert short.startswith("At equal channels, upsampling nearest + conv 3x3 ")
    assert "MNIST, clipped Gaussian noise" in sections
    assert list(sections)[-1] == "Training"
    assert all("|" not in text for text in sections.values())  # the tables stand in the report only


@pytest.mark.parametrize("kind", benchmark.KINDS)
@pytest.mark.parametrize("of", benchmark.SETS)
def test_its_figures_are_there(kind, of):
    with Image.open(benchmark.figure(kind, of)) as image:
        assert image.width > 500


def test_a_row_becomes_the_setting_of_the_compare_tab(shown):
    row = shown[(shown.Images == "notMNIST letters") & (shown.sigma == 0.3)].iloc[0]
    *setting, decoders, view, tabs = benchmark.choose(kept(row, "Compare"))
    picture, noise, clip, sigma, seed, family = setting
    assert (noise, clip, sigma, seed, family) == ("gaussian", True, 0.3, 0, "notmnist")
    assert any(
        (picture == sample.image).all() for sample in samples.samples() if sample.family == family
    )
    assert tabs["selected"] == "compare" if isinstance(tabs, dict) else tabs.selected == "compare"
    assert decoders == view == gr.skip()
    html, _ = compare.show(*setting, list(answers.FIRST_ARMS), "pictures")
    assert "Networks trained on notMNIST letters" in html


@pytest.mark.parametrize("tab", ["Compare", "Photo"])
def test_a_click_on_a_row_offers_its_setting_on_a_button_and_opens_nothing(shown, tab):
    row = shown[(shown.Images == "MNIST digits") & (shown.sigma == 0.3)].iloc[0]
    setting, button = benchmark.picker(tab)(SimpleNamespace(row_value=list(row)))
    assert setting == {"Images": "MNIST digits", "sigma": 0.3}
    assert button["value"] == f"Show this setting in {tab}: MNIST digits, sigma 0.3"
    assert button["interactive"] is True


@pytest.mark.parametrize(
    "row", [None, {}, {"Images": "cats", "sigma": 1}, {"Images": "BSD68"}, "row", 7]
)
@pytest.mark.parametrize("choose", [benchmark.choose, benchmark.choose_photograph])
def test_without_a_row_the_button_is_answered_in_a_sentence(choose, row):
    with pytest.raises(gr.Error, match="choose a row of the table first"):
        choose(row)


@pytest.mark.parametrize("table", [benchmark.table, benchmark.photographs])
def test_every_number_of_a_column_has_as_many_decimals(table):
    styled = benchmark.styled(table())
    cells = styled._translate(False, False)["body"]
    for column, name in enumerate(benchmark.COLUMNS, 1):
        texts = {str(row[column]["display_value"]) for row in cells} - {"–"}
        assert "nan" not in texts
        if name not in ("Images", "Method"):
            assert len({len(text.partition(".")[2]) for text in texts}) == 1, name


def test_the_page_has_four_tabs():
    labels = [
        c["props"].get("label")
        for c in page.build().get_config_file()["components"]
        if c["type"] == "tabitem"
    ]
    assert [label for label in labels if label not in ("Sample", "Draw", "Upload")] == [
        "Compare", "Photo", "Benchmark", "Learn"
    ]  # fmt: skip
