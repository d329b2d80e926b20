"""The Benchmark tab: committed results, and points and rows that set other tabs."""

import json
from types import SimpleNamespace

import gradio as gr
import pandas as pd
import pytest

from demo import page
from demo.compute import answer, outputs, scores
from demo.tabs import benchmark, compare
from denoise.datasets import DATASETS
from denoise.models import weights


def event(**data):
    """Return the event of a point or a row with that data."""
    return SimpleNamespace(_data=data)


@pytest.fixture(scope="module")
def point():
    """Return the names of a decoder's point at sigma 0.3, clipped, on MNIST."""
    grid = scores.GRIDS[0]
    rows = scores.points(grid)
    row = rows[
        (rows.arm == "transposed_k4")
        & (rows.trained_on == "mnist")
        & (rows.tested_on == "mnist")
        & rows.clipped
        & (rows.levels == "0.3")
    ].iloc[0]
    return {"grid": grid, "method": row.method, "tested_on": "mnist", "level": "0.3"}


@pytest.fixture(scope="module")
def shown():
    return benchmark.table()


def test_every_score_is_that_of_the_committed_table(shown):
    committed = pd.read_csv(benchmark.TABLE).set_index(["dataset", "method", "sigma"])
    expected = committed.loc["mnist", "mnist-nearest", 0.4]
    (row,) = shown[
        (shown.dataset == "mnist")
        & (shown.sigma == 0.4)
        & shown.label.str.startswith("Upsampling n")
    ].itertuples()
    assert row.psnr_db == expected.psnr_db
    assert row.parameters == expected.parameters
    assert row.macs == expected.macs / 1e6


def test_every_shipped_network_of_the_comparison_is_in_it(shown):
    networks = [name for name in weights.names() if name.partition("-")[0] in ("mnist", "notmnist")]
    assert len(shown[shown.parameters.notna()]) == len(networks) * shown.sigma.nunique()


def test_the_scores_of_photographs_stand_with_those_of_papers():
    shown, committed = benchmark.photographs(), pd.read_csv(benchmark.PHOTOGRAPHS)
    assert set(shown.dataset) == {"bsd68", "set12", "cbsd68", "documents"}
    assert set(shown[shown.dataset == "bsd68"].sigma) == {15, 25, 50}
    published = shown[
        (shown.dataset == "bsd68") & (shown.sigma == 25) & shown.label.str.startswith("DnCNN-B")
    ]
    assert published.psnr_db.tolist() == [29.16]
    assert shown.psnr_db.max() == committed.psnr_db.max()


def test_the_page_gets_the_rows_of_a_table_and_the_decimals_of_its_columns(shown):
    listed = benchmark.listed(shown, "Scores", "Compare")
    json.dumps(listed, allow_nan=False)
    assert [column["name"] for column in listed["columns"]] == list(benchmark.COLUMNS)
    assert {column["name"]: column.get("digits") for column in listed["columns"]} == {
        "Images": None, "Method": None, "sigma": 1, "PSNR (dB)": 2, "± (95 %)": 2, "SSIM": 4,
        "Parameters": 0, "M MACs": 2, "CPU ms": 3,
    }  # fmt: skip
    assert len(listed["rows"]) == len(shown)
    first = listed["rows"][0]
    assert first["setting"] == f"{first['values'][0]}, sigma {first['values'][2]:g}"
    assert benchmark.listed(benchmark.photographs(), "", "")["columns"][2]["digits"] == 0


def test_the_chart_names_the_tab_that_shows_a_data_set():
    opens = {
        (body["name"], pair["tested_on"]): pair["opens"]
        for body in benchmark.chart()["bodies"]
        for pair in body["sets"]
    }
    assert opens[scores.GRIDS[0], "mnist"] == "Compare"
    assert opens["unet", "bsd68"] == opens["unet", "set12"] == "Photo"


def test_the_verdict_is_that_of_the_report():
    short, sections = benchmark.verdict()
    assert short.startswith(f"**{answer.headline()}**")
    assert "At equal channels, upsampling nearest + conv 3x3 " in short
    assert "MNIST, clipped Gaussian noise" in sections
    assert list(sections)[-1] == "Training"
    assert all("|" not in text for text in sections.values())  # the tables stand in the report only


def test_a_point_gets_its_output_under_the_names_that_asked_for_it(point):
    answer = json.loads(benchmark.preview(event(**point, turn=7)))
    assert answer["asked"] == point
    assert answer["turn"] == 7  # otherwise an equal answer would be no change for the browser
    assert answer["output"].startswith("data:image/png;base64,")


def test_a_point_without_weights_gets_a_sentence(point, monkeypatch):
    def missing(**asked):
        raise ValueError("/srv/page/results: the weights are missing")

    monkeypatch.setattr(outputs, "preview", missing)
    error = json.loads(benchmark.preview(event(**point)))["error"]
    assert "the weights are missing" in error
    assert "/srv" not in error


@pytest.mark.parametrize(
    ("images", "task", "kind", "channels"),
    [
        ("bsd68", "add", "photograph", 1),
        ("cbsd68", "add", "photograph", 3),
        ("documents", "clean", "page", 1),
    ],
)
def test_a_row_of_photographs_becomes_the_setting_of_the_photo_tab(images, task, kind, channels):
    shown = benchmark.photographs()
    row = shown[shown.dataset == images].iloc[-1]
    picture, asked, of_kind, level, *_ = benchmark.choose_photograph(
        event(tested_on=images, sigma=row.sigma)
    )
    assert (asked, of_kind["value"], of_kind["info"]) == (task, kind, "")
    assert level["value"] == row.sigma
    assert (picture.shape[-1] if picture.ndim == 3 else 1) == channels


def test_a_point_of_photographs_becomes_the_setting_of_the_photo_tab():
    row = scores.points("unet").query("tested_on == 'set12' and levels != 'all'").iloc[-1]
    asked = {"grid": "unet", "method": row.method, "tested_on": "set12", "level": row.levels}
    _, _, _, level, *_, tabs = benchmark.choose_photograph(event(**asked))
    assert level["value"] == round(float(row.levels) * 255)
    assert tabs.selected == "photo"


def test_a_point_becomes_the_setting_of_the_compare_tab_and_its_decoder_is_chosen(point):
    *given, chosen, view, tabs = benchmark.choose(["nearest"], event(**point))
    picture, noise, clip, sigma, seed, family = given
    assert (noise, clip, sigma, seed, family) == ("gaussian", True, 0.3, 0, "mnist")
    assert (picture == outputs.sample("mnist")[0]).all()
    assert tabs.selected == "compare"
    assert view == gr.skip()
    assert chosen == ["nearest", "transposed_k4"]
    html, _ = compare.show(*given, chosen, "pictures")
    assert f"Networks trained on {DATASETS['mnist'].label}" in html


def test_a_row_becomes_the_setting_of_the_compare_tab_and_keeps_the_decoders():
    *given, chosen, view, tabs = benchmark.choose(
        ["nearest"], event(tested_on="notmnist", sigma=0.3)
    )
    assert given[1:] == ["gaussian", True, 0.3, 0, "notmnist"]
    assert chosen == view == gr.skip()
    assert tabs.selected == "compare"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"tested_on": "cats", "sigma": 1},
        {"tested_on": "mnist"},
        {"tested_on": "mnist", "sigma": "loud"},
        {"method": "x"},
        {"grid": "small", "method": "x", "tested_on": "mnist", "level": "0.3"},
        {"grid": "../small", "method": "x", "tested_on": "mnist", "level": "0.3"},
        {"grid": "small", "method": ["x"], "tested_on": {}, "level": None},
    ],
)
@pytest.mark.parametrize(
    "choose", [lambda event: benchmark.choose([], event), benchmark.choose_photograph]
)
def test_data_that_name_no_point_and_no_row_are_refused(choose, data):
    # `Guarded.call_function` turns these errors into one sentence
    with pytest.raises((LookupError, TypeError, ValueError)):
        choose(event(**data))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chart-backbone", "unet"),
        ("chart-cost", "parameters"),
        ("chart-set", "mnist-mnist"),
        ("chart-clip", "0"),
        ("chart-budgets", "channels.parameters"),
        ("chart-level", "0.4"),
        ("chart-level", "all"),
        ("chart-hidden", "nearest.bilinear"),
        ("chart-hidden", "none"),
    ],
)
def test_a_setting_of_the_chart_in_a_link_is_one_that_a_view_has(name, text):
    assert benchmark.parser(name)(text) == text
    with pytest.raises(ValueError, match="'cats' is not one of "):
        benchmark.parser(name)("cats")


def test_the_page_has_these_tabs():
    labels = [
        c["props"].get("label")
        for c in page.build().get_config_file()["components"]
        if c["type"] == "tabitem"
    ]
    assert [label for label in labels if label not in ("Sample", "Draw", "Upload")] == [
        "Compare", "Film", "Train", "Photo", "Benchmark", "Blind test", "Learn"
    ]  # fmt: skip


def test_the_scores_are_no_part_of_the_first_load():
    config = json.dumps(page.build().get_config_file(), default=str)
    assert "psnr_db_low" not in config
    assert "Plotly" not in config
