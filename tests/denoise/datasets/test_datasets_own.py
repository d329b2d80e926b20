"""Photographs, and folders of the user's own images."""

import re

import numpy as np
import pytest
from PIL import Image
from shared_data import png_that_claims, splits

from denoise import datasets
from denoise.datasets import scikit_image
from denoise.datasets.base import MissingData
from denoise.train.settings import Settings


def test_photographs_are_gray_or_colour_and_of_different_sizes():
    pictures = datasets.load("photos", "train")
    assert {image.shape[0] for image in pictures} == {1, 3}
    assert len({image.shape for image in pictures}) > 3


def test_a_photograph_that_this_scikit_image_lacks_is_skipped_and_counted(monkeypatch):
    monkeypatch.setitem(
        scikit_image.FILES, "val", (*scikit_image.FILES["val"], "from_the_future.png")
    )
    pictures = datasets.load("photos", "val")
    assert pictures.keys == ("coins.png", "rocket.jpg")
    assert pictures.notes == {"absent": 1}


def test_the_two_views_of_the_motorcycle_are_in_one_split():
    (with_both,) = [
        part for part in splits("photos").values() if any("motorcycle" in key for key in part.keys)
    ]
    assert {"motorcycle_left.png", "motorcycle_right.png"} <= set(with_both.keys)


@pytest.fixture
def own_folder(tmp_path):
    folder = tmp_path / "own"
    for i in range(40):
        (folder / "deep").mkdir(parents=True, exist_ok=True)
        Image.new("RGB" if i % 2 else "L", (8 + i, 9), 40).save(folder / "deep" / f"{i}.png")
    return folder


def test_a_folder_of_own_pictures_is_read_at_their_own_sizes(own_folder):
    parts = splits(f"folder:{own_folder}")
    assert sum(len(part) for part in parts.values()) == 40
    assert {image.shape[0] for part in parts.values() for image in part} == {1, 3}
    assert parts["train"].keys[0].startswith("deep/")


@pytest.mark.parametrize("name", ["folder:", "folder: ", "mnist:", "train400:", "bsd68:"])
@pytest.mark.parametrize("split", datasets.SPLITS)
def test_nothing_behind_the_colon_is_refused_and_never_the_data_root(own_folder, name, split):
    kind = name.partition(":")[0]
    said = (
        f"^dataset '{name}' has no path after the colon; valid: {kind}:PATH, or {kind} for "
        "the data root$"
    )
    with pytest.raises(ValueError, match=said):
        datasets.load(name, split, own_folder)
    with pytest.raises(ValueError, match=said):
        Settings(dataset=name)


@pytest.mark.parametrize("name", ["photos:", "photos:mine", "glyphs:", "glyphs:mine"])
def test_a_path_behind_a_dataset_that_reads_no_folder_is_refused(name):
    kind = name.partition(":")[0]
    with pytest.raises(
        ValueError, match=f"^dataset '{name}': {kind} is part of .* reads no folder; valid: {kind}$"
    ):
        datasets.load(name, "test")


def test_a_dataset_without_a_path_reads_the_data_root(own_folder):
    assert (
        datasets.load("folder", "train", own_folder).keys
        == datasets.load(f"folder:{own_folder}", "train").keys
    )


def test_the_training_images_of_a_set_to_test_on_come_from_its_path_as_well(tmp_path):
    with pytest.raises(MissingData, match=re.escape(str(tmp_path / "train400"))):
        datasets.load(f"bsd68:{tmp_path}", "train", tmp_path / "elsewhere")


def test_a_folder_with_named_splits_is_taken_at_its_word(tmp_path):
    for count, split in enumerate(datasets.SPLITS, start=1):
        (tmp_path / split).mkdir()
        for i in range(count):
            Image.new("L", (5, 5)).save(tmp_path / split / f"{i}.png")
    assert [len(part) for part in splits(f"folder:{tmp_path}").values()] == [1, 2, 3]


def test_one_named_split_is_enough_so_that_test_pictures_are_not_trained_on(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        for i in range(20):
            Image.new("L", (5, 5)).save(tmp_path / split / f"{i}.png")
    for split in ("train", "test"):
        assert {
            key.partition("/")[0] for key in datasets.load(f"folder:{tmp_path}", split).keys
        } == {split}
    with pytest.raises(MissingData, match=f"but none for val: put images into {tmp_path / 'val'}"):
        datasets.load(f"folder:{tmp_path}", "val")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_that_claims_to_be_huge_is_refused_unread_and_counted(tmp_path):
    (tmp_path / "test").mkdir()
    for side in (10_001, 60_000):
        (tmp_path / "test" / f"bomb{side}.png").write_bytes(png_that_claims(side, side))
    Image.new("L", (5, 5)).save(tmp_path / "test" / "small.png")
    pictures = datasets.load(f"folder:{tmp_path}", "test")
    assert pictures.keys == ("test/small.png",)
    assert pictures.notes == {"unreadable": 2}


def test_a_photograph_is_turned_upright(tmp_path):
    (tmp_path / "test").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: the camera was held on its side
    Image.new("RGB", (8, 4)).save(tmp_path / "test" / "turned.jpg", exif=exif)
    assert datasets.load(f"folder:{tmp_path}", "test")[0].shape == (3, 8, 4)


def test_pictures_that_cannot_be_read_are_skipped_and_counted(own_folder):
    (own_folder / "not_a_picture.png").write_bytes(b"text")
    (own_folder / "empty.jpg").write_bytes(b"")
    assert sum(part.notes["unreadable"] for part in splits(f"folder:{own_folder}").values()) == 2


def test_a_16_bit_picture_is_scaled_and_alpha_is_laid_over_white(tmp_path):
    for split in datasets.SPLITS:
        (tmp_path / split).mkdir()
    Image.fromarray(np.full((4, 4), 0x8080, np.uint16)).save(tmp_path / "test" / "deep.png")
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "test" / "glass.png")
    deep, glass = datasets.load(f"folder:{tmp_path}", "test")
    assert deep.unique().tolist() == [0x80]
    assert glass.unique().tolist() == [255]


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_without_pictures_is_refused(tmp_path, made):
    path = tmp_path / "nothing"
    if made:
        path.mkdir()
    with pytest.raises(MissingData, match="nothing"):
        datasets.load(f"folder:{path}", "train")
