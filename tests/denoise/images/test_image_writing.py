"""Atomic image writing for every format, even if the disk reports an error."""

import resource

import numpy as np
import pytest
from image_bytes import noise

from denoise.images import image_files, scratch

ENDINGS = (".png", ".jpg", ".webp", ".bmp", ".tif", ".avif")


def image(shape, dtype=np.uint8):
    pixels = noise(*shape, dtype=dtype)
    return image_files.PictureFile(
        pixels,
        shape[2] in (2, 4),
        image_files.oiio.ImageSpec(shape[1], shape[0], shape[2], str(pixels.dtype)),
    )


@pytest.fixture
def full_disk():
    """Limit the size of files to 8 kB; a system call reports the limit like a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path, full_disk, ending, dtype):
    target = tmp_path / f"b{ending}"
    target.write_bytes(b"old")
    with pytest.raises(ValueError, match=f"b{ending}: cannot be written: ") as error:
        image_files.write(image((200, 200, 3), dtype), target)
    assert len(str(error.value).splitlines()) == 1
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        (target.name, b"old")
    ]


@pytest.mark.parametrize("kept", [0.3, 0.95])
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_a_temporary_file_that_was_cut_without_an_error_is_noticed(
    tmp_path, monkeypatch, ending, kept
):
    whole = type(tmp_path).read_bytes
    monkeypatch.setattr(
        type(tmp_path), "read_bytes", lambda path: whole(path)[: int(path.stat().st_size * kept)]
    )
    with pytest.raises(OSError, match="a temporary file was truncated: is the disk of .* full?"):
        scratch.write([(noise(64, 64, 3, dtype=np.uint16), False)], ending)


def test_a_temporary_file_of_an_unknown_format_is_refused():
    with pytest.raises(OSError, match="format"):
        scratch.write([(noise(8, 8, 3, dtype=np.uint16), False)], ".nothing")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.gif", "GIF files cannot be written; valid: .png"),
        ("a.heic", "HEIC files cannot be written; valid: .png"),
        ("a.xyz", "the ending '.xyz' is no image format; valid: .png"),
        ("no/a.png", "the folder .* does not exist"),
    ],
)
def test_a_target_that_cannot_be_is_refused_by_name(tmp_path, name, said):
    with pytest.raises(ValueError, match=said):
        image_files.check_target(tmp_path / name)


@pytest.mark.parametrize(("ending", "side"), [(".webp", 16_384), (".jpg", 65_501)])
def test_an_image_too_long_for_its_format_is_refused(tmp_path, ending, side):
    with pytest.raises(
        ValueError, match=f"{side}x1; valid for .*: at most {side - 1:,} pixels per side"
    ):
        image_files.write(image((1, side, 1)), tmp_path / f"a{ending}")


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".apng", ".JPG"])
def test_other_endings_of_a_kind_are_read_and_written(tmp_path, ending):
    image_files.write(image((9, 14, 3)), tmp_path / f"a{ending}")
    assert image_files.read(tmp_path / f"a{ending}").pixels.shape == (9, 14, 3)
    assert image_files.below(tmp_path) == [tmp_path / f"a{ending}"]


def test_fewer_bits_are_said(tmp_path):
    said = image_files.write(image((9, 14, 3), np.uint16), tmp_path / "a.jpg").notes
    assert said == ("uint16 samples were written as uint8, the widest format of JPEG files",)
    assert image_files.write(image((9, 14, 3), np.uint16), tmp_path / "a.png").notes == ()
