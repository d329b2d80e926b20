"""JPEG files: data after the end of the image is ignored, and missing data is detected."""

import io

import numpy as np
import pytest
from image_bytes import in_jpeg, noise, saved, segment
from PIL import Image, ImageCms

from denoise.images import image_files

KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "full color": {"subsampling": 0},
    "restarts": {"restart_marker_rows": 1},
    "optimized": {"optimize": True},
}
TRAILERS = {
    "film": b"\0\0\0\x18ftypmp42" + b"...\xff\xda..." * 9,
    "zeros": bytes(64),
    "image": saved(noise(9, 9, 3, seed=5), "JPEG"),
    "marks": b"\xff\xd9\xff\xd8\xff\xc4\0\4ab\xff\xda\0\2" + bytes(range(256)),
}


def read(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)
    return image_files.read(tmp_path / "a.jpg")


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.fixture(params=KINDS)
def jpeg(request):
    return saved(noise(40, 56, 3), "JPEG", quality=92, **KINDS[request.param])


@pytest.mark.parametrize("trailer", TRAILERS)
def test_bytes_behind_the_end_change_no_pixel_and_are_counted(tmp_path, jpeg, trailer):
    found = read(tmp_path, jpeg + TRAILERS[trailer])
    assert np.array_equal(found.pixels, pixels(jpeg))
    assert found.notes == (f"left out: {len(TRAILERS[trailer])} bytes after the end of the JPEG",)


@pytest.mark.parametrize(
    "trailer", [b"", b"SEFH\xff\x00trailer SEFT", bytes(64), b"abc\xff\xe1\0\4ab"], ids=range(4)
)
def test_an_image_without_its_end_mark_is_whole_if_its_pixels_are(tmp_path, jpeg, trailer):
    assert np.array_equal(read(tmp_path, jpeg[:-2] + trailer).pixels, pixels(jpeg))


@pytest.mark.parametrize(
    "behind", [b"", b"\xff\xd9", bytes(500)], ids=["nothing", "end mark", "zeros"]
)
@pytest.mark.parametrize("kept", [0.5, 0.9, 0.97])
def test_an_image_that_is_cut_short_is_refused_whatever_stands_behind_the_cut(
    tmp_path, jpeg, kept, behind
):
    with pytest.raises(ValueError, match="a.jpg: cannot be read as an image: truncated, "):
        read(tmp_path, jpeg[: int(len(jpeg) * kept)] + behind)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_cut_at_a_restart_marker_is_noticed(tmp_path, progressive):
    whole = saved(noise(64, 64), "JPEG", restart_marker_rows=1, progressive=progressive)
    last = max(whole.rindex(bytes([0xFF, 0xD0 + number])) for number in range(7))
    with pytest.raises(ValueError, match="truncated, the last scan"):
        read(tmp_path, whole[:last] + b"\xff\xd9")


def test_a_progressive_image_without_its_last_scans_is_read_with_a_note(tmp_path):
    whole = saved(noise(40, 56, 3), "JPEG", progressive=True)
    found = read(tmp_path, whole[: whole.rindex(b"\xff\xda")] + b"\xff\xd9")
    assert found.notes == ("the JPEG ends before its last scan: fine detail is missing",)


def test_a_cut_within_the_metadata_is_refused(tmp_path):
    whole = in_jpeg(saved(noise(9, 9), "JPEG"), (0xE1, b"Exif\0\0" + bytes(500)))
    with pytest.raises(ValueError, match="truncated, a segment of the JPEG at byte"):
        read(tmp_path, whole[:300])


def test_a_jpeg_of_more_scans_than_encoders_make_is_refused_before_it_is_decoded(tmp_path):
    whole = saved(np.full((64, 64), 99, np.uint8), "JPEG", progressive=True)
    start = whole.index(b"\xff\xda")
    # coarse: no coefficient is ever finished
    scan = segment(0xDA, bytes([1, 1, 0, 1, 63, 0x0D])) + b"\x55"
    with pytest.raises(
        ValueError, match="a.jpg: a JPEG of more than 100 scans; valid: at most 100"
    ):
        read(tmp_path, whole[:start] + scan * 20_000 + b"\xff\xd9")


def test_a_jpeg_of_countless_segments_is_refused(tmp_path):
    whole = saved(noise(9, 9), "JPEG")
    with pytest.raises(ValueError, match="a JPEG of more than 10,000 segments"):
        read(tmp_path, in_jpeg(whole, *[(0xFE, b"")] * 20_000))


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        (4, 12, "a JPEG of 12 bits per sample; valid: 8"),
        (9, 2, "a JPEG of 2 channels; valid: gray, RGB and CMYK"),
        (5, 0xFF, "56x65320 exceeds 1,000,000 pixels: crop or shrink it"),
    ],
)
def test_a_frame_header_is_checked_before_anything_is_decoded(tmp_path, at, value, said):
    whole = bytearray(saved(noise(40, 56, 3), "JPEG"))
    whole[whole.index(b"\xff\xc0") + at] = value
    (tmp_path / "a.jpg").write_bytes(whole)
    with pytest.raises(ValueError, match=said):
        image_files.read(tmp_path / "a.jpg", 1_000_000)


def test_inks_are_converted_by_their_profile_if_it_is_one(tmp_path):
    """Check that a damaged profile counts as missing and is not kept with RGB.

    LittleCMS makes no profile for CMYK.
    """
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    damaged = icc[:16] + b"CMYK" + icc[20:]
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for profile in (icc, damaged):
        image.save(tmp_path / "a.jpg", quality=100, icc_profile=profile)
        found = image_files.read(tmp_path / "a.jpg")
        np.testing.assert_allclose(found.pixels[0, 0], (255, 0, 0), atol=3)
        assert found.metadata.icc == b""
        assert found.notes == ("CMYK was converted to RGB without an ICC profile",)
