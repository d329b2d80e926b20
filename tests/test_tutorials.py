import pandas as pd
import pytest
import torch

from bench import __main__ as command
from bench import tutorials
from bench.columns import TUTORIALS


@pytest.mark.parametrize(
    ("name", "dataset", "sigma", "loss", "batch", "epochs"),
    [
        ("K1", "mnist", 0.4, "bce", 128, [50, 100]),
        ("K2", "mnist", 0.5, "bce", 128, [100]),
        ("K2_resize", "mnist", 0.5, "bce", 128, [100]),
        ("T1", "fashion_mnist", 0.2, "mse", 32, [10]),
        ("U1", "mnist", 0.5, "mse", 20, [20]),
    ],
)
def test_a_tutorials_own_recipe_is_the_published_one(name, dataset, sigma, loss, batch, epochs):
    stages = tutorials.stages(name, "own")
    assert [stage.images / 55_000 for stage in stages] == epochs
    assert stages[-1].sigma == (sigma, sigma)
    for stage in stages:
        assert (stage.dataset, stage.architecture, stage.loss, stage.batch) == (dataset, name, loss, batch)
        assert (stage.lr, stage.schedule, stage.clip) == (1e-3, "constant", True)


def test_the_keras_example_first_learns_to_copy_clean_pictures():
    first, second = tutorials.stages("K1", "own")
    assert first.sigma == (0.0, 0.0)
    assert not second.fresh


@pytest.mark.parametrize("name", tutorials.TUTORIALS_BY_NAME)
def test_the_projects_recipe_has_the_tutorials_data_and_level(name):
    own, project = tutorials.stages(name, "own")[-1], tutorials.stages(name, "project")[0]
    assert (project.dataset, project.sigma) == (own.dataset, own.sigma)
    assert project.fresh
    assert project.schedule == "cosine"


def _words(root, folder, *more):
    return ["tutorials", "--networks", "K2'", "--data-root", str(root), "--out", str(folder / "runs"),
            "--results", str(folder / "results"), *more]  # fmt: skip


def test_both_recipes_stand_in_one_table_whenever_they_were_run(real, tmp_path, monkeypatch):
    root = real("mnist")
    monkeypatch.setattr(tutorials, "EVERY", 1)
    for recipe in ("project", "own"):
        command.main(_words(root, tmp_path, "--recipes", recipe, "--share", "0.00005"))
    frame = pd.read_csv(tmp_path / "results" / "tutorials.csv")
    assert list(frame) == list(TUTORIALS)
    assert frame.recipe.tolist() == ["own", "project"]
    assert (frame.parameters == 28_353).all()
    assert frame[["psnr_db", "ssim", "bce", "mse", "weights_sha256"]].notna().all().all()
    assert (tmp_path / "results" / "K2_resize-own-1.safetensors").exists()


def test_a_trial_is_never_taken_for_the_recipe(real, tmp_path, monkeypatch):
    root = real("mnist")
    monkeypatch.setattr(tutorials, "EVERY", 1)
    command.main(_words(root, tmp_path, "--recipes", "own", "--share", "0.00005"))
    with pytest.raises(ValueError, match="trained by other settings .images 275, not 550"):
        command.main(_words(root, tmp_path, "--recipes", "own", "--share", "0.0001"))
    with pytest.raises(ValueError, match="would put less in its place: give another --results"):
        command.main(_words(root, tmp_path, "--recipes", "own", "--share", "0.00003"))


def test_a_second_stage_goes_on_from_the_first(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(tutorials.obtained, "obtain", lambda path, settings, root, every: asked.append(settings))
    path = tutorials.make("K1", "own", tmp_path, None)
    assert [stage.start for stage in asked] == ["", str(tmp_path / "K1-own-1.safetensors")]
    assert path == tmp_path / "K1-own-2.safetensors"


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_that_makes_no_sense_is_refused(share):
    with pytest.raises(ValueError, match="--share"):
        tutorials.stages("K1", "own", share)


def test_a_loss_is_what_torch_says_it_is(real):
    denoiser = tutorials.engine.load("mnist-nearest", "cpu")
    pictures = tutorials.datasets.load("mnist", "test", real("mnist")).spread(10)
    corruption = tutorials.Corruption("gaussian", 0.4, clip=True)
    clean, _, noisy = next(tutorials.quality.noisy_batches(pictures, corruption))
    expected = torch.nn.functional.binary_cross_entropy(denoiser.estimate(noisy), clean).item()
    assert tutorials._loss(denoiser, pictures, corruption, "bce") == pytest.approx(expected, rel=1e-4)
