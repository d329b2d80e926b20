"""Hostile files: an excessive header is rejected in one line, or its excess is not read."""

import functools
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from image_bytes import (
    behind_header,
    chunk,
    directory,
    exif,
    field,
    in_jpeg,
    iptc,
    noise,
    peak,
    png,
    saved,
    segment,
    tiff,
)
from PIL import Image

from denoise import datasets
from denoise.images import image_files

PEAK = Path("/proc/self/clear_refs")
PIXELS = noise(40, 56, 3)


@functools.cache
def bomb(megabytes):
    """Return a zlib stream of zeros, a thousandth of their size."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def huge_tile(across, down):
    """Return a TIFF of 16x16 pixels in a much larger tile."""
    more = {f"t{tag}": None for tag in (273, 278, 279)}
    data = zlib.compress(bytes(64))
    tile = {
        "t322": field(4, across),
        "t323": field(4, down),
        "t324": field(4, 146),
        "t325": field(4, len(data)),
    }
    return tiff(16, 16, 8, 1, data, **more, **tile, t259=field(3, 8))


def chained(count):
    """Return a TIFF of `count` pages that all show the same pixels."""
    content = tiff(2, 2, 8, 1, bytes(4))
    page = {tag: field(4, 2) for tag in (256, 257)} | {
        258: field(3, 8),
        262: field(3, 1),
        273: field(4, 8),
        279: field(4, 4),
    }
    size = len(directory(page, 0))
    pages = (
        directory(page, len(content) + n * size, following=len(content) + (n + 1) * size)
        for n in range(count)
    )
    whole = bytearray(content + b"".join(pages))
    struct.pack_into("<I", whole, 8 + 2 + 9 * 12, len(content))
    return bytes(whole)


def looped():
    content = bytearray(tiff(2, 2, 8, 1, bytes(4)))
    struct.pack_into("<I", content, 8 + 2 + 9 * 12, 8)
    return bytes(content)


def webp(width, height):
    body = (
        b"VP8X"
        + struct.pack("<II", 10, 0)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    body += saved(PIXELS, "WEBP", lossless=True)[12:]
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def bmp(width, height, compression=0):
    head = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, 8 if compression else 24, compression, 0, 0, 0, 0, 0
    )
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head + b"\0\2\xff\xff" * 9


def gif(width, height, frames=1):
    frame = b"\x2c" + struct.pack("<HHHH", 0, 0, width, height) + b"\0\2\2\x4c\1\0"
    return b"GIF89a" + struct.pack("<HH", 8, 8) + b"\x80\0\0" + bytes(6) + frame * frames + b"\x3b"


def scans(count):
    whole = saved(np.full((64, 64), 99, np.uint8), "JPEG", progressive=True)
    scan = segment(0xDA, bytes([1, 1, 0, 1, 63, 0x0D])) + b"\x55"
    return whole[: whole.index(b"\xff\xda")] + scan * count + b"\xff\xd9"


JPEG, PNG = saved(PIXELS, "JPEG"), png(PIXELS, 8, 2)
REFUSED = {
    "one tile of 6 GB": (
        lambda: huge_tile(80_000, 80_000),
        "tiles of 80,000x80,000; valid: at most 16,777,216 pixels",
    ),
    "a tile without a side": (lambda: huge_tile(0, 16), "tiles of 0x16"),
    "20,000 scans": (lambda: scans(20_000), "a JPEG of more than 100 scans"),
    "100,000 segments": (
        lambda: in_jpeg(JPEG[:2], *[(0xFE, b"")] * 100_000),
        "more than 10,000 segments",
    ),
    "a loop of directories": (looped, "directories that point at each other in a loop"),
    "10,001 directories": (lambda: chained(10_001), "more than 10,000 directories"),
    "a directory of 2,009 fields": (
        lambda: tiff(2, 2, 8, 1, bytes(4), **{f"t{1000 + n}": field(3, 0) for n in range(2_000)}),
        "a directory of 2,009 fields; at most 1,000 are read",
    ),
    "a field of 4 GB": (
        lambda: tiff(2, 2, 8, 1, bytes(4), t270=(2, 2**32 - 1, b"abcd")),
        "the field 270 runs past",
    ),
    "strips without end": (
        lambda: tiff(2, 2**24, 8, 1, bytes(4), t278=field(4, 1)),
        "exceeds 4,000,000 pixels",
    ),
    "missing strips": (
        lambda: tiff(2, 2**20, 8, 1, bytes(4), t278=field(4, 1)),
        "1 of the 1,048,576 strips or tiles",
    ),
    "a huge canvas": (
        lambda: webp(2**14, 2**14),
        "16384x16384 exceeds 4,000,000 pixels: crop or shrink it",
    ),
    "a canvas larger than its image": (
        lambda: webp(1900, 1900),
        "a WebP whose sizes differ between header and image",
    ),
    "a long BMP": (lambda: bmp(2000, 2000), "90 of the 12,000,054 bytes of the BMP"),
    "a wide BMP of skipped rows": (
        lambda: bmp(4_000_000, 1, 1),
        "a run-length encoded BMP, 4,000,000 pixels wide",
    ),
    "a frame far outside of its GIF": (
        lambda: gif(65_535, 65_535),
        "65535x65535 exceeds 4,000,000 pixels",
    ),
    "100,000 frames": (
        lambda: gif(8, 8, 100_000),
        "an animation of more than 10,000 frames; valid: at most 10,000",
    ),
    "100 MB behind the pixels": (
        lambda: PNG[:33] + chunk(b"IDAT", bomb(100)) + chunk(b"IEND", b""),
        "the PNG has more data than pixels",
    ),
}
READ = {
    "50,000 keywords": (
        lambda: in_jpeg(JPEG, *iptc(50_000, 6)),
        "IPTC of 550,000 bytes was left out: at most 250,000 are",
    ),
    "20,000 short keywords": (
        lambda: in_jpeg(JPEG, *iptc(20_000, 5)),
        "IPTC of 20,000 entries was left out: at most 1,000",
    ),
    "a comment of 10 MB": (
        lambda: in_jpeg(JPEG, *[(0xFE, bytes(65_000))] * 150),
        "text of 9,750,000 bytes was left out",
    ),
    "a text of 100 MB": (
        lambda: behind_header(PNG, (b"zTXt", b"a\0\0" + bomb(100))),
        "damaged or too large: text",
    ),
    "60 texts of 8 MB": (
        lambda: behind_header(PNG, *[(b"zTXt", b"a\0\0" + bomb(8))] * 60),
        "damaged or too large: text",
    ),
    "an iTXt of 100 MB": (
        lambda: behind_header(PNG, (b"iTXt", b"a\0\1\0\0\0" + bomb(100))),
        "or too large: text",
    ),
    "XMP of 100 MB": (
        lambda: behind_header(PNG, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb(100))),
        "damaged or too large: text",
    ),
    "a profile of 100 MB": (
        lambda: behind_header(PNG, (b"iCCP", b"a\0\0" + bomb(100))),
        "too large: ICC profile",
    ),
    "100,000 texts": (
        lambda: behind_header(PNG, *[(b"tEXt", b"a\0b")] * 100_000),
        "too large: more than 1,000 texts",
    ),
    "EXIF in a circle": (
        lambda: in_jpeg(
            JPEG, (0xE1, b"Exif\0\0" + exif({0x8769: field(4, 8), 0x8825: field(4, 8)}))
        ),
        "",
    ),
    "XMP 30,000 levels deep": (
        lambda: behind_header(
            PNG, (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<a>" * 30_000 + b"</a>" * 30_000)
        ),
        "",
    ),
}


def read(path, content):
    path.write_bytes(content)
    return image_files.read(path, 4_000_000)


@pytest.fixture
def cheap():
    """Limit the test to 60 MB of extra memory and a minute.

    A naive decoder would take gigabytes or more.
    """
    if not PEAK.exists():
        pytest.skip("the peak of a process's memory is read as Linux tells it")
    PEAK.write_text("5")  # resets the peak memory
    before, began = peak(), time.monotonic()
    yield
    assert peak() - before < 60_000_000
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_asks_for_too_much_is_refused_in_one_line(tmp_path, name, request):
    make, said = REFUSED[name]
    content = make()
    request.getfixturevalue("cheap")
    with pytest.raises(ValueError, match="a.bin: ") as error:
        read(tmp_path / "a.bin", content)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("name", READ)
def test_metadata_that_asks_for_too_much_is_left_out_and_the_image_is_read(tmp_path, name, request):
    make, said = READ[name]
    content = make()
    request.getfixturevalue("cheap")
    found = read(tmp_path / "a.bin", content)
    assert found.pixels.shape == PIXELS.shape
    assert said in " ".join(found.notes)
    assert len(found.notes) <= 2
    image_files.write(found, tmp_path / "b.png")
    assert (tmp_path / "b.png").stat().st_size < 300_000


def test_a_folder_of_hostile_files_is_read_without_them(tmp_path):
    (tmp_path / "test").mkdir()
    for name in ("one tile of 6 GB", "20,000 scans", "a loop of directories"):
        (tmp_path / "test" / f"{name}.png").write_bytes(REFUSED[name][0]())
    (tmp_path / "test" / "good.png").write_bytes(PNG)
    images = datasets.load(f"folder:{tmp_path}", "test")
    assert images.keys == ("test/good.png",)
    assert images.notes == {"unreadable": 3}


def test_of_a_file_with_pages_a_folder_takes_the_first_and_counts_the_others(tmp_path):
    (tmp_path / "test").mkdir()
    pages = [Image.fromarray(noise(8, 8, seed=seed)) for seed in range(3)]
    pages[0].save(tmp_path / "test" / "scan.tif", save_all=True, append_images=pages[1:])
    images = datasets.load(f"folder:{tmp_path}", "test")
    assert np.array_equal(images[0][0], pages[0])
    assert images.notes == {"unreadable": 0, "further images of files": 2}
