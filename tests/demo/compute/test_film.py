"""Film of the training: frames of each decoder's networks at early steps."""

import base64
import io
import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from demo.compute import answers, film, results, samples

SETTINGS = {"noise": "gaussian", "clip": True, "sigma": 0.4, "seed": 3, "family": "mnist"}


@pytest.fixture(scope="module")
def digit():
    return samples.rendered()[0].image


@pytest.fixture(scope="module")
def shown(digit):
    return film.frames(digit, **SETTINGS, chosen=["nearest", "transposed_k3", "unet"])


def pixels(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_each_decoder_has_a_frame_of_each_saved_step_and_of_the_finished_network(shown):
    rows = pd.read_csv(film.FOLDER / "early.csv")
    times = sorted(rows[(rows.dataset == "mnist") & (rows.arm == "nearest")].images)
    assert shown["times"] == [*times, None]
    assert [row["label"] for row in shown["rows"]] == [
        results.entry(arm).label for arm in ("nearest", "transposed_k3")
    ]
    assert all(len(row["frames"]) == len(shown["times"]) for row in shown["rows"])


def test_the_last_frame_is_the_output_of_compare(shown, digit):
    rows = answers.compare(digit, **SETTINGS, chosen=["nearest", "transposed_k3"])
    assert np.array_equal(pixels(shown["noisy"]), rows[1].image)
    for row, answer in zip(shown["rows"], rows[2:], strict=True):
        last = pixels(row["frames"][-1]["image"]).astype(int)
        assert np.abs(last - answer.image).max() <= 3  # the page may run in bfloat16
        assert row["frames"][-1]["psnr"] == pytest.approx(answer.psnr, abs=0.1)


def test_the_transposed_convolution_begins_with_a_checkerboard_and_loses_it(shown):
    resized, transposed = ([frame["energy"] for frame in row["frames"]] for row in shown["rows"])
    assert max(resized) < 1.5
    assert max(transposed) > 2
    assert transposed.index(max(transposed)) <= 3
    assert transposed[-1] < 1.5


def test_training_raises_the_psnr_of_every_decoder(shown):
    for row in shown["rows"]:
        assert row["frames"][-1]["psnr"] > row["frames"][0]["psnr"] + 10


def test_without_a_flat_part_there_is_no_energy(digit):
    noise = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    (row,) = film.frames(noise, **SETTINGS, chosen=["nearest"])["rows"]
    assert all(frame["energy"] is None and math.isfinite(frame["psnr"]) for frame in row["frames"])


def test_if_no_chosen_method_has_early_networks_all_decoders_are_shown():
    assert film.arms("mnist", ["tv"]) == film.arms("mnist", ["unet"]) == [*film.early()["mnist"]]


def test_a_dataset_without_early_networks_is_named():
    with pytest.raises(ValueError, match="there are no early networks of cats; valid: mnist"):
        film.arms("cats", None)
