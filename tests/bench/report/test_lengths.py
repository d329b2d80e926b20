"""Scores by training length: pairs by seed, doublings, images to a score, and their figure."""

import numpy as np
import pandas as pd
import pytest

from bench.report import length_figure, lengths
from bench.schema import CURVES, METHODS

SIZES = (50_000, 100_000, 200_000)


def results(seeds=(0, 1, 2), arms=("nearest", "transposed_k3"), sets=("mnist",)):
    """Return methods and curves: 20 dB at 50,000 images, 0.5 dB a doubling, an arm 0.1 dB lower.

    Odd seeds add 1 dB to every arm.
    """
    methods, curves = [], []
    for dataset in sets:
        for place, arm in enumerate(arms):
            for seed in seeds:
                name = f"{dataset}-{arm}-s{seed}"
                methods.append(
                    {"method": name, "dataset": dataset, "clipped": True, "arm": arm}
                    | {"budgets": "channels parameters", "seed": seed}
                )
                for step, images in enumerate(SIZES):
                    score = 20 + 0.5 * step - 0.1 * place + seed % 2
                    curves.append({"method": name, "images": images, "psnr_db": score})
    return (
        pd.DataFrame(methods).reindex(columns=list(METHODS)),
        pd.DataFrame(curves).reindex(columns=list(CURVES)),
    )


@pytest.fixture
def rows():
    return lengths.of_budgets(*results())


def test_a_network_on_two_budgets_has_a_row_at_each(rows):
    assert len(rows) == 2 * 3 * 3 * 2
    assert set(rows.budget) == {"channels", "parameters"}


def test_a_difference_is_paired_by_seed_so_that_what_a_seed_adds_to_both_cancels(rows):
    gaps = lengths.differences(rows)
    assert list(gaps.images) == [*SIZES, *SIZES]
    np.testing.assert_allclose(gaps.psnr_db, -0.1)
    np.testing.assert_allclose(gaps.high - gaps.low, 0, atol=1e-9)
    assert set(gaps.seeds) == {3}


def test_one_seed_has_a_difference_and_no_interval():
    gaps = lengths.differences(lengths.of_budgets(*results(seeds=(0,))))
    assert gaps.psnr_db.notna().all()
    assert gaps.low.isna().all()


def test_the_interval_is_the_t_interval_over_the_differences_of_the_seeds():
    methods, curves = results()
    noisy = curves.method.str.startswith("mnist-transposed") & curves.method.str.endswith("s1")
    curves.loc[noisy, "psnr_db"] += 0.3
    gaps = lengths.differences(lengths.of_budgets(methods, curves))
    assert gaps.psnr_db.iloc[0] == pytest.approx(0.0)
    # three differences -0.1, 0.2, -0.1: sd 0.1732, t of 2 degrees of freedom 4.3027
    assert gaps.high.iloc[0] == pytest.approx(4.3027 * 0.17321 / 3**0.5, abs=1e-3)


def test_the_last_doubling_is_that_of_each_arm(rows):
    gains = lengths.doublings(rows)
    assert set(gains.images) == {200_000}
    np.testing.assert_allclose(gains.gain_db, 0.5)


def test_the_images_to_a_score_lie_on_the_line_between_two_lengths(rows):
    one = rows[rows.budget == "channels"]
    mean = one[one.arm == "nearest"].groupby("images").psnr_db.mean()
    assert lengths.images_needed(one, "nearest", mean[100_000]) == pytest.approx(100_000)
    between = (mean[100_000] + mean[200_000]) / 2
    assert lengths.images_needed(one, "nearest", between) == pytest.approx(100_000 * 2**0.5)
    assert np.isnan(lengths.images_needed(one, "nearest", mean[200_000] + 0.01))


def test_the_sentences_say_what_a_doubling_gains_and_who_needs_fewer_images(rows):
    (text,) = lengths.sentences(rows)
    assert text == (
        "On MNIST clipped at equal channels, the last doubling, to 200,000 images, gains 0.50 to "
        "0.50 dB; upsampling nearest + conv 3x3 reaches the last score of transposed conv 3x3 "
        "after 87% of the images."
    )
    assert "would still gain" in lengths.converged(rows)
    flat = rows.assign(psnr_db=20.0)
    assert lengths.converged(flat) == (
        "Largest gain of the last doubling, over the arms: MNIST clipped (0.00 dB). Every arm has "
        "converged by the rule of 0.03 dB."
    )


def test_the_table_has_a_column_for_each_length(rows):
    table = lengths.table(rows)
    assert list(table.cells.columns[2:]) == [f"{size:,} images" for size in SIZES]
    assert table.cells.iloc[0, 2] == "+0.10 [0.10, 0.10]"


def test_the_figure_has_a_column_of_panels_for_each_training_set():
    rows = lengths.of_budgets(*results(sets=("mnist", "notmnist")))
    figure = length_figure.by_length(rows, "channels")
    titles = [panel.get_title() for panel in figure.axes if panel.get_title()]
    assert titles == ["MNIST", "notMNIST"]
    length_figure.figures.plt.close(figure)
