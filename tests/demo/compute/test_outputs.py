"""Outputs of the chart's networks: those of the committed weights, or a sentence."""

# ruff: noqa: F401, F811  fixtures of another module

import base64
import io
import json

import numpy as np
import pytest
import safetensors.torch
import torch
from made_up_grid import results
from PIL import Image

from demo.compute import outputs, scores
from denoise.inference import packed
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt

POINT = "mnist-clipped-nearest-16x8-s0"
COMMITTED = scores.RESULTS / scores.GRIDS[0]


@pytest.fixture
def point():
    """Return a point of the first committed grid: a decoder at its middle level."""
    rows = scores.points(scores.GRIDS[0])
    return rows[(rows.kind == "decoder") & (rows.levels == "0.4")].iloc[0]


def pixels(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def test_the_card_shows_what_the_committed_network_makes_of_the_sample(point):
    grid = scores.GRIDS[0]
    shown = outputs.preview(grid, point.method, point.tested_on, "0.4")
    clean = torch.from_numpy(outputs.sample(point.tested_on)[0] / np.float32(255))[None, None]
    noisy = corrupt(clean, 0.4, PictureDraws([0]), clip=bool(point.clipped))
    output = outputs.network(scores.RESULTS / grid, point.method)(noisy)
    assert shown["noisy_db"] == pytest.approx(
        psnr(noisy.clamp(0, 1), clean, data_range=1.0).item(), abs=0.01
    )
    assert shown["output_db"] == pytest.approx(psnr(output, clean, data_range=1.0).item(), abs=0.01)
    assert shown["output_db"] > shown["noisy_db"] + 5
    assert (pixels(shown["output"]) == (output[0, 0] * 255).round().byte().numpy()).all()
    assert (pixels(shown["clean"]) == outputs.sample(point.tested_on)[0]).all()


def test_every_method_of_a_condition_has_an_output():
    for grid in scores.GRIDS:
        rows = scores.points(grid)
        first = rows[rows.levels == rows.levels.iloc[0]].iloc[0]
        alike = rows[
            (rows.tested_on == first.tested_on)
            & (rows.levels == first.levels)
            & (rows.trained_on == first.trained_on)
            & (rows.clipped == first.clipped)
        ]
        for method in alike.method:
            shown = outputs.preview(grid, method, first.tested_on, first.levels)
            assert np.isfinite(shown["output_db"]), method


def test_weights_that_are_missing_or_not_the_scored_ones_are_a_sentence(point, results):
    committed = packed.denoiser(
        COMMITTED, point.method
    )  # has another checksum than the made-up row
    outputs.network.cache_clear()
    with pytest.raises(ValueError, match=f"the weights of {POINT} are missing"):
        outputs.preview("made-up", POINT, "mnist", "0.4")
    safetensors.torch.save_file(
        {f"{POINT}/{k}": v.contiguous() for k, v in committed.network.state_dict().items()},
        results / "made-up" / "weights-mnist.safetensors",
        {POINT: json.dumps(committed.card["architecture"])},
    )
    with pytest.raises(ValueError, match="the scored weights are f{12}"):
        outputs.preview("made-up", POINT, "mnist", "0.4")
