"""Learning rates of the arms: trials, the best rate, and its use by the grid."""

import pandas as pd
import pytest
from small_grid import TINY, refused

from bench import __main__ as command
from bench.schema import LEARNING_RATES
from bench.sweep import rates, work
from bench.sweep.grid import Network
from bench.sweep.recipe import Recipe
from denoise.train.run import Diverged


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Put the table of trials into a temporary folder."""
    monkeypatch.setattr(rates, "FILE", tmp_path / "learning-rates.csv")
    rates._tuned.cache_clear()
    yield tmp_path / "learning-rates.csv"
    rates._tuned.cache_clear()


def trials(*rows):
    columns = ["arm", "lr", "seed", "validation_psnr_db"]
    frame = pd.DataFrame(rows, columns=columns).assign(body="autoencoder", dataset="glyphs")
    return frame.reindex(columns=list(LEARNING_RATES))


def test_the_best_rate_has_the_best_mean_over_seeds_and_an_edge_is_told():
    found = rates.best(
        trials(
            ("nearest", 0.01, 0, 20.0),
            ("nearest", 0.02, 0, 21.0),
            ("nearest", 0.02, 1, 21.0),
            ("nearest", 0.04, 0, 21.5),
            ("nearest", 0.04, 1, 20.0),
            ("bilinear", 0.01, 0, 20.0),
            ("bilinear", 0.02, 0, 21.0),
        )
    ).set_index("arm")
    assert found.lr.to_dict() == {"nearest": 0.02, "bilinear": 0.02}
    assert found.edge.to_dict() == {"nearest": False, "bilinear": True}


@pytest.mark.slow
def test_a_trial_that_diverges_is_a_row_without_a_score(table, tmp_path, monkeypatch):
    trained = work.obtain

    def obtain(path, settings, *rest, **more):
        if settings.lr == 0.9:
            raise Diverged("the loss of step 3 is nan")
        return trained(path, settings, *rest, **more)

    monkeypatch.setattr(work, "obtain", obtain)
    words = ["rates", "--datasets", "glyphs", "--arms", "nearest", "--rates", "0.9", "0.01"]
    command.main([*words, "--seeds", "1", *TINY, "--out", str(tmp_path / "rates")])
    held = pd.read_csv(table)
    assert list(held.validation_psnr_db.isna()) == [True, False]
    assert list(held.weights_sha256.isna()) == [True, False]
    assert list(rates.best(held).lr) == [0.01]


@pytest.mark.slow
def test_the_grid_trains_at_the_best_rate_of_the_trials(table, tmp_path, capsys):
    words = ["rates", "--datasets", "glyphs", "--arms", "nearest", "--rates", "0.001", "0.01"]
    words += ["--seeds", "1", *TINY, "--out", str(tmp_path / "rates")]
    command.main(words)
    held = pd.read_csv(table)
    assert list(held) == list(LEARNING_RATES)
    assert list(held.lr) == [0.001, 0.01]
    best = held.lr[held.validation_psnr_db.idxmax()]
    assert str(best) in capsys.readouterr().out
    command.main(words)  # resumes: neither trains nor adds a row
    assert len(pd.read_csv(table)) == 2
    recipe, network = Recipe(lr=0.5), Network("glyphs", True, "nearest", (4,), 0)
    assert network.settings(recipe).lr == best
    assert Network("glyphs", True, "bilinear", (4,), 0).settings(recipe).lr == 0.5
    assert Network("glyphs", True, "nearest", (4,), 0, lr=0.1).settings(recipe).lr == 0.1


def test_a_damaged_table_of_trials_is_named(table, capsys):
    table.write_text("lr\n0.1\n")
    assert f"{table}: columns differ from the schema" in refused(
        capsys, "grid", "--datasets", "glyphs", "--dry-run"
    )
