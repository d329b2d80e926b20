"""Training images made of drawings."""

import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from demo.compute import drawings
from denoise import datasets


@pytest.fixture
def square():
    image = np.zeros((28, 28), np.uint8)
    image[10:18, 10:18] = 255
    return image


def test_each_drawing_gives_equally_many_images(square):
    empty = np.zeros_like(square)
    train, held_out = drawings.varied([square, empty, empty], 0)
    assert train.images.shape == (2001, 1, 28, 28)
    assert held_out.images.shape == (201, 1, 28, 28)
    assert (train.images.flatten(1).max(1).values > 0).sum() == 667


def test_variants_are_moved_by_a_few_pixels_and_differ_between_the_splits(square):
    train, held_out = drawings.varied([square], 0)
    assert len(train.images.unique(dim=0)) == len(train)
    places = torch.arange(28.0)
    ink = train.images.float()[:, 0]
    rows = (ink.sum(2) * places).sum(1) / ink.sum((1, 2))
    assert (rows - 13.5).abs().max() < 1.5 * drawings.SHIFT
    assert rows.std() > 1
    assert not torch.equal(train.images[: len(held_out)], held_out.images)


def test_a_seed_gives_the_same_images_again(square):
    one, other, third = (drawings.varied([square], seed)[0].images for seed in (1, 1, 2))
    assert torch.equal(one, other)
    assert not torch.equal(one, third)


@pytest.mark.parametrize(
    ("count", "words"), [(0, "there is no drawing"), (41, "there are 41 drawings; valid: 1 to 40")]
)
def test_no_drawing_and_too_many_are_refused(square, count, words):
    with pytest.raises(ValueError, match=words):
        drawings.varied([square] * count, 0)


def test_the_archive_is_the_same_data_set_as_a_folder(square, tmp_path):
    parts = drawings.varied([square], 0)
    small = [part.spread(5) for part in parts]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in small:
            drawings.add_to(archive, part)
    zipfile.ZipFile(buffer).extractall(tmp_path)
    assert Image.open(tmp_path / "drawings/train/0000.png").size == (28, 28)
    for part in small:
        found = datasets.load(f"folder:{tmp_path / 'drawings'}", part.split)
        assert (found.name, found.keys) == (part.name, part.keys)
        assert torch.equal(torch.stack(list(found.images)), part.images)
