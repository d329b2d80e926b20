"""Warnings about sigma and the training images: none for valid use, one for a mismatch."""

import pytest
import torch

import denoise
from denoise import datasets, noise_level
from denoise.inference import doubts
from denoise.inference.engine import Denoiser
from denoise.noise import PictureDraws, corrupt

SCALE = 255
NOTHING = torch.zeros(1, 100, 100)


def flat(sigma, size=128, value=0.5):
    return value + sigma / SCALE * torch.randn(
        1, size, size, generator=torch.Generator().manual_seed(0)
    )


def warned_of_sigma(image, sigma):
    return doubts.of_sigma(image, sigma / SCALE, noise_level.of_middle(image))


@pytest.mark.parametrize("sigma", [5, 25, 100])
def test_the_sigma_that_was_added_is_not_doubted(sigma):
    assert warned_of_sigma(flat(sigma), sigma) == []


@pytest.mark.parametrize(("added", "given"), [(25, 60), (25, 10), (5, 25), (50, 15), (0, 15)])
def test_a_sigma_far_from_what_is_seen_is_doubted_in_one_line(added, given):
    (line,) = warned_of_sigma(flat(added), given)
    assert line.startswith(f"--sigma {given} is far from the estimated white noise, about ")
    assert line.endswith("(0-255 scale)")


def test_no_sigma_and_no_estimate_are_no_reason_to_doubt():
    assert doubts.of_sigma(flat(25), None, 0.1) == []
    assert doubts.of_sigma(flat(25), 0.9, None) == []
    assert doubts.of_sigma(flat(25, size=40), 0.9, 0.1) == []  # too small for a reliable estimate


@pytest.mark.slow
@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("dataset", ["bsd68", "documents"])
def test_the_sigma_that_was_added_to_a_real_image_is_not_doubted(real, dataset, clip):
    for clean, _ in datasets.load(dataset, "test", real(dataset)).spread(4).batches(1):
        for sigma in (10, 25, 75):
            noisy = corrupt(clean[..., :256, :256], sigma / SCALE, PictureDraws([0]), clip=clip)
            assert warned_of_sigma(noisy[0], sigma) == []


NETWORKS = {
    "mnist": "mnist-nearest",
    "notmnist": "notmnist-bilinear",
    "bsd68": "photo-gray",
    "documents": "document",
}


def images_of(dataset, root, count=40):
    pictures = datasets.load(dataset, "test", root).spread(count)
    yield from (given[0] for _, given, _ in pictures.pairs(1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "network", "sigma"),
    [
        *[(*pair, sigma) for pair in list(NETWORKS.items())[:3] for sigma in (0, 0.1, 0.6)],
        ("documents", "document", 0),  # trained on stains, without noise
    ],
)
def test_images_of_the_kind_that_a_network_knows_are_never_doubted(real, dataset, network, sigma):
    denoiser = denoise.load(network, "cpu")
    for image in images_of(dataset, real(dataset)):
        noisy = corrupt(image[None], sigma, PictureDraws([0]), clip=True)[0]
        assert doubts.of_training(denoiser, noisy, None, None) == []


@pytest.mark.parametrize(
    ("dataset", "network", "said"),
    [
        (
            "bsd68",
            "mnist-nearest",
            "mnist-nearest was trained on images of 28x28 pixels; this image has ",
        ),
        (
            "documents",
            "notmnist-nearest",
            "was trained on images of 28x28 pixels; this image has 540x",
        ),
        (
            "bsd68",
            "document",
            "document was trained on scanned pages; this image has no bright background",
        ),
        (
            "mnist",
            "photo-gray",
            "photo-gray was trained on photographs; this image has 28x28 pixels",
        ),
        (
            "mnist",
            "document",
            "document was trained on scanned pages; this image has 28x28 pixels",
        ),
    ],
)
def test_images_of_another_kind_are_doubted_nearly_always(real, dataset, network, said):
    denoiser = denoise.load(network, "cpu")
    lines = [
        doubts.of_training(denoiser, image, None, None)
        for image in images_of(dataset, real(dataset))
    ]
    assert sum(len(found) == 1 and said in found[0] for found in lines) >= 0.85 * len(lines)


def test_dark_digits_on_white_are_doubted(real):
    denoiser = denoise.load("mnist-nearest", "cpu")
    for image in images_of("mnist", real("mnist")):
        assert "so invert it" in doubts.of_training(denoiser, 1 - image, None, None)[0]


@pytest.mark.parametrize(
    ("network", "given", "seen", "said"),
    [
        (
            "photo-gray",
            None,
            150,
            "photo-gray was trained on sigma 0 to 100; this image has about 150",
        ),
        ("photo-gray", 140, 100, "was trained on sigma 0 to 100; this image has about 140"),
        ("dncnn-gray-25", None, 3, "dncnn-gray-25 was trained on sigma 25; this image has about 3"),
        ("photo-gray", None, 105, None),
        ("photo-gray", 100, 60, None),
        ("dncnn-gray-25", None, 15, None),
    ],
)
def test_noise_beyond_that_of_the_training_is_doubted(network, given, seen, said):
    given = None if given is None else given / SCALE
    found = doubts.of_training(denoise.load(network, "cpu"), NOTHING, given, seen / SCALE)
    assert [said in line for line in found] == ([True] if said else [])


@pytest.mark.parametrize(
    "settings", [{}, {"dataset": "folder:mine"}, {"dataset": "one that is gone"}]
)
def test_a_network_of_which_nothing_is_known_is_not_doubted(settings):
    own = denoise.load("photo-gray", "cpu")
    card = {"architecture": {"channels": 1}, "settings": settings}
    assert (
        doubts.of_training(
            Denoiser(own.network, "own", card, "cpu"), torch.zeros(1, 28, 28), None, 0.5
        )
        == []
    )
