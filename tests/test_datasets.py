import io
import tarfile
import urllib.error
import urllib.request

import numpy as np
import platformdirs
import pytest
import torch
from PIL import Image

from denoise import datasets
from denoise.datasets import base, idx, notmnist
from denoise.datasets.base import BrokenData, MissingData
from denoise.registry import UnknownName

ALWAYS_THERE = ["glyphs", "photos"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Decoded archives of these tests are not kept in the user's cache."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


def splits(name, root=None):
    return {split: datasets.load(name, split, root) for split in datasets.SPLITS}


@pytest.mark.parametrize("name", ALWAYS_THERE)
def test_some_sets_need_neither_network_nor_files(name, no_network, tmp_path):
    for pictures in splits(name, tmp_path).values():
        assert len(pictures) > 0
        assert all(image.dtype == torch.uint8 and image.ndim == 3 for image in pictures)


@pytest.mark.parametrize("name", ALWAYS_THERE)
def test_keys_are_unique_over_all_splits_and_the_same_each_time(name):
    keys = [key for pictures in splits(name).values() for key in pictures.keys]
    assert len(set(keys)) == len(keys)
    assert keys == [key for pictures in splits(name).values() for key in pictures.keys]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_mnist_is_split_55000_5000_10000(real, name):
    parts = splits(name, real(name))
    assert {split: len(part) for split, part in parts.items()} == {"train": 55_000, "val": 5_000, "test": 10_000}
    assert parts["val"].keys[0] == "train/55000"
    assert parts["test"].images.shape == (10_000, 1, 28, 28)


def test_mnist_labels_are_those_of_the_pictures(real):
    assert datasets.load("mnist", "test", real("mnist")).labels[:5] == ("7", "2", "1", "0", "4")


def test_an_idx_file_of_the_wrong_length_is_named_with_what_was_expected(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file, size in idx.FILES.items():
        (raw / file).write_bytes(bytes(100 if file.startswith("t10k-images") else size))
    with pytest.raises(BrokenData, match=r"t10k-images-idx3-ubyte has 100 bytes, 7,840,016 expected"):
        datasets.load("mnist", "test", tmp_path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "train-images-idx3-ubyte"),
        ("fashion_mnist", "t10k-labels-idx1-ubyte"),
        ("notmnist", "notMNIST_small.tar.gz"),
        ("notmnist_large", "notMNIST_large.tar.gz"),
    ],
)
def test_missing_data_without_a_network_says_where_to_put_it_and_leaves_nothing(name, file, no_network, tmp_path):
    with pytest.raises(MissingData, match=f"put .*{file}.* into {tmp_path}.*--data-root or DENOISE_DATA"):
        datasets.load(name, "test", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_download_that_breaks_off_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *arguments, **options: io.BytesIO(b"half of it"))
    with pytest.raises(MissingData, match=r"10 bytes came, 8,458,043 expected"):
        datasets.load("notmnist", "test", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.fixture
def archive(tmp_path):
    """A small archive in the layout of notMNIST: 40 fonts, two duplicates, one empty file, one of another size."""
    rng = np.random.default_rng(0)
    files = {}
    for font in range(40):
        for letter in "AB":
            files[f"{letter}/font{font}"] = png(rng.integers(0, 256, (28, 28), dtype=np.uint8))
    files["A/copy1"] = files["A/copy2"] = files["A/font0"]
    files["B/empty"], files["B/large"] = b"", png(np.zeros((30, 30), np.uint8))
    path = tmp_path / "notMNIST" / "notMNIST_small.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as target:
        for name, data in files.items():
            member = tarfile.TarInfo(f"notMNIST_small/{name}.png")
            member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return path


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "png")
    return buffer.getvalue()


def test_unreadable_files_are_skipped_and_duplicates_removed_and_both_are_counted(archive):
    parts = splits("notmnist", archive.parent.parent)
    assert parts["train"].notes == {"files": 84, "unreadable": 2, "duplicates": 2, "fonts": 42}
    assert sum(len(part) for part in parts.values()) == 80


def test_notmnist_is_split_by_font(archive):
    fonts = [
        {key.partition("/")[2] for key in part.keys} for part in splits("notmnist", archive.parent.parent).values()
    ]
    assert all(fonts)
    assert sum(map(len, fonts)) == len(set.union(*fonts))


def test_a_second_reading_comes_from_the_cache_and_is_the_same(archive, monkeypatch):
    first = datasets.load("notmnist", "train", archive.parent.parent)
    monkeypatch.setattr(notmnist, "_read", lambda *arguments: pytest.fail("the archive was read again"))
    second = datasets.load("notmnist", "train", archive.parent.parent)
    assert torch.equal(first.images, second.images)
    assert first.keys == second.keys


def test_a_broken_cache_is_made_anew(archive, tmp_path):
    first = datasets.load("notmnist", "train", archive.parent.parent)
    (cache,) = (tmp_path / "cache").rglob("*.safetensors")
    cache.write_bytes(b"half")
    assert torch.equal(first.images, datasets.load("notmnist", "train", archive.parent.parent).images)


@pytest.mark.parametrize("kept", [0.5, 0.99, 0])
def test_a_truncated_archive_is_named_with_what_was_expected(archive, kept):
    archive.write_bytes(archive.read_bytes()[: int(kept * archive.stat().st_size)])
    with pytest.raises(BrokenData, match=r"notMNIST_small.tar.gz (breaks off after .* of 18,726|holds no readable)"):
        datasets.load("notmnist", "train", archive.parent.parent)


def test_the_real_archive_holds_what_its_readme_says(real):
    parts = splits("notmnist", real("notmnist"))
    assert parts["test"].notes == {"files": 18_726, "unreadable": 2, "duplicates": 492, "fonts": 1_873}
    assert {split: len(part) for split, part in parts.items()} == {"train": 14_539, "val": 1_904, "test": 1_789}
    pixels = [{image.numpy().tobytes() for image in part.images} for part in parts.values()]
    assert len(set.union(*pixels)) == 18_232


@pytest.mark.parametrize("split", datasets.SPLITS)
def test_glyphs_are_bright_letters_on_black_that_fill_their_box(split):
    pictures = datasets.load("glyphs", split)
    assert set(pictures.labels) == set("ABCDEFGHIJ")
    for image in pictures:
        rows, columns = np.nonzero(image[0].numpy())
        assert max(np.ptp(rows), np.ptp(columns)) >= 26
        assert image.max() > 200


def test_every_font_of_glyphs_draws_ten_different_letters():
    for pictures in splits("glyphs").values():
        for first in range(0, len(pictures), 10):
            assert len({image.numpy().tobytes() for image in pictures.images[first : first + 10]}) == 10


def test_photographs_are_gray_or_colour_and_of_different_sizes():
    pictures = datasets.load("photos", "train")
    assert {image.shape[0] for image in pictures} == {1, 3}
    assert len({image.shape for image in pictures}) > 3


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


def test_a_folder_with_named_splits_is_taken_at_its_word(tmp_path):
    for count, split in enumerate(datasets.SPLITS, start=1):
        (tmp_path / split).mkdir()
        for i in range(count):
            Image.new("L", (5, 5)).save(tmp_path / split / f"{i}.png")
    assert [len(part) for part in splits(f"folder:{tmp_path}").values()] == [1, 2, 3]


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


def test_an_unknown_dataset_is_answered_with_the_valid_ones():
    with pytest.raises(UnknownName, match="unknown dataset 'minst' .*valid: mnist, fashion_mnist, notmnist"):
        datasets.load("minst", "train")


def test_an_unknown_split_is_answered_with_the_valid_ones():
    with pytest.raises(ValueError, match="unknown split 'dev'; valid: train, val, test"):
        datasets.load("glyphs", "dev")


def test_the_data_root_is_the_one_given_else_the_environments_else_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("DENOISE_DATA", str(tmp_path / "environment"))
    assert base.data_root(tmp_path / "given") == tmp_path / "given"
    assert base.data_root() == tmp_path / "environment"
    monkeypatch.delenv("DENOISE_DATA")
    assert base.data_root() == tmp_path / "cache" / "data"


def test_pictures_of_one_size_are_batched_together():
    sizes = [tuple(clean.shape) for clean, _ in datasets.load("photos", "test").batches(8)]
    assert sizes == [(1, 1, 512, 512), (1, 3, 400, 600), (1, 1, 512, 512)]
    assert [len(keys) for _, keys in datasets.load("glyphs", "test").batches(25)] == [25, 25, 10]
