import pandas as pd
import pytest
import torch

from bench import __main__ as command
from bench.paths import RESULTS
from bench.schema import SCORES, TUTORIALS
from bench.sweep import tutorial_rows, tutorials
from bench.tables_io.frames import read_parquet


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
        assert (stage.dataset, stage.architecture, stage.loss, stage.batch) == (
            dataset,
            name,
            loss,
            batch,
        )
        assert (stage.lr, stage.schedule, stage.clip) == (1e-3, "constant", True)
        assert stage.init == ("pytorch" if name == "U1" else "keras")


def test_the_keras_example_first_learns_to_copy_clean_images():
    first, second = tutorials.stages("K1", "own")
    assert first.sigma == (0.0, 0.0)
    assert not second.online_noise


@pytest.mark.parametrize("name", tutorials.TUTORIALS_BY_NAME)
def test_the_projects_recipe_has_the_tutorials_data_and_level(name):
    own, project = tutorials.stages(name, "own")[-1], tutorials.stages(name, "project")[0]
    assert (project.dataset, project.sigma) == (own.dataset, own.sigma)
    assert project.online_noise
    assert project.schedule == "cosine"


def _words(root, folder, *more):
    folders = ["--out", str(folder / "runs"), "--results", str(folder / "results")]
    return ["tutorials", "--networks", "K2'", "--data-root", str(root), *folders, *more]


@pytest.mark.slow
def test_both_recipes_stand_in_one_table_whenever_they_were_run(real, few, tmp_path, monkeypatch):
    root = real("mnist")
    monkeypatch.setattr(tutorials, "EVERY", 1)
    for recipe in ("project", "own"):
        command.main(_words(root, tmp_path, "--recipes", recipe, "--share", "0.00005"))
    frame = pd.read_csv(tmp_path / "results" / "tutorials.csv")
    assert list(frame) == list(TUTORIALS)
    assert frame.recipe.tolist() == ["own", "project"]
    assert (frame.parameters == 28_353).all()
    assert (
        frame.command[0]
        == "python -m bench tutorials --networks K2_resize --recipes own --share 5e-05"
    )
    assert frame[["psnr_db", "ssim", "bce", "mse", "weights_sha256"]].notna().all().all()
    assert (tmp_path / "results" / "K2_resize-own-1.safetensors").exists()
    scores = read_parquet(tmp_path / "results" / "scores.parquet", SCORES)
    means = scores.groupby("method").psnr_db.mean()
    assert means.index.tolist() == ["K2_resize-own", "K2_resize-project"]
    assert means.tolist() == pytest.approx(frame.psnr_db.tolist(), abs=1e-3)
    assert tutorial_rows.worth(frame, scores) == []  # no sentences about a shortened training


@pytest.mark.slow
def test_a_trial_is_never_taken_for_the_recipe(real, few, tmp_path, monkeypatch):
    root = real("mnist")
    monkeypatch.setattr(tutorials, "EVERY", 1)
    command.main(_words(root, tmp_path, "--recipes", "own", "--share", "0.00005"))
    with pytest.raises(ValueError, match="trained with other settings .images 275, not 550"):
        command.main(_words(root, tmp_path, "--recipes", "own", "--share", "0.0001"))
    with pytest.raises(ValueError, match="would replace a longer training: give another --results"):
        command.main(_words(root, tmp_path, "--recipes", "own", "--share", "0.00003"))


def test_a_second_stage_goes_on_from_the_first(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        tutorials.trained_weights,
        "obtain",
        lambda path, settings, root, every: asked.append(settings),
    )
    path = tutorials.make("K1", "own", tmp_path, None)
    assert [stage.init_from for stage in asked] == ["", str(tmp_path / "K1-own-1.safetensors")]
    assert path == tmp_path / "K1-own-2.safetensors"


def test_the_gains_of_recipe_and_decoder_are_stated_from_the_rows():
    rows = pd.DataFrame(
        [
            {"network": name, "recipe": recipe, "images_seen": images}
            for name in ("K1", "K2", "K2_resize")
            for recipe, images in (("own", 5_500_000), ("project", 1_000_000))
        ]
    ).assign(dataset="mnist", sigma=0.5, share=1, bce=0.08412)
    quality = {
        "K1-own": 20.0,
        "K1-project": 19.5,
        "K2-own": 20.0,
        "K2-project": 20.0,
        "K2_resize-own": 20.25,
        "K2_resize-project": 20.75,
    }
    scores = pd.DataFrame(
        [
            {"method": method, "picture": f"{n}", "psnr_db": psnr + n}
            for method, psnr in quality.items()
            for n in (0, 1)
        ]
    )
    said = tutorial_rows.worth(rows, scores)
    assert said[0] == (
        "K1, MNIST at sigma 0.5: this project's recipe scores 0.50 dB [0.50, 0.50] less than its "
        "own, after 1.00 instead of 5.50 million images."
    )
    assert (
        "K2', which upsamples before it convolves, scores 0.25 dB [0.25, 0.25] more than "
        "K2, by their own recipe."
    ) in said
    assert (
        "K1 by its own recipe reaches a cross-entropy of 0.0841 on the test images; "
        "published: 0.0839."
    ) in said


def test_a_network_without_a_full_training_is_missing():
    rows = pd.DataFrame(
        {"network": ["K1", "K1", "K2"], "recipe": ["own", "project", "own"], "share": [1, 0.5, 1]},
    )
    assert tutorial_rows.missing(rows) == [
        "K1 (project)",
        "K2 (project)",
        "K2_resize (own)",
        "K2_resize (project)",
        "T1 (own)",
        "T1 (project)",
        "U1 (own)",
        "U1 (project)",
    ]


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_that_makes_no_sense_is_refused(share):
    with pytest.raises(ValueError, match="--share"):
        tutorials.stages("K1", "own", share)


def test_a_loss_equals_the_one_of_torch(real):
    denoiser = tutorials.engine.load("mnist-nearest", "cpu", "float32")
    pictures = tutorials.datasets.load("mnist", "test", real("mnist")).spread(10)
    corruption = tutorials.Corruption("gaussian", 0.4, clip=True)
    clean, _, noisy = next(tutorials.quality.noisy_batches(pictures, corruption))
    expected = torch.nn.functional.binary_cross_entropy(denoiser.estimate(noisy), clean).item()
    assert tutorials._loss(denoiser, pictures, corruption, "bce") == pytest.approx(
        expected, rel=1e-4
    )


def test_scores_that_lack_a_network_of_the_rows_are_named(tmp_path):
    rows, scores = tutorial_rows.read(RESULTS / "tutorials")
    tutorial_rows.write(tmp_path, rows, scores[scores.method != "T1-own"])
    with pytest.raises(ValueError, match=r"scores.parquet lacks T1-own of tutorials.csv"):
        tutorial_rows.read(tmp_path)
