"""`python -m denoise` on one or many images: output paths, and errors of failed images."""

import itertools
import os
import re

import numpy as np
import pytest
from PIL import Image

import denoise.__main__
from denoise import cli, datasets
from denoise.images import image_files, writing
from denoise.inference import clean_files
from denoise.metrics import psnr
from denoise.models import weights
from denoise.models.architectures import ARCHITECTURES
from denoise.train.settings import Settings

NETWORK = Settings(
    architecture="unet",
    width=4,
    depth=1,
    output="residual",
    bias=False,
    loss="mse",
    noise_conditional=True,
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return the weights of a noise-conditional network."""
    path = tmp_path_factory.mktemp("weights") / "told.safetensors"
    options = dict(NETWORK.network())
    weights.save(
        ARCHITECTURES[options.pop("name")].build(**options),
        {"architecture": NETWORK.network()},
        path,
    )
    return path


@pytest.fixture
def run(capsys):
    """Return a function that runs the command line in this process.

    It returns exit code, stdout and stderr.
    """

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.run(denoise.__main__.main, [str(argument) for argument in arguments])
        said = capsys.readouterr()
        return stop.value.code, said.out, said.err

    return run


def picture(path, *shape, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(
        np.random.default_rng(seed).integers(0, 256, shape or (20, 24, 3), dtype=np.uint8)
    ).save(path)
    return path


def below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_folder_goes_into_a_folder_as_it_lies(run, tmp_path):
    for name in ("a.png", "deep/b.tif", "deep/c.bmp"):
        picture(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    code, out, err = run(tmp_path / "in", "-o", tmp_path / "out", "--model", "mnist-nearest")
    assert (code, err) == (
        0,
        f"note: left out 1 of 4 files in {tmp_path / 'in'}: 1 .txt (notes.txt)\n",
    )
    assert below(tmp_path / "out") == ["a.png", "deep/b.tif", "deep/c.bmp"]
    assert len(out.splitlines()) == 3


def test_a_success_is_one_line_with_all_that_was_done(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).normal(128, 12, (100, 120))
    Image.fromarray(noise.round().astype(np.uint8)).save("a.png")
    code, out, err = run("a.png", "-o", "b.png", "--model", "photo-gray")
    assert (code, err) == (0, "")
    line = re.fullmatch(
        r"a.png -> b.png: 120x100, estimated sigma (\S+) \(0-255\), photo-gray, \d+\.\d\d s\n", out
    )
    assert float(line[1]) == pytest.approx(12, abs=1)
    assert run("a.png", "-o", "b.png", "--model", "photo-gray")[1].startswith(
        "a.png -> b.png (replaced): 120x100, "
    )


def test_of_an_image_too_small_the_level_is_unknown(run, tmp_path):
    _, out, _ = run(
        picture(tmp_path / "a.png", 8, 8), "-o", tmp_path / "b.png", "--model", "mnist-nearest"
    )
    assert ": 8x8, estimated sigma unknown (0-255), mnist-nearest, " in out


def test_without_an_output_the_clean_image_lies_beside_its_source(run, tmp_path):
    before = picture(tmp_path / "photo.jpg").read_bytes()
    picture(tmp_path / "deep" / "b.tif")
    code, out, err = run(tmp_path, "--model", "mnist-nearest")
    assert (code, err, len(out.splitlines())) == (0, "", 2)
    assert below(tmp_path) == [
        "deep/b-denoised.tif",
        "deep/b.tif",
        "photo-denoised.jpg",
        "photo.jpg",
    ]
    assert (tmp_path / "photo.jpg").read_bytes() == before


def test_without_an_output_no_file_is_overwritten(run, tmp_path):
    picture(tmp_path / "photo.jpg")
    (tmp_path / "photo-denoised.jpg").write_text("mine")
    code, out, err = run(tmp_path / "photo.jpg", "--model", "mnist-nearest")
    assert (code, out) == (2, "")
    assert (
        "photo-denoised.jpg already exists and is not overwritten: name another output with -o"
        in err
    )
    assert (tmp_path / "photo-denoised.jpg").read_text() == "mine"


def test_a_folder_is_cleaned_again_but_for_what_was_cleaned_before(run, tmp_path):
    picture(tmp_path / "a.png")
    run(tmp_path, "--model", "mnist-nearest")
    picture(tmp_path / "b.png")
    code, out, err = run(tmp_path, "--model", "mnist-nearest")
    assert code == 0
    assert [line.partition(" -> ")[0] for line in out.splitlines()] == [str(tmp_path / "b.png")]
    assert err.startswith("note: left out 2 of 3 images: 2 already denoised (")
    assert below(tmp_path) == ["a-denoised.png", "a.png", "b-denoised.png", "b.png"]


def test_a_pattern_names_files(run, tmp_path):
    for name in ("a.png", "b.png", "c.bmp"):
        picture(tmp_path / name)
    code, _, _ = run(tmp_path / "*.png", "-o", tmp_path / "out", "--model", "mnist-nearest")
    assert code == 0
    assert below(tmp_path / "out") == ["a.png", "b.png"]


def test_one_picture_goes_into_a_folder_too(run, tmp_path):
    assert (
        run(picture(tmp_path / "a.png"), "-o", tmp_path / "out", "--model", "mnist-nearest")[0] == 0
    )
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
    assert "b.png: not an image (5 bytes)" in err
    assert "c.png: not an image (0 bytes)" in err
    assert below(tmp_path / "out") == ["a.png", "d.png"]
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("given", "out", "said"),
    [
        (["a.png", "b/a.png"], "out", "would both be written to"),
        (["a.png"], "a.png", "never overwritten"),
        (["a.png", "b/a.png"], "b", "never overwritten"),
        (["a.png", "b/a.png"], "out.png", "valid: a folder, -o out/"),
        (["empty"], "out", "no image below this folder"),
        (["*.tif"], "out", "no file matches this pattern"),
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
    def full(content, path):
        path.write_bytes(b"half")
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(writing, "_write", full)
    code, _, err = run(
        picture(tmp_path / "a.png"), "-o", tmp_path / "out.png", "--model", "mnist-nearest"
    )
    assert code == 2
    assert "out.png: cannot be written: No space left on device" in err
    assert below(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("std::bad_cast"), "b.png: RuntimeError: std::bad_cast"),
        (
            UnicodeDecodeError("utf-8", b"\xfc", 0, 1, "invalid start byte"),
            "b.png: 'utf-8' codec can't decode",
        ),
        (
            RuntimeError("[enforce] DefaultCPUAllocator: can't allocate memory: 9 bytes"),
            "b.png: not enough memory",
        ),
        (
            RuntimeError("CUDA out of memory. Tried to allocate 9 GiB"),
            "b.png: not enough memory for an image of",
        ),
        (MemoryError(), "b.png: not enough memory for an image of this size"),
        (PermissionError(13, "Permission denied", "b.png"), "b.png: Permission denied"),
        (KeyError("two\nlines"), "b.png: KeyError: "),
        (SystemError("bad call"), "b.png: SystemError: bad call"),
    ],
)
def test_whatever_goes_wrong_with_an_image_is_named_and_the_others_are_done(
    run, tmp_path, monkeypatch, error, said
):
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / "in" / name)
    read = image_files.read_pages

    def failing(path, *given):
        if path.name == "b.png":
            raise error
        return read(path, *given)

    monkeypatch.setattr(image_files, "read_pages", failing)
    code, _, err = run(tmp_path / "in", "-o", tmp_path / "out", "--model", "mnist-nearest")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert said in err
    assert below(tmp_path / "out") == ["a.png", "c.png"]


def test_a_name_that_is_not_utf_8_is_named_or_cleaned_and_the_others_are_done(run, tmp_path):
    for name in ("1.png", "3.png"):
        picture(tmp_path / "in" / name)
    os.link(tmp_path / "in" / "1.png", os.fsencode(tmp_path / "in") + b"/2-caf\xe9.png")
    code, out, err = run(tmp_path / "in", "-o", tmp_path / "out", "--model", "mnist-nearest")
    assert set(below(tmp_path / "out")) >= {"1.png", "3.png"}
    assert (code == 2 and "2-caf\\udce9.png: " in err) or (
        code == 0 and "2-caf\\udce9.png -> " in out
    )


@pytest.mark.parametrize("name", ["a" * 251 + ".png", "é" * 125 + ".png"])
def test_the_longest_names_are_cleaned(run, tmp_path, name):
    picture(tmp_path / name)
    assert run(tmp_path / name, "-o", tmp_path / "out", "--model", "mnist-nearest")[0] == 0
    assert below(tmp_path / "out") == [name]
    assert run(tmp_path / name, "--model", "mnist-nearest")[0] == 0
    (beside,) = set(below(tmp_path)) - {name, f"out/{name}"}
    assert beside.endswith("-denoised.png")


def test_a_limit_of_the_size_can_be_raised_and_lowered(run, tmp_path):
    path = picture(tmp_path / "a.png", 100, 200)
    words = [path, "-o", tmp_path / "b.png", "--model", "mnist-nearest"]
    code, _, err = run(*words, "--largest", "0.01")
    assert code == 2
    assert "a.png: 200x100 exceeds 10,000 pixels" in err
    assert run(*words, "--largest", "0.02")[0] == 0


@pytest.mark.parametrize("other", ["link", "hard link"])
def test_an_input_is_not_overwritten_under_another_name(run, tmp_path, other):
    before = picture(tmp_path / "a.png").read_bytes()
    if other == "link":
        (tmp_path / "b.png").symlink_to("a.png")
    else:
        os.link(tmp_path / "a.png", tmp_path / "b.png")
    code, _, err = run(tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", "mnist-nearest")
    assert code == 2
    assert "never overwritten" in err
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_link_to_itself_is_named_and_the_others_are_done(run, tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("b.png")
    code, _, err = run(
        tmp_path / "a.png", tmp_path / "b.png", "-o", tmp_path / "out", "--model", "mnist-nearest"
    )
    assert code == 2
    assert "b.png: " in err
    assert below(tmp_path / "out") == ["a.png"]


def test_a_folder_that_may_not_be_read_is_named_and_the_others_are_done(run, tmp_path, locked):
    for name in ("a.png", "locked/b.png"):
        picture(tmp_path / "in" / name)
    locked("locked")
    code, _, err = run(tmp_path / "in", "-o", tmp_path / "out", "--model", "mnist-nearest")
    assert code == 2
    assert err == f"error: {tmp_path / 'in' / 'locked'}: Permission denied\n"
    assert (tmp_path / "out" / "a.png").exists()


def test_what_a_killed_run_left_behind_is_neither_cleaned_nor_kept(run, tmp_path):
    ours = ".denoise-0123abcd-99-0123abcd.png"
    picture(tmp_path / "in" / "a.png")
    for folder in ("in", "out"):
        picture(tmp_path / folder / ours)
        os.utime(tmp_path / folder / ours, (0, 0))
    code, _, err = run(tmp_path / "in", "-o", tmp_path / "out", "--model", "mnist-nearest")
    assert (code, err) == (0, "")
    assert below(tmp_path / "out") == ["a.png"]


def test_a_sigma_far_from_what_is_seen_is_a_warning(run, tmp_path, told):
    noise = np.random.default_rng(0).normal(128, 8, (100, 120))
    Image.fromarray(noise.round().astype(np.uint8)).save(tmp_path / "a.png")
    code, out, err = run(
        tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", told, "--sigma", "40"
    )
    assert (code, len(out.splitlines())) == (0, 1)
    assert err.startswith(
        f"warning: {tmp_path / 'a.png'}: --sigma 40 is far from the estimated white noise, about "
    )
    assert len(err.splitlines()) == 1
    assert (
        run(tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", told, "--sigma", "8")[2] == ""
    )


def test_an_image_unlike_those_of_the_training_is_a_warning(run, tmp_path):
    code, _, err = run(
        picture(tmp_path / "a.png", 80, 90), "-o", tmp_path / "b.png", "--model", "mnist-nearest"
    )
    assert code == 0
    where = tmp_path / "a.png"
    assert err == (
        f"warning: {where}: mnist-nearest was trained on images of 28x28 pixels; this "
        "image has 90x80 pixels\n"
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2)])
def test_the_smallest_pictures_are_cleaned(run, tmp_path, size):
    assert (
        run(
            picture(tmp_path / "a.png", *size), "-o", tmp_path / "b.png", "--model", "mnist-nearest"
        )[0]
        == 0
    )
    assert image_files.read(tmp_path / "b.png").pixels.shape == (*size, 1)


def test_16_bits_alpha_and_profile_come_through_the_network(run, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 24, 4), dtype=np.uint16)
    spec = image_files.oiio.ImageSpec(24, 20, 4, "uint16")
    image_files.write(image_files.PictureFile(pixels, True, spec), tmp_path / "a.png")
    assert run(tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", "mnist-nearest")[0] == 0
    clean = image_files.read(tmp_path / "b.png")
    assert clean.pixels.dtype == np.uint16
    assert np.array_equal(clean.pixels[..., 3], pixels[..., 3])
    assert not np.array_equal(clean.pixels[..., :3], pixels[..., :3])


def test_a_picture_with_values_that_are_not_finite_is_named(run, tmp_path):
    pixels = np.full((8, 8, 1), np.nan, np.float32)
    spec = image_files.oiio.ImageSpec(8, 8, 1, "float")
    image_files.write(image_files.PictureFile(pixels, False, spec), tmp_path / "a.tif")
    code, _, err = run(tmp_path / "a.tif", "-o", tmp_path / "b.png", "--model", "mnist-nearest")
    assert code == 2
    assert "a.tif: the image holds values that are not finite" in err


def test_a_file_of_16_bits_may_be_nearly_black(run, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 200, (20, 24, 1), dtype=np.uint16)
    spec = image_files.oiio.ImageSpec(24, 20, 1, "uint16")
    image_files.write(image_files.PictureFile(pixels, False, spec), tmp_path / "a.png")
    assert run(tmp_path / "a.png", "-o", tmp_path / "b.png", "--model", "mnist-nearest")[0] == 0
    assert image_files.read(tmp_path / "b.png").pixels.dtype == np.uint16


def test_a_level_changes_what_a_network_that_can_be_told_does(run, tmp_path, told):
    path = picture(tmp_path / "a.png", 20, 24)
    answers = []
    for name, words in (("untold", []), ("low", ["--sigma", "10"]), ("high", ["--sigma", "50"])):
        assert run(path, "-o", tmp_path / f"{name}.png", "--model", told, *words)[0] == 0
        answers.append(image_files.read(tmp_path / f"{name}.png").pixels)
    assert not any(np.array_equal(one, other) for one, other in itertools.pairwise(answers))


def test_an_ensemble_is_the_mean_over_the_views_of_the_picture(run, tmp_path):
    path = picture(tmp_path / "a.png", 20, 24)
    assert run(path, "-o", tmp_path / "mean.png", "--model", "photo-gray", "--ensemble")[0] == 0
    expected = denoise.load("photo-gray", "cpu")(image_files.read(path).pixels, ensemble=True)
    np.testing.assert_allclose(
        image_files.read(tmp_path / "mean.png").pixels, expected, atol=0.51 / 255
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--model", "mnist-nearest", "--sigma", "25"],
            "mnist-nearest is not noise-conditional",
        ),
        (
            ["--model", "mnist-nearest", "--sigma", "-1"],
            "--sigma is -1; valid: above 0, at most 255 (0-255 scale)",
        ),
        (
            ["--model", "mnist-nearest", "--ensemble"],
            "mnist-nearest was not trained with --dihedral",
        ),
        (["--model", "cats"], "unknown weights 'cats'"),
        (["--largest", "0"], "--largest is 0; valid: a number of megapixels above 0"),
        (["--largest", "nan"], "--largest is nan; valid: a number of megapixels above 0"),
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
    assert [job.source.name for job in clean_files.plan(["b.png", "a.png"], tmp_path / "out")] == [
        "b.png",
        "a.png",
    ]


@pytest.mark.parametrize(
    ("shape", "name"), [((40, 44), "photo-gray"), ((40, 44, 3), "photo-color")]
)
def test_without_a_name_a_photograph_is_cleaned_by_the_network_for_its_colours(
    run, tmp_path, shape, name
):
    noisy = picture(tmp_path / "a.png", *shape)
    assert run(noisy, "-o", tmp_path / "chosen.png", "--sigma", "40")[0] == 0
    assert run(noisy, "-o", tmp_path / "named.png", "--sigma", "40", "--model", name)[0] == 0
    chosen, named = (
        np.asarray(Image.open(tmp_path / f"{which}.png")) for which in ("chosen", "named")
    )
    assert (chosen == named).all()


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "name"), [("bsd68", "photo-gray"), ("cbsd68", "photo-color")])
def test_a_photograph_that_is_clean_already_stays_as_it_is(real, dataset, name):
    pictures = datasets.load(dataset, "test", real(dataset)).spread(6)
    denoiser = denoise.load(name, device="cpu")
    changed = [psnr(denoiser.estimate(clean), clean) for clean, _ in pictures.batches(1)]
    assert min(changed) > 38
