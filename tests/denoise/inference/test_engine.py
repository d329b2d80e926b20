"""Inference with the shipped weights: any type of image as input, the same type as output."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import LOWERED
from PIL import Image

import denoise
from bench.report import photographs
from denoise import classical, datasets
from denoise.inference import engine, plan
from denoise.metrics import psnr
from denoise.models import weights
from denoise.noise import PictureDraws, corrupt, picture_seeds
from denoise.registry import UnknownName

SHIPPED = [
    f"{data}-{decoder}"
    for data in ("mnist", "notmnist")
    for decoder in ("nearest", "bilinear", "transposed_k3")
]


@pytest.fixture(scope="module")
def denoiser():
    return denoise.load("mnist-nearest", device="cpu")


def test_both_datasets_ship_every_decoder_of_the_question():
    assert set(SHIPPED) <= set(denoise.names())


@pytest.mark.parametrize("name", weights.names())
def test_shipped_weights_are_small_safetensors_with_a_card_of_how_they_were_trained(name):
    path = weights.locate(name)
    card = json.loads(path.with_suffix(".json").read_text())
    assert path.stat().st_size < 10e6
    assert card["name"] == name
    assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    if name != photographs.CHECK:  # a paper's network for one level
        assert card["settings"]["sigma"][0] == 0.0  # training included images without noise
    assert {"data", "images_seen", "validation_psnr", "versions"} <= card.keys()


def test_an_alias_of_the_decoder_finds_the_weights():
    assert denoise.load("mnist-transposed").name == "mnist-transposed_k3"


@pytest.mark.parametrize("name", ["mnist-nearst", "cats", "", "../mnist-nearest"])
def test_an_unknown_name_is_answered_with_the_valid_ones(name):
    with pytest.raises(UnknownName, match=r"valid: .*mnist-bilinear, mnist-nearest"):
        denoise.load(name)


def scored(data_root, dataset, name, count=500):
    pictures = datasets.load(dataset, "test", data_root).spread(count)
    clean, keys = next(pictures.batches(count))
    noisy = corrupt(
        clean, 0.4, PictureDraws(picture_seeds(dataset, keys, "gaussian", 0.4)), clip=True
    )
    return psnr(denoise.load(name)(noisy), clean).mean().item(), clean, noisy


@pytest.mark.slow
@pytest.mark.parametrize("decoder", ["nearest", "bilinear", "transposed_k3"])
@pytest.mark.parametrize("method", ["noisy", "median", "nlm", "tv", "wavelet"])
def test_shipped_weights_beat_every_classical_method_on_mnist_at_sigma_0_4(real, decoder, method):
    ours, clean, noisy = scored(real("mnist"), "mnist", f"mnist-{decoder}", count=100)
    pictures = datasets.load("mnist", "val", real("mnist"))
    theirs = (
        psnr(classical.DENOISERS[method].build(pictures)(noisy, 0.4).clamp(0, 1), clean)
        .mean()
        .item()
    )
    assert ours > theirs + 5


@pytest.mark.slow
def test_the_best_shipped_decoder_reaches_22_7_db_on_mnist_at_sigma_0_4(real):
    root, names = real("mnist"), [name for name in SHIPPED if name.startswith("mnist")]
    best = max(names, key=lambda name: scored(root, "mnist", name)[0])
    assert scored(root, "mnist", best, count=10_000)[0] >= 22.7


@pytest.mark.parametrize("backend", LOWERED)
def test_large_pictures_are_cleaned_in_tiles_whatever_the_backend(monkeypatch, backend):
    monkeypatch.setattr(plan, "best", lambda device, bfloat16: plan.Plan(backend))
    monkeypatch.setattr(engine, "TILE_PIXELS", 2**14)
    noisy = torch.rand(1, 1, 150, 160, generator=torch.Generator().manual_seed(0))
    right = denoise.load("photo-gray", "cpu", "float32").network(noisy).detach()
    torch.testing.assert_close(
        denoise.load("photo-gray", "cpu").estimate(noisy), right, atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("size", [(28, 28), (31, 33), (1, 1), (257, 129)])
def test_a_picture_of_any_size_keeps_it(denoiser, size):
    assert denoiser(np.zeros(size, np.uint8)).shape == size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_a_pil_picture_of_any_mode_comes_back_as_pil(denoiser, mode):
    out = denoiser(Image.new("L", (20, 12)).convert("RGB" if mode == "CMYK" else "L").convert(mode))
    assert isinstance(out, Image.Image)
    assert out.size == (20, 12)
    assert out.mode == {"1": "L", "P": "RGB", "CMYK": "RGB"}.get(mode, mode)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, bool])
def test_a_numpy_picture_keeps_its_dtype_and_range(denoiser, dtype):
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    letter = np.zeros((28, 28))
    letter[6:22, 12:16] = 1
    out = denoiser((letter * top).astype(dtype))
    assert out.dtype == dtype
    assert out[14, 14] > 0.8 * top
    assert out[2, 2] < 0.2 * top or out[2, 2] == 0


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (3, 28, 28), (5, 1, 28, 28)])
def test_a_tensor_keeps_its_layout(denoiser, shape):
    assert denoiser(torch.rand(shape)).shape == shape


def test_a_gray_network_cleans_colour_channel_by_channel_and_keeps_alpha(denoiser):
    picture = np.random.default_rng(0).integers(0, 256, (28, 28, 4), dtype=np.uint8)
    out = denoiser(picture)
    assert np.array_equal(out[..., 3], picture[..., 3])
    assert np.array_equal(out[..., 1], denoiser(np.ascontiguousarray(picture[..., 1])))


def test_the_result_does_not_depend_on_the_batch(denoiser, generator):
    batch = torch.rand(9, 1, 28, 28, generator=generator)
    torch.testing.assert_close(denoiser(batch)[4:5], denoiser(batch[4:5]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.full((28, 28), np.nan), "not finite"),
        (np.full((28, 28), 200.0), "float values are"),
        (np.zeros((0, 28)), "empty"),
        (np.zeros((2, 3, 4, 5, 6)), "an image of shape"),
        (np.zeros((28, 28, 9)), "1 to 4 channels"),
        (np.zeros((28, 28), complex), "dtype complex128"),
        (
            np.full((28, 28), 200),
            "dtype int64 does not define white; valid: uint8 .*astype.'uint8'",
        ),
        (
            np.full((28, 28), 200, np.int16),
            "dtype int16 .* the values are 0 to 200: image.astype.'uint8'",
        ),
        (np.full((28, 28), 4000, np.int32), "dtype int32 .* image.astype.'uint16'"),
        (np.full((28, 28), 1, np.int8), "dtype int8 .* image.astype.'bool'"),
        (np.full((28, 28), -1), "dtype int64 .* floats in .0, 1.$"),
        (
            np.full((28, 28), 200, np.uint16),
            "this uint16 image has values up to 200, and 65535 is white",
        ),
        (torch.full((28, 28), 200), "dtype int64 does not define white"),
        (torch.full((28, 28), 200).to(torch.uint16), "this uint16 image has values up to 200"),
        (
            torch.zeros(28, 28, dtype=torch.complex64),
            "dtype torch.complex64 cannot be read; valid: uint8",
        ),
        (torch.rand(28, 28, 3), "a tensor of shape .28, 28, 3.; valid: .H, W., .C, H, W."),
        (2 * torch.rand(1, 1, 28, 28).round() - 1, "whole regions are negative"),
        (Image.new("F", (28, 28), 200.0), "float values are .* divide by 255"),
        (Image.new("I", (28, 28), 200), "mode I has values 0 to 200; valid: 16 bits"),
        ("photo.jpg", "'photo.jpg' is a path, not an image: give PIL.Image.open"),
        (Path("a") / "photo.jpg", "'a/photo.jpg' is a path"),
        (b"GIF89a", "bytes are not an image: give PIL.Image.open"),
        (None, "NoneType is not an image type; valid: PIL image"),
    ],
)
def test_a_picture_that_makes_no_sense_is_refused(denoiser, picture, said):
    with pytest.raises(ValueError, match=said):
        denoiser(picture)


@pytest.mark.parametrize("sigma", [25, -1, float("nan"), 1.5, "0.1"])
def test_a_sigma_in_other_units_is_refused(denoiser, sigma):
    with pytest.raises(
        ValueError,
        match=r"valid: 0 to 1, the standard deviation of the noise in units of the \[0, 1\] range",
    ):
        denoiser(np.zeros((28, 28), np.uint8), sigma)


def test_noise_that_is_not_clamped_is_taken(denoiser, generator):
    noisy = torch.zeros(4, 1, 28, 28)
    noisy[..., 6:22, 12:16] = 1
    noisy += 0.6 * torch.randn(noisy.shape, generator=generator)
    assert denoiser(noisy).shape == noisy.shape


def test_truncated_weights_are_named(tmp_path):
    source = weights.locate("mnist-nearest")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(source.read_bytes()[:1000])
    cut.with_suffix(".json").write_text(source.with_suffix(".json").read_text())
    with pytest.raises(ValueError, match=r"cut.safetensors: truncated or damaged"):
        denoise.load(cut)


def test_weights_without_their_card_say_what_is_missing(tmp_path):
    lone = tmp_path / "lone.safetensors"
    lone.write_bytes(weights.locate("mnist-nearest").read_bytes())
    with pytest.raises(ValueError, match=r"lone.json is missing"):
        denoise.load(lone)


def test_a_network_without_shipped_weights_is_told_apart_from_a_missing_file():
    with pytest.raises(UnknownName, match=r"no weights at nowhere.safetensors; shipped: "):
        denoise.load("nowhere.safetensors")
