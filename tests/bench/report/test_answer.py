"""Conclusions in words, from differences with known values."""

import pandas as pd
import pytest

from bench.report import answer
from bench.schema import DIFFERENCES


@pytest.fixture
def methods():
    """Return methods whose nearest arm is one network at every budget."""
    return pd.DataFrame(
        [
            {"arm": "nearest", "budgets": "channels parameters macs"},
            {"arm": "transposed_k3", "budgets": "channels parameters"},
            {"arm": "transposed_k3", "budgets": "macs"},
            {"arm": "noisy", "budgets": None},
        ]
    )


def differences(budgets):
    """Return differences of 0.2 dB in favor of nearest over transposed at each of the budgets."""
    known = {
        "trained_on": "mnist",
        "tested_on": "mnist",
        "trained_clipped": True,
        "clipped": True,
        "noise": "gaussian",
    }
    known |= {
        "levels": "all",
        "tied": False,
        "seeds": 3,
        "resolvable_db": 0.1,
        "pictures": 500,
        "groups": 500,
    }
    ahead = {
        "arm": "nearest",
        "other": "transposed_k3",
        "psnr_db": 0.2,
        "psnr_db_low": 0.1,
        "psnr_db_high": 0.3,
        "verdict": "better",
    }
    behind = {
        "arm": "transposed_k3",
        "other": "nearest",
        "psnr_db": -0.2,
        "psnr_db_low": -0.3,
        "psnr_db_high": -0.1,
        "verdict": "worse",
    }
    rows = [known | {"budget": budget} | pair for budget in budgets for pair in (ahead, behind)]
    return pd.DataFrame(rows, columns=list(DIFFERENCES))


def test_the_same_two_networks_are_compared_in_words_once(methods):
    rows = differences(["channels", "parameters", "macs"])
    ((heading, said),) = answer.verdicts(rows, methods).items()
    assert heading == "MNIST, clipped Gaussian noise"
    assert [
        "equal channels" in said[0],
        "equal parameters" in said[1],
        "equal MACs" in said[2],
    ] == [True] * 3
    assert said[1].endswith("are the networks of equal channels.")
    assert sum("beats transposed conv 3x3 by" in sentence for sentence in said) == 2
    assert all("has the highest mean" in sentence for sentence in said[3:])
