"""`python -m denoise` on one picture and on many: where each goes, and what becomes of those that cannot be cleaned."""

import itertools
import os

import numpy as np
import pytest
from PIL import Image

import denoise.__main__
from denoise import cleaning, commandline, datasets, picture_files, weights
from denoise.metrics import psnr
from denoise.models import ARCHITECTURES
from denoise.settings import Settings

NETWORK = Settings(architecture="unet", width=4, depth=1, output="residual", bias=False, loss="mse", told=True)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Weights of a network that can be told the level of the noise."""
    path = tmp_path_factory.mktemp("weights") / "told.safetensors"
    options = dict(NETWORK.network())
    weights.save(ARCHITECTURES[options.pop("name")].build(**options), {"architecture": NETWORK.network()}, path)
    return path


@pytest.fixture
def run(capsys):
    """Run the command line in this process; returns its exit code, what it printed, and what it said on stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            commandline.run(denoise.__main__.main, [str(argument) for argument in arguments])
        said = capsys.readouterr()
        return stop.value.code, said.out, said.err

    return run


def picture(path, *shape, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape or (20, 24, 3), dtype=np.uint8)).save(path)
    return path


def below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_folder_goes_into_a_folder_as_it_lies(run, tmp_path):
    for name in ("a.png", "deep/b.tif", "deep/c.bmp"):
        picture(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    code, out, err = run(tmp_path / "in", "-o", tmp_path / "out", "--model", "mnist-nearest")
    assert (code, err) == (0, "")
    assert below(tmp_path / "out") == ["a.png", "deep/b.tif", "deep/c.bmp"]
    assert len(out.splitlines()) == 3


def test_a_pattern_names_files(run, tmp_path):
    for name in ("a.png", "b.png", "c.bmp"):
        picture(tmp_path / name)
    code, _, _ = run(tmp_path / "*.png", "-o", tmp_path / "out", "--model", "mnist-nearest")
    assert code == 0
    assert below(tmp_path / "out") == ["a.png", "b.png"]


def test_one_picture_goes_into_a_folder_too(run, tmp_path):
    assert run(picture(tmp_path / "a.png"), "-o", tmp_path / "out", "--model", "mnist-nearest")[0] == 0
    assert below(tmp_path / "out") == ["a.png"]


def test_what_cannot_be_cleaned_is_named_and_the_others_are_done(run, tmp_path):
    folder = tmp_path / "in"
    for name in ("a.png", "b.png", "c.png", "d.png"):
        picture(folder / name)
    (folder / "b.png").write_bytes(b"hello")
    (folder / "c.png").write_bytes(b"")
    code, out, err = run(folder, "-o", tmp_path / "out", "--model", "mnist-nearest")
    assert code == 2
    assert [line.partition(":")[0] for line in err.splitlines()] == ["error", "error"]
    assert "b.png: not a picture (5 bytes)" in err
    assert "c.png: not a picture (0 bytes)" in err
    assert below(tmp_path / "out") == ["a.png", "d.png"]
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("given", "out", "said"),
    [
        (["a.png", "b/a.png"], "out", "would both go to"),
        (["a.png"], "a.png", "never overwritten"),
        (["a.png", "b/a.png"], "b", "never overwritten"),
        (["a.png", "b/a.png"], "out.png", "name a folder, as -o out/"),
        (["empty"], "out", "no picture is below this folder"),
        (["*.tif"], "out", "no file fits this pattern"),
    ],
)
def test_a_plan_that_would_lose_something_is_refused_before_anything_is_written(
    run, tmp_path, monkeypatch, given, out, said
):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "a.png")
    picture(tmp_path / "b" / "a.png", seed=1)
    (tmp_path / "empty").mkdir()
    before = {name: (tmp_path / name).read_bytes() for name in below(tmp_path)}
    code, _, err = run(*given, "-o", out, "--model", "mnist-nearest")
    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert {name: (tmp_path / name).read_bytes() for name in below(tmp_path)} == before


def test_a_target_that_cannot_be_written_leaves_nothing_half_done(run, tmp_path, monkeypatch):
    def full(pixels, spec, path):
        path.write_bytes(b"half")
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(picture_files, "_write", full)
    code, _, err = run(picture(tmp_path / "a.png"), "-o", tmp_path / "out.png", "--model", "mnist-nearest")
    assert code == 2
    assert "out.png: cannot be written: No space left on device" in err
    assert below(tmp_path) == ["a.png"]


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2)])
def test_the_smallest_pictures_are_cleaned(run, tmp_path, size):
    assert run(picture(tmp_path / "a.png", *size), "-o", tmp_path / "b.png", "--model", "mnist-nearest")[0] == 0
    assert picture_files.read(tmp_path / "b.png").pixels.shape == (*size, 1)


def test_16_bits_alpha_and_profile_come_through_the_network(run, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 24, 4), dtype=np.uint16)
    spec = picture_files.oiio.ImageSpec(24, 20, 4, "uint16")
    picture_files.write(picture_files.PictureFile(pixels, True, spec), tmp_path / "a.png")
    assert run(tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", "mnist-nearest")[0] == 0
    clean = picture_files.read(tmp_path / "b.png")
    assert clean.pixels.dtype == np.uint16
    assert np.array_equal(clean.pixels[..., 3], pixels[..., 3])
    assert not np.array_equal(clean.pixels[..., :3], pixels[..., :3])


def test_a_picture_with_values_that_are_not_finite_is_named(run, tmp_path):
    pixels = np.full((8, 8, 1), np.nan, np.float32)
    spec = picture_files.oiio.ImageSpec(8, 8, 1, "float")
    picture_files.write(picture_files.PictureFile(pixels, False, spec), tmp_path / "a.tif")
    code, _, err = run(tmp_path / "a.tif", "-o", tmp_path / "b.png", "--model", "mnist-nearest")
    assert code == 2
    assert "a.tif: the picture holds values that are not finite" in err


def test_a_level_changes_what_a_network_that_can_be_told_does(run, tmp_path, told):
    path = picture(tmp_path / "a.png", 20, 24)
    answers = []
    for name, words in (("untold", []), ("low", ["--sigma", "10"]), ("high", ["--sigma", "50"])):
        assert run(path, "-o", tmp_path / f"{name}.png", "--model", told, *words)[0] == 0
        answers.append(picture_files.read(tmp_path / f"{name}.png").pixels)
    assert not any(np.array_equal(one, other) for one, other in itertools.pairwise(answers))


def test_an_ensemble_is_the_mean_over_the_views_of_the_picture(run, tmp_path):
    path = picture(tmp_path / "a.png", 20, 24)
    assert run(path, "-o", tmp_path / "mean.png", "--model", "photo-gray", "--ensemble")[0] == 0
    expected = denoise.load("photo-gray", "cpu")(picture_files.read(path).pixels, ensemble=True)
    np.testing.assert_allclose(picture_files.read(tmp_path / "mean.png").pixels, expected, atol=0.51 / 255)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "mnist-nearest", "--sigma", "25"], "mnist-nearest cannot be told the level of the noise"),
        (["--model", "mnist-nearest", "--sigma", "-1"], "--sigma is -1; it is on the 0-255 scale"),
        (["--model", "mnist-nearest", "--ensemble"], "mnist-nearest was not trained on turned pictures"),
        (["--model", "cats"], "unknown weights 'cats'"),
    ],
)
def test_options_that_make_no_sense_are_refused(run, tmp_path, words, said):
    code, _, err = run(picture(tmp_path / "a.png"), "-o", tmp_path / "b.png", *words)
    assert code == 2
    assert said in err
    assert below(tmp_path) == ["a.png"]


def test_a_plan_keeps_the_order_that_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.png", "a.png"):
        picture(tmp_path / name)
    assert [job.source.name for job in cleaning.plan(["b.png", "a.png"], tmp_path / "out")] == ["b.png", "a.png"]


@pytest.mark.parametrize(("shape", "name"), [((40, 44), "photo-gray"), ((40, 44, 3), "photo-color")])
def test_without_a_name_a_photograph_is_cleaned_by_the_network_for_its_colours(run, tmp_path, shape, name):
    noisy = picture(tmp_path / "a.png", *shape)
    assert run(noisy, "-o", tmp_path / "chosen.png", "--sigma", "40")[0] == 0
    assert run(noisy, "-o", tmp_path / "named.png", "--sigma", "40", "--model", name)[0] == 0
    chosen, named = (np.asarray(Image.open(tmp_path / f"{which}.png")) for which in ("chosen", "named"))
    assert (chosen == named).all()


@pytest.mark.parametrize(("dataset", "name"), [("bsd68", "photo-gray"), ("cbsd68", "photo-color")])
def test_a_photograph_that_is_clean_already_stays_as_it_is(real, dataset, name):
    pictures = datasets.load(dataset, "test", real(dataset)).spread(6)
    denoiser = denoise.load(name, device="cpu")
    changed = [psnr(denoiser.estimate(clean), clean) for clean, _ in pictures.batches(1)]
    assert min(changed) > 38
