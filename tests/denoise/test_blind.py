"""Correlated noise of unknown level: datasets, classical methods, and committed rows."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from skimage import data

from bench import __main__ as command
from bench.report import benchmark_table
from bench.scoring import methods, tune_classical
from denoise import blind, classical, datasets
from denoise.datasets.base import BrokenData, MissingData, Pictures
from denoise.datasets.camera import noisy_jpegs, scene
from denoise.inference import engine
from denoise.metrics import psnr

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def photograph():
    return torch.from_numpy(data.astronaut()[:128, :128].copy()).permute(2, 0, 1)


@pytest.fixture
def color(photograph):
    return Pictures("made", "train", (photograph,), ("a",), ("a",))


@pytest.fixture
def pairs(color):
    """Return a noisy JPEG and its clean image, (1, 3, H, W) each."""
    clean, noisy, _ = next(noisy_jpegs(color, "made").pairs(1))
    return clean, noisy


def test_each_shot_of_a_camera_stands_beside_the_mean_of_its_own_scene(real):
    pictures = datasets.load("real_noise", "test", real("real_noise"))
    assert pictures.shapes == {(3, 512, 512)}
    of_own = [
        psnr(a[None] / 255, b[None] / 255).item()
        for a, b in zip(pictures.dirty, pictures.images, strict=True)
    ]
    assert np.mean(of_own) == pytest.approx(35.52, abs=0.01)
    assert min(of_own) > 31
    assert len(set(datasets.groups("real_noise", pictures.keys))) == 8
    assert scene("Canon5D2_5_160_3200_chair_11") == "Canon5D2_5_160_3200_chair"


def test_a_shot_without_its_mean_is_named(tmp_path):
    (tmp_path / "real_noise").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "real_noise" / "cup_1_real.JPG", "JPEG")
    with pytest.raises(BrokenData, match="real_noise: .*cup_1_mean.JPG"):
        datasets.load("real_noise", "test", tmp_path)


def test_camera_noise_that_is_not_there_says_which_files_of_which_page_are_to_be_put_there(
    tmp_path,
):
    with pytest.raises(
        MissingData, match=r"Canon5D2_\*_real.JPG and _mean.JPG of CroppedImages of https://github"
    ):
        datasets.load("real_noise", "test", tmp_path)


def test_noisy_jpegs_are_the_same_each_time_and_for_any_other_images(color, photograph):
    other = photograph.flip(2)
    both = Pictures("made", "train", (other, photograph), ("b", "a"), ("b", "a"))
    (one,), (again,), (_, beside) = (noisy_jpegs(some, "x").dirty for some in (color, color, both))
    assert one.equal(again)
    assert one.equal(beside)
    assert one.dtype == torch.uint8


def test_a_noisy_jpeg_has_white_noise_of_25_in_luma_and_less_than_half_of_it_in_chroma(photograph):
    gray = Pictures("made", "train", (torch.full_like(photograph, 128),), ("a",), ("a",))
    red, green, blue = noisy_jpegs(gray, "x").dirty[0].double()
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    assert luma.std().item() == pytest.approx(25 * np.hypot(np.hypot(0.299, 0.587), 0.114), rel=0.1)
    # of Cb before 2x2 pixels are averaged
    white = 25 * np.sqrt(0.886**2 + 0.299**2 + 0.587**2) / 1.772
    assert ((blue - luma) / 1.772).std().item() < white / 1.8


@pytest.mark.slow
def test_cbsd68_as_noisy_jpeg_shows_cbsd68(real):
    root = real("cbsd68_jpeg")
    made, source = (datasets.load(name, "test", root) for name in ("cbsd68_jpeg", "cbsd68"))
    assert made.keys == source.keys
    assert made.name == "cbsd68_jpeg"
    for clean, dirty, image in zip(
        made.spread(3).images, made.spread(3).dirty, source.spread(3).images, strict=True
    ):
        assert clean.equal(image)
        assert 22.5 < psnr(dirty[None] / 255, clean[None] / 255).item() < 24


@pytest.mark.parametrize("name", blind.BLIND.names())
def test_no_blind_method_looks_at_the_level_that_a_call_names(name, color, pairs):
    pytest.importorskip("cv2") if name.startswith("opencv") else None
    denoise = blind.BLIND[name].build(color)
    clean, noisy = pairs
    assert denoise(noisy, 0.0).equal(denoise(noisy, 0.5))
    assert psnr(denoise(noisy, 0.0).clamp(0, 1), clean).item() > psnr(noisy, clean).item()


@pytest.mark.parametrize("name", blind.STRENGTHS)
def test_blind_methods_have_the_strength_that_the_search_found_best_and_not_at_its_ends(name):
    searched = tune_classical.mean_over_levels(
        pd.read_csv(benchmark_table.CAMERA / "tuning.csv")
    ).loc[("bsds500_jpeg", name)]
    assert blind.STRENGTHS[name] == searched.idxmax()
    assert (
        tune_classical.BLIND_STRENGTHS[0] < searched.idxmax() < tune_classical.BLIND_STRENGTHS[-1]
    )
    assert tuple(searched.index) == tune_classical.BLIND_STRENGTHS


def test_a_blur_of_a_point_is_a_gaussian_of_0_8_pixels(color):
    point = torch.zeros(1, 3, 15, 15)
    point[:, :, 7, 7] = 1
    blurred = blind.BLIND["blur"].build(color)(point, 0.0)
    assert (blurred[0, 0, 7, 8] / blurred[0, 0, 7, 7]).item() == pytest.approx(
        np.exp(-0.5 / 0.8**2), rel=1e-4
    )


def test_opencv_keeps_the_order_of_the_channels(color):
    pytest.importorskip("cv2")
    flat = torch.tensor([0.8, 0.4, 0.1]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    cleaned = blind.BLIND["opencv-default"].build(color)(flat, 0.0)
    torch.testing.assert_close(cleaned, flat.contiguous(), atol=0.01, rtol=0)


def test_opencv_that_is_not_installed_is_left_out_with_what_to_install(color, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    for name in ("opencv", "opencv-default"):
        with pytest.raises(
            classical.NotApplicable, match=r"OpenCV is not installed: pip install '.\[opencv\]'"
        ):
            blind.BLIND[name].build(color)


def test_opencv_is_left_out_for_gray_images():
    pytest.importorskip("cv2")
    with pytest.raises(classical.NotApplicable, match="it takes color images only"):
        blind.BLIND["opencv"].build(datasets.load("glyphs", "test").spread(2))


def test_blind_methods_are_for_pairs_with_correlated_noise_alone_unless_they_are_named():
    assert methods.usual(None) is None
    assert methods.usual(["mnist"]) is None
    assert methods.usual(["real_noise", "cbsd68"]) is None
    assert tuple(methods.usual(["real_noise", "cbsd68_jpeg"])) == methods.CORRELATED
    assert not set(blind.BLIND.names()) & {arm.name for arm in methods.find()}
    assert [arm.name for arm in methods.find(["blur"])] == ["blur"]


def test_clean_is_what_a_user_s_call_gives(color, pairs):
    _, noisy = pairs
    (arm,) = methods.find(["photo-color:clean"])
    assert (arm.name, methods.plain(arm.name), arm.told_sigma) == (
        "photo-color:clean",
        "photo-color",
        False,
    )
    expected = engine.load("photo-color", "cpu", "float32")(noisy)
    assert arm.build(color, CPU)(noisy, 0.0).equal(expected)
    assert not engine.load("photo-color", "cpu", "float32").estimate(noisy).equal(expected)
    with pytest.raises(
        ValueError, match="mnist-nearest does not detect correlated noise: leave out :clean"
    ):
        methods.find(["mnist-nearest:clean"])


def test_a_table_without_times_names_the_lowest_gain_of_an_image(tmp_path):
    words = [
        "--datasets",
        "photos",
        "--methods",
        "noisy",
        "median",
        "black",
        "--sigma",
        "0.1",
        "--untimed",
    ]
    command.main([*words, "--out", str(tmp_path)])
    rows = benchmark_table.read(tmp_path / "table.csv").set_index("method")
    assert rows.cpu_ms_p50.isna().all()
    assert rows.worst_gain_db["noisy"] == 0
    assert rows.worst_gain_db["black"] < rows.psnr_db["black"] - rows.psnr_db["noisy"] < 0
    assert 0 < rows.worst_gain_db["median"] < rows.psnr_db["median"] - rows.psnr_db["noisy"]
    assert "Computed on: " in (tmp_path / "table.md").read_text()


@pytest.fixture(scope="module")
def committed():
    return benchmark_table.read(benchmark_table.CAMERA / "table.csv").set_index(
        ["dataset", "method"]
    )


def test_the_committed_rows_have_every_method_on_all_pairs(committed):
    for name, count in (("real_noise", 29), ("cbsd68_jpeg", 68)):
        rows = committed.loc[name]
        assert set(rows.index) == set(methods.CORRELATED)
        assert set(rows.pictures) == {count}
        assert set(rows.status) == {"ok"}
        assert not rows.told_sigma.any()


def test_cleaning_reaches_the_blur_on_a_camera_s_noise_and_gains_5_db_on_noisy_jpegs(committed):
    scores = committed.psnr_db
    ours = "photo-color:clean"
    assert scores["real_noise", ours] >= 36.49
    assert scores["cbsd68_jpeg", ours] >= scores["cbsd68_jpeg", "noisy"] + 5
    for name in ("real_noise", "cbsd68_jpeg"):
        assert scores[name, ours] >= scores[name, "blur"]
