"""The Benchmark tab shows the committed results, and a row of it is a setting of the Compare tab."""

from types import SimpleNamespace

import gradio as gr
import pandas as pd
import pytest
from PIL import Image

from demo import answers, benchmark, compare, page, samples
from denoise import weights


@pytest.fixture(scope="module")
def shown():
    return benchmark.table()


def test_every_score_is_that_of_the_committed_table(shown):
    committed = pd.read_csv(benchmark.TABLE).set_index(["dataset", "method", "sigma"])
    expected = committed.psnr_db["mnist", "mnist-nearest", 0.4]
    row = shown[(shown.Pictures == "MNIST digits") & (shown.sigma == 0.4) & shown.Method.str.startswith("Upsampling n")]
    assert row["PSNR (dB)"].tolist() == pytest.approx([expected], abs=0.005)
    assert row.Parameters.tolist() == [committed.parameters["mnist", "mnist-nearest", 0.4]]


def test_every_shipped_network_of_the_comparison_is_in_it(shown):
    networks = [name for name in weights.names() if name.partition("-")[0] in ("mnist", "notmnist")]
    assert len(shown[shown.Parameters.notna()]) == len(networks) * shown.sigma.nunique()


def test_the_verdict_is_that_of_the_report():
    short, sections = benchmark.verdict()
    assert short.startswith("At equal channels upsampling nearest + conv 3x3 ")
    assert "MNIST, clipped Gaussian noise" in sections
    assert list(sections)[-1] == "How it was measured"
    assert all("|" not in text for text in sections.values())  # the tables are the report's


@pytest.mark.parametrize("kind", benchmark.KINDS)
@pytest.mark.parametrize("of", benchmark.SETS)
def test_its_figures_are_there(kind, of):
    with Image.open(benchmark.figure(kind, of)) as image:
        assert image.width > 500


def test_a_row_becomes_the_setting_of_the_compare_tab(shown):
    row = shown[(shown.Pictures == "notMNIST letters") & (shown.sigma == 0.3)].iloc[0]
    *setting, decoders, view, tabs = benchmark.choose(shown, SimpleNamespace(row_value=list(row)))
    picture, noise, clip, sigma, seed, family = setting
    assert (noise, clip, sigma, seed, family) == ("gaussian", True, 0.3, 0, "notmnist")
    assert any((picture == sample.picture).all() for sample in samples.samples() if sample.family == family)
    assert tabs["selected"] == "compare" if isinstance(tabs, dict) else tabs.selected == "compare"
    assert decoders == view == gr.skip()
    html, _ = compare.show(*setting, answers.decoders(), "pictures")
    assert "Networks trained on notMNIST letters" in html


def test_the_page_has_four_tabs():
    labels = [c["props"].get("label") for c in page.build().get_config_file()["components"] if c["type"] == "tabitem"]
    assert [label for label in labels if label not in ("Sample", "Draw", "Upload")] == [
        "Compare", "Photo", "Benchmark", "Learn"
    ]  # fmt: skip
