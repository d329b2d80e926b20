import gzip
import io
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import safetensors.torch
import torch
from PIL import Image
from shared_data import png_that_claims, splits

from denoise import datasets
from denoise.datasets import base, glyphs, mnist, notmnist
from denoise.datasets.base import BrokenData, MissingData
from denoise.registry import UnknownName

ALWAYS_THERE = ["glyphs", "photos"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep decoded archives of these tests out of the user's cache."""
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


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


def test_every_dataset_states_its_license_and_the_page_lists_it():
    page = (Path(__file__).parents[3] / "docs" / "train.md").read_text()
    for entry in datasets.DATASETS:
        assert f"| {entry.label} (`{entry.name}`) | {entry.facts['license']} |" in page


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_mnist_is_split_55000_5000_10000(real, name):
    parts = splits(name, real(name))
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 55_000,
        "val": 5_000,
        "test": 10_000,
    }
    assert parts["val"].keys[0] == "train/55000"
    assert parts["test"].images.shape == (10_000, 1, 28, 28)


def test_mnist_labels_are_those_of_the_pictures(real):
    assert datasets.load("mnist", "test", real("mnist")).labels[:5] == ("7", "2", "1", "0", "4")


def test_an_idx_file_of_the_wrong_length_is_named_with_what_was_expected(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file, size in mnist.FILES.items():
        (raw / file).write_bytes(bytes(100 if file.startswith("t10k-images") else size))
    with pytest.raises(
        BrokenData, match=r"t10k-images-idx3-ubyte has 100 bytes, 7,840,016 expected"
    ):
        datasets.load("mnist", "test", tmp_path)


@pytest.mark.parametrize(
    ("file", "at", "wrong"),
    [
        ("t10k-images-idx3-ubyte", 3, 1),
        ("t10k-labels-idx1-ubyte", 2, 0),
        ("t10k-labels-idx1-ubyte", 9, 10),
    ],
)
def test_an_idx_file_that_holds_something_else_is_named(tmp_path, file, at, wrong):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, size in mnist.FILES.items():
        whole = bytearray(size)
        whole[:4] = mnist.MAGIC[name.split("-")[1]]
        if name == file:
            whole[at] = wrong
        (raw / name).write_bytes(whole)
    with pytest.raises(
        BrokenData, match=f"{file} does not hold .* in IDX format: remove it to download it again"
    ):
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
def test_missing_data_without_a_network_says_where_to_put_it_and_leaves_nothing(
    name, file, no_network, tmp_path
):
    with pytest.raises(
        MissingData, match=f"put .*{file}.* into {tmp_path}.*--data-root or DENOISE_DATA"
    ):
        datasets.load(name, "test", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_download_that_breaks_off_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(
        urllib.request, "urlopen", lambda *arguments, **options: io.BytesIO(b"half of it")
    )
    with pytest.raises(MissingData, match=r"10 bytes received, 8,458,043 expected"):
        datasets.load("notmnist", "test", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.fixture
def archive(tmp_path):
    """Return a small archive in the layout of notMNIST.

    It has 40 fonts, two duplicates, an empty file and an image of another size.
    """
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
        {key.partition("/")[2] for key in part.keys}
        for part in splits("notmnist", archive.parent.parent).values()
    ]
    assert all(fonts)
    assert sum(map(len, fonts)) == len(set.union(*fonts))


def test_a_second_reading_comes_from_the_cache_and_is_the_same(archive, monkeypatch):
    first = datasets.load("notmnist", "train", archive.parent.parent)
    monkeypatch.setattr(
        notmnist, "_read", lambda *arguments: pytest.fail("the archive was read again")
    )
    second = datasets.load("notmnist", "train", archive.parent.parent)
    assert torch.equal(first.images, second.images)
    assert first.keys == second.keys


FOREIGN = safetensors.torch.save({"images": torch.zeros(3)})


@pytest.mark.parametrize("content", [b"", b"half", FOREIGN], ids=["empty", "cut", "foreign"])
def test_a_broken_cache_is_made_anew(archive, tmp_path, content):
    first = datasets.load("notmnist", "train", archive.parent.parent)
    (cache,) = (tmp_path / "cache").rglob("*.safetensors")
    cache.write_bytes(content)
    assert torch.equal(
        first.images, datasets.load("notmnist", "train", archive.parent.parent).images
    )


@pytest.mark.parametrize("kept", [0.5, 0.99, 0])
def test_a_truncated_archive_is_named_with_what_was_expected(archive, kept):
    archive.write_bytes(archive.read_bytes()[: int(kept * archive.stat().st_size)])
    with pytest.raises(
        BrokenData, match=r"_small.tar.gz (is truncated after .* of 18,726|holds no readable)"
    ):
        datasets.load("notmnist", "train", archive.parent.parent)


def test_an_archive_cut_anywhere_is_refused(archive):
    whole = archive.read_bytes()
    for kept in range(0, len(whole), len(whole) // 150):
        archive.write_bytes(whole[:kept])
        with pytest.raises(BrokenData):
            notmnist._read(archive, notmnist.SMALL)


def test_an_archive_packed_from_a_cut_tar_is_refused(archive):
    whole = gzip.decompress(archive.read_bytes())
    with tarfile.open(archive) as members:
        second_header = members.getmembers()[1].offset
    for kept in (second_header, second_header + 100):
        archive.write_bytes(gzip.compress(whole[:kept]))
        with pytest.raises(BrokenData, match="is truncated after 1 of 18,726 images .no end mark"):
            datasets.load("notmnist", "train", archive.parent.parent)


def test_an_archive_with_a_changed_byte_is_refused(archive):
    damaged = bytearray(archive.read_bytes())
    damaged[len(damaged) // 2] ^= 0x40
    archive.write_bytes(damaged)
    with pytest.raises(BrokenData, match=r"notMNIST_small.tar.gz"):
        datasets.load("notmnist", "train", archive.parent.parent)


def test_a_picture_in_an_archive_that_claims_to_be_huge_counts_as_unreadable():
    assert notmnist._image(png_that_claims(60_000, 60_000)) is None


@pytest.mark.slow
def test_the_real_archive_holds_what_its_readme_says(real):
    parts = splits("notmnist", real("notmnist"))
    assert parts["test"].notes == {
        "files": 18_726,
        "unreadable": 2,
        "duplicates": 492,
        "fonts": 1_873,
    }
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 14_539,
        "val": 1_904,
        "test": 1_789,
    }
    pixels = [{image.numpy().tobytes() for image in part.images} for part in parts.values()]
    assert sum(map(len, pixels)) == len(set.union(*pixels)) == 18_232
    fonts = [{key.partition("/")[2] for key in part.keys} for part in parts.values()]
    assert sum(map(len, fonts)) == len(set.union(*fonts))


def touches_all_sides(picture):
    return all(edge.any() for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]))


@pytest.mark.slow
def test_notmnist_stretches_its_letters_to_the_box(real):
    images = datasets.load("notmnist", "test", real("notmnist")).images[:, 0]
    assert sum(map(touches_all_sides, images)) > 0.99 * len(images)


@pytest.mark.parametrize("split", datasets.SPLITS)
def test_glyphs_are_bright_letters_on_black_stretched_to_the_box_as_notmnist_does(split):
    pictures = datasets.load("glyphs", split)
    assert set(pictures.labels) == set("ABCDEFGHIJ")
    for image in pictures:
        assert touches_all_sides(image[0])
        assert image.max() > 200


def test_no_two_glyphs_are_the_same_picture():
    pixels = [
        image.numpy().tobytes() for pictures in splits("glyphs").values() for image in pictures
    ]
    assert len(pixels) == len(set(pixels))


def test_of_glyphs_only_the_bare_bars_that_would_be_white_squares_are_left_out():
    keys = {key for pictures in splits("glyphs").values() for key in pictures.keys}
    fonts = {key.partition("/")[0] for key in keys}
    left_out = {f"{font}/{letter}" for font in fonts for letter in glyphs.LETTERS} - keys
    assert left_out == {"DejaVuSans/I", "DejaVuSans-Bold/I", "cmss10/I"}


def test_an_unknown_dataset_is_answered_with_the_valid_ones():
    with pytest.raises(
        UnknownName, match="unknown dataset 'minst' .*valid: mnist, fashion_mnist, notmnist"
    ):
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
    assert [len(keys) for _, keys in datasets.load("glyphs", "test").batches(25)] == [25, 25, 9]


def test_a_part_of_a_split_is_spread_over_all_that_it_shows(archive):
    whole = datasets.load("notmnist", "train", archive.parent.parent)
    part = whole.spread(10)
    assert len(part) == 10
    assert set(part.labels) == {"A", "B"}
    assert set(part.keys) <= set(whole.keys)
    assert whole.spread(None) is whole.spread(10_000) is whole
