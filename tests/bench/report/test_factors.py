"""Span of each factor, on results that are made up."""

import pandas as pd
import pytest

from bench.report import answer, factors, pages
from bench.report.results import Results
from bench.schema import CURVES, DIFFERENCES, METHODS, SUMMARY
from bench.sweep.recipe import Recipe

SIZES = (50_000, 100_000)
ARMS = {"nearest": 0.0, "transposed_k3": -0.1, "bilinear": -0.2}


def results(folder, width=8, depth=2, gain=0.0, images=100_000):
    """Return results of 20 dB at 50,000 images, 1 dB more at 100,000, `gain` above that."""
    methods, curves = [], []
    for arm, lower in (*ARMS.items(), ("unet", 1.5)):
        budgets = "parameters" if arm == "unet" else "channels parameters"
        name = f"mnist-clipped-{arm}-s0"
        methods.append(
            {"method": name, "dataset": "mnist", "clipped": True, "arm": arm, "seed": 0}
            | {"budgets": budgets, "missing": False}
        )
        curves += [
            {"method": name, "images": size, "psnr_db": 20 + step + lower + gain}
            for step, size in enumerate(SIZES)
            if size <= images
        ]
    summary = [
        {"trained_on": "mnist", "tested_on": "mnist", "trained_clipped": True, "clipped": True}
        | {"noise": "gaussian", "arm": "nearest", "budget": "channels"}
        | {"levels": level, "psnr_db": score}
        for level, score in (("0.1", 28.0), ("0.6", 19.0), ("all", 21.0))
    ]
    folder.mkdir()
    pd.DataFrame(curves).reindex(columns=list(CURVES)).to_csv(folder / "curves.csv", index=False)
    return Results(
        folder,
        Recipe(width=width, depth=depth, images=images),
        pd.DataFrame(methods).reindex(columns=list(METHODS)),
        pd.DataFrame(summary).reindex(columns=list(SUMMARY)),
        pd.DataFrame(columns=list(DIFFERENCES)),
    )


@pytest.fixture
def spans(tmp_path):
    wide = results(tmp_path / "wide", width=16, gain=0.6, images=50_000)
    return factors.spans(results(tmp_path / "usual"), [wide]).set_index("factor")


@pytest.mark.parametrize(
    ("factor", "spread", "lowest", "highest"),
    [
        ("decoder", 0.2, "Upsampling bilinear + conv 3x3", "Upsampling nearest + conv 3x3"),
        ("length", 1.0, "50,000 images", "100,000 images"),
        ("width", 0.6, "width 8", "width 16"),  # at the length that both have
        ("skips", 1.5, "without", "with"),
        ("noise", 9.0, "sigma 0.6", "sigma 0.1"),
    ],
)
def test_the_span_of_a_factor(spans, factor, spread, lowest, highest):
    row = spans.loc[factor]
    assert row.high_db - row.low_db == pytest.approx(spread)
    assert (row.lowest, row.highest) == (lowest, highest)


def test_a_factor_with_one_value_has_no_span(spans):
    assert "depth" not in spans.index


def test_the_table_and_the_figure_have_a_row_for_each_factor(spans):
    found = spans.reset_index()
    assert list(factors.table(found).cells.MNIST) == ["0.20", "1.00", "0.60", "1.50", "9.00"]
    figure = factors.drawn(found)
    assert len(figure.axes[0].patches) == 5
    factors.figures.plt.close(figure)


def test_the_page_has_the_rule_the_spans_and_the_lengths(tmp_path):
    usual = results(tmp_path / "usual")
    wide = results(tmp_path / "wide", width=16, gain=0.6)
    for one in (usual, wide):
        one.recipe.write(one.folder)
        one.methods.to_csv(one.folder / "methods.csv", index=False)
        one.summary.to_csv(one.folder / "summary.csv", index=False)
        one.differences.to_parquet(one.folder / "differences.parquet")
    titles = [
        text.removeprefix("### ")
        for part in (answer._by_factor, answer._by_length)
        for text in part(usual, pages.ANSWER)
        if text.startswith("### ")
    ]
    assert titles[:2] == ["What matters more", "Which decoder to choose"]
    assert "Difference by training length" in titles
