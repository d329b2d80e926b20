"""Datasets of the published tables, and stained pages: training images and test images."""

import pytest
import torch

from denoise import datasets
from denoise.datasets.base import BrokenData, MissingData, Pictures

SPLITS = {
    "train400": {"train": 376, "val": 24},
    "bsds500": {"train": 383, "val": 17},
    "set12": {"test": 12},
    "bsd68": {"test": 68},
    "cbsd68": {"test": 68},
    "documents": {"train": 68, "val": 8, "test": 20},
    "real_noise": {"test": 29},
    "cbsd68_jpeg": {"test": 68},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SPLITS)
def test_a_set_has_the_pictures_that_papers_say(real, name):
    root = real(name)
    assert {split: len(datasets.load(name, split, root)) for split in SPLITS[name]} == SPLITS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["train400", "bsds500"])
def test_a_set_to_train_on_has_nothing_to_test_on(real, name):
    root = real(name)
    parts = [set(datasets.load(name, split, root).keys) for split in ("train", "val")]
    assert not parts[0] & parts[1]
    with pytest.raises(ValueError, match=f"{name} has no test images; valid splits: train, val"):
        datasets.load(name, "test", root)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "training"),
    [
        ("bsd68", "train400"),
        ("set12", "train400"),
        ("cbsd68", "bsds500"),
        ("real_noise", "bsds500"),
        ("cbsd68_jpeg", "bsds500"),
    ],
)
def test_a_set_to_test_on_is_never_trained_on(real, name, training):
    root = real(name)
    real(training)
    for split in ("train", "val"):
        pictures = datasets.load(name, split, root)
        assert pictures.name == training
        assert not set(pictures.keys) & set(datasets.load(name, "test", root).keys)
        # BSD68 and CBSD68 come from this part of BSDS500
        assert not any("/val/" in key for key in pictures.keys)


def test_gray_and_colour_show_the_same_photographs(real):
    """Check that BSD68 is the luma of CBSD68, in another order."""
    gray, colour = (datasets.load(name, "test", real(name)) for name in ("bsd68", "cbsd68"))
    assert sorted(image.shape[1:] for image in gray) == sorted(image.shape[1:] for image in colour)
    means = sorted(image.double().mean().item() for image in gray)
    lumas = sorted(
        (image.double() * image.new_tensor([0.299, 0.587, 0.114], dtype=float).view(3, 1, 1))
        .sum(0)
        .mean()
        .item()
        for image in colour
    )
    assert means == pytest.approx(lumas, abs=0.6)


def test_a_page_is_in_one_split_with_all_its_stains(real):
    root = real("documents")
    pages = {
        split: set(datasets.groups("documents", datasets.load("documents", split, root).keys))
        for split in datasets.SPLITS
    }
    assert [len(of_split) for of_split in pages.values()] == [17, 2, 5]
    assert len(set.union(*pages.values())) == 24


def test_a_stained_page_is_darker_than_its_clean_one(real):
    pages = datasets.load("documents", "test", real("documents"))
    for clean, dirty in zip(pages.images, pages.dirty, strict=True):
        assert dirty.float().mean() < clean.float().mean()
    some = pages.spread(3)
    assert len(some.dirty) == 3
    clean, given, _ = next(some.pairs(1))
    assert not given.equal(clean)


@pytest.mark.parametrize("name", SPLITS)
def test_a_set_that_is_not_there_says_where_to_put_it(tmp_path, name):
    with pytest.raises(MissingData, match="has no official download link: put the folder"):
        datasets.load(name, next(iter(SPLITS[name])), tmp_path)


def test_a_picture_that_was_cut_is_named(tmp_path):
    (tmp_path / "set12").mkdir()
    (tmp_path / "set12" / "01.png").write_bytes(b"\x89PNG half")
    with pytest.raises(BrokenData, match=r"set12: .*01.png: not an image"):
        datasets.load("set12", "test", tmp_path)


def test_bsd68_is_cbsd68_in_gray(real):
    root = real("bsd68")
    gray, colour = (
        datasets.load("bsd68", "test", root),
        datasets.load("cbsd68", "test", real("cbsd68")),
    )
    made = [picture.float() for picture in colour.gray()]
    for picture in gray.spread(4):
        alike = [
            one
            for one in made
            if one.shape == picture.shape and (one - picture.float()).abs().mean() < 1
        ]
        assert len(alike) == 1


def test_gray_pictures_and_the_stains_on_them_stay_what_they_are():
    page = torch.arange(4, dtype=torch.uint8).view(1, 2, 2)
    red = torch.tensor([255, 0, 0], dtype=torch.uint8).view(3, 1, 1)
    pictures = Pictures("it", "train", (page, red), ("a", "b"), ("a", "b"), {}, (page + 1, red))
    made = pictures.gray()
    assert torch.equal(made[0], page)
    assert torch.equal(made.dirty[0], page + 1)
    assert made[1].tolist() == made.dirty[1].tolist() == [[[76]]]  # 0.299 of 255
