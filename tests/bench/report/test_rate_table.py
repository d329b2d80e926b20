"""Table of the learning rates, from trials that are made up."""

import pandas as pd

from bench.report import rate_table
from bench.schema import LEARNING_RATES
from bench.sweep.recipe import Recipe


def test_the_difference_is_that_of_the_common_rate_and_of_the_best_rates():
    scores = {
        ("nearest", 0.01): 20.0,
        ("nearest", 0.02): 20.5,
        ("nearest", 0.04): 20.2,
        ("transposed_k3", 0.01): 20.4,
        ("transposed_k3", 0.02): 20.1,
        ("transposed_k3", 0.04): 20.0,
    }
    trials = pd.DataFrame(
        [
            {"body": "autoencoder", "dataset": "mnist", "arm": arm, "lr": lr, "seed": seed}
            | {"images": 50_000, "validation_psnr_db": score + shift}
            for (arm, lr), score in scores.items()
            for seed, shift in ((0, -0.1), (1, 0.1))
        ]
    ).reindex(columns=list(LEARNING_RATES))
    (table,) = rate_table.tables(trials, Recipe(lr=0.02))
    assert table.cells.to_dict("records") == [
        {
            "Training set": "MNIST",
            "At 0.02": "+0.40",
            "Each at its own": "+0.10",
            "Upsampling nearest + conv 3x3": "0.02",
            "Transposed conv 3x3": "0.01",
        }
    ]
    assert "2 seeds, 50,000 training images" in table.note


def test_a_backbone_without_trials_has_no_table():
    trials = pd.DataFrame(columns=list(LEARNING_RATES))
    assert not list(rate_table.tables(trials, Recipe()))
