"""TIFF samples: decoded to gray or RGB with white as the maximum, or rejected in one line."""

import io
import struct

import numpy as np
import pytest
from image_bytes import directory, field, noise, packed, saved, tiff
from PIL import Image

from denoise.images import image_files

GRAY = noise(9, 14)
DEEP = noise(9, 14, dtype=np.uint16)


def read(tmp_path, content):
    (tmp_path / "a.tif").write_bytes(content)
    return image_files.read(tmp_path / "a.tif")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "pixels", [GRAY, DEEP, (DEEP / 65_535).astype(np.float32)], ids=["uint8", "uint16", "float"]
)
def test_where_white_is_zero_it_is_turned_over(tmp_path, pixels, order):
    kind, top = (3, 1) if pixels.dtype.kind == "f" else (1, np.iinfo(pixels.dtype).max)
    data = (top - pixels).astype(pixels.dtype.newbyteorder(order)).tobytes()
    bits = pixels.dtype.itemsize * 8
    found = read(
        tmp_path, tiff(14, 9, bits, 0, data, order=order, t339=field(3, kind, order=order))
    )
    assert found.pixels.dtype == pixels.dtype
    np.testing.assert_allclose(found.pixels[..., 0], pixels, atol=1e-7 if kind == 3 else 0)


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize(
    ("bits", "dtype"), [(1, "uint8"), (2, "uint8"), (4, "uint8"), (12, "uint16"), (14, "uint16")]
)
def test_few_bits_are_spread_over_the_whole_range(tmp_path, bits, dtype, photometric):
    samples = np.random.default_rng(0).integers(0, 2**bits, (5, 11, 1))
    samples[0, :2, 0] = 0, 2**bits - 1
    found = read(tmp_path, tiff(11, 5, bits, photometric, b"".join(packed(samples, bits)))).pixels
    top = np.iinfo(dtype).max
    right = samples / (2**bits - 1) * top
    assert found.dtype == dtype
    np.testing.assert_allclose(found, right if photometric else top - right, atol=0.999)


@pytest.mark.parametrize("step", [256, 257])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_is_looked_up_whichever_way_its_numbers_were_widened(tmp_path, bits, step):
    colors = noise(3, 2**bits).astype(int)
    samples = np.arange(2**bits).reshape(1, -1, 1)
    content = tiff(
        2**bits,
        1,
        bits,
        3,
        packed(samples, bits)[0],
        t320=field(3, *(colors.ravel() * step).tolist()),
    )
    assert np.array_equal(read(tmp_path, content).pixels[0], colors.T)


def test_colors_that_were_multiplied_by_their_alpha_are_divided_by_it(tmp_path):
    data = np.array([[[50, 100, 0, 128], [7, 7, 7, 0], [255, 1, 30, 255]]], np.uint8)
    found = read(tmp_path, tiff(3, 1, 8, 2, data.tobytes(), samples=4, t338=field(3, 1)))
    assert found.alpha
    assert found.pixels.tolist() == [[[100, 199, 0, 128], [0, 0, 0, 0], [255, 1, 30, 255]]]


def test_other_alpha_leaves_colors_as_they_are_whatever_the_compression(tmp_path):
    flat = np.broadcast_to(np.array([80, 100, 80, 140], np.uint8), (16, 16, 4))
    for options in ({}, {"compression": "tiff_lzw"}, {"compression": "jpeg", "quality": 100}):
        found = read(tmp_path, saved(flat, "TIFF", **options))
        np.testing.assert_allclose(found.pixels, flat, atol=1)


@pytest.mark.parametrize(
    ("samples", "extra"), [(4, None), (4, field(3, 0)), (2, None), (5, field(3, 2, 0))]
)
def test_bands_that_are_neither_color_nor_alpha_are_refused(tmp_path, samples, extra):
    more = {} if extra is None else {"t338": extra}
    with pytest.raises(
        ValueError,
        match=f"a TIFF of {samples} channels, [12] of them neither color nor alpha; valid: ",
    ):
        read(
            tmp_path,
            tiff(2, 2, 8, 1 if samples == 2 else 2, bytes(4 * samples), samples=samples, **more),
        )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_inks_become_the_light_that_they_let_through_and_their_profile_is_dropped(tmp_path, dtype):
    top = np.iinfo(dtype).max
    inks = np.array(
        [[[0, 0, 0, 0], [top, 0, 0, 0], [0, 0, 0, top], [0, top // 5, top, top // 5 * 2]]], dtype
    )
    profile = (128).to_bytes(4, "big") + bytes(12) + b"CMYK" + bytes(16) + b"acsp" + bytes(88)
    content = tiff(4, 1, 8 * inks.itemsize, 5, inks.tobytes(), samples=4, t34675=field(7, *profile))
    found = read(tmp_path, content)
    right = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 0], [0.6, 0.48, 0]]) * top
    np.testing.assert_allclose(found.pixels[0], right, atol=0.51)
    assert found.metadata.icc == b""
    assert found.notes == ("CMYK was converted to RGB without an ICC profile",)


def test_inks_in_jpeg_strips_become_the_same_light(tmp_path):
    image = Image.new("CMYK", (16, 16), (0, 51, 255, 102))
    image.save(tmp_path / "a.tif", compression="jpeg", quality=100)
    found = image_files.read(tmp_path / "a.tif")
    np.testing.assert_allclose(found.pixels[0, 0], (153, 122, 0), atol=3)


@pytest.mark.parametrize(
    ("photometric", "bits", "numbers"),
    [
        (8, 8, [(255, 0, 0), (136, 0, 0), (138, 81, 70), (75, 68, 256 - 112)]),
        (9, 8, [(255, 128, 128), (136, 128, 128), (138, 209, 198), (75, 196, 16)]),
        (
            8,
            16,
            [
                (65_535, 0, 0),
                (34_952, 0, 0),
                (35_580, 20_687, 17_892),
                (19_379, 17_485, 65_536 - 28_680),
            ],
        ),
        (
            9,
            16,
            [
                (65_280, 2**15, 2**15),
                (34_816, 2**15, 2**15),
                (35_441, 53_455, 50_660),
                (19_303, 50_253, 4_088),
            ],
        ),
    ],
)
def test_cielab_becomes_srgb(tmp_path, photometric, bits, numbers):
    """Convert white, L* 53.33, and sRGB's red and blue.

    With the white of D50, red is (54.29, 80.81, 69.89) and blue is (29.57, 68.30, -112.03).
    """
    data = np.array(numbers, f"<u{bits // 8}").tobytes()
    found = (
        read(tmp_path, tiff(4, 1, bits, photometric, data, samples=3)).pixels[0]
        / (2**bits - 1)
        * 255
    )
    np.testing.assert_allclose(found[0], 255, atol=0.1)
    np.testing.assert_allclose(found[1], 127, atol=1)
    np.testing.assert_allclose(found[2], (255, 0, 0), atol=12 if bits == 8 else 1)
    np.testing.assert_allclose(found[3], (0, 0, 255), atol=12 if bits == 8 else 1)


@pytest.mark.parametrize("pair", [(1, 1), (2, 1), (2, 2)])
def test_ycbcr_becomes_rgb_whatever_its_subsampling(tmp_path, pair):
    across, down = pair
    blocks = [[50, 90], [120, 200]]
    data = b"".join(bytes([luma] * (across * down) + [100, 160]) for row in blocks for luma in row)
    content = tiff(2 * across, 2 * down, 8, 6, data, samples=3, t530=field(3, *pair))
    luma = np.kron(blocks, np.ones((down, across)))
    right = np.dstack([luma + 1.402 * 32, luma + 0.344136 * 28 - 0.714136 * 32, luma - 1.772 * 28])
    np.testing.assert_allclose(read(tmp_path, content).pixels, right.clip(0, 255), atol=1)


@pytest.mark.parametrize("dtype", [np.uint32, np.float16, np.float64])
def test_wide_numbers_become_floats(tmp_path, dtype):
    unit = np.linspace(0, 1, 12).reshape(2, 6)
    data = (unit * (2**32 - 1) if dtype == np.uint32 else unit).astype(dtype)
    kind = 1 if dtype == np.uint32 else 3
    found = read(tmp_path, tiff(6, 2, data.itemsize * 8, 1, data.tobytes(), t339=field(3, kind)))
    assert found.pixels.dtype == np.float32
    np.testing.assert_allclose(
        found.pixels[..., 0], unit, atol=1e-3 if dtype == np.float16 else 1e-6
    )


def test_a_single_row_that_the_decoder_would_invent_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match="64-bit floats with a single row cannot be read: save it with 32 bits"
    ):
        read(tmp_path, tiff(6, 1, 64, 1, np.ones(6).tobytes(), t339=field(3, 3)))


@pytest.mark.parametrize(
    ("bits", "kind", "said"),
    [
        (8, 2, "signed 8-bit integers"),
        (16, 2, "signed 16-bit integers"),
        (32, 2, "signed 32-bit integers"),
        (64, 1, "64 bits per sample"),
        (64, 6, "64 bits per sample"),
        (24, 3, "24 bits per sample"),
    ],
)
def test_numbers_without_a_known_white_are_refused(tmp_path, bits, kind, said):
    with pytest.raises(
        ValueError,
        match=f"a TIFF of {said}.*; valid: unsigned integers of 1 to 16 or 32 bits, floats",
    ):
        read(tmp_path, tiff(2, 2, bits, 1, bytes(bits), t339=field(3, kind)))


@pytest.mark.parametrize(
    ("photometric", "more", "said"),
    [
        (32803, {}, "a camera raw file"),
        (4, {}, "a TIFF of color space 4; valid: gray, RGB, CMYK"),
        (1, {"t50706": field(1, 1, 4, 0, 0)}, "a camera raw file"),
        (1, {"t254": field(4, 1)}, "a camera raw file"),
        (1, {"t259": field(3, 6)}, "the JPEG compression of 1992"),
    ],
)
def test_what_is_no_image_for_people_is_refused_by_name(tmp_path, photometric, more, said):
    with pytest.raises(ValueError, match=said):
        read(tmp_path, tiff(2, 2, 8, photometric, bytes(4), **more))


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.98])
@pytest.mark.parametrize(
    "options", [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}]
)
def test_a_tiff_that_is_cut_anywhere_is_refused(tmp_path, options, kept):
    content = saved(noise(64, 64, 3), "TIFF", **options)
    with pytest.raises(ValueError, match="cannot be read as an image: "):
        read(tmp_path, content[: int(len(content) * kept)])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_page_is_read_and_written_with_its_own_metadata(tmp_path, dtype):
    pages = [noise(9, 14, 3, dtype=dtype), noise(5, 6, 1, dtype=dtype), noise(7, 8, 4, dtype=dtype)]
    kept = [
        image_files.Metadata(resolution=image_files.Resolution(72 + n, 72 + n, "inch"))
        for n in range(3)
    ]
    made = [
        image_files.PictureFile(page, page.shape[-1] == 4, _spec(page), one)
        for page, one in zip(pages, kept, strict=True)
    ]
    image_files.write_pages(made, tmp_path / "a.tif")
    found = list(image_files.read_pages(tmp_path / "a.tif"))
    assert [page.metadata.resolution.x for page in found] == [72, 73, 74]
    for page, right in zip(found, pages, strict=True):
        assert np.array_equal(page.pixels, right)


def _spec(pixels):
    height, width, channels = pixels.shape
    return image_files.oiio.ImageSpec(width, height, channels, str(pixels.dtype))


def test_thumbnails_and_masks_are_no_pages(tmp_path):
    first = tiff(2, 2, 8, 1, bytes([1, 2, 3, 4]))
    second = {256: field(4, 1), 257: field(4, 1), 254: field(4, 1)}
    content = bytearray(first + directory(second, len(first)))
    struct.pack_into("<I", content, 8 + 2 + 9 * 12, len(first))
    (tmp_path / "a.tif").write_bytes(content)
    pages = image_files.read_pages(tmp_path / "a.tif")
    assert len(pages) == 1
    assert pages.first().notes == ("left out: 1 smaller versions or masks of the pages",)


def test_of_many_pages_the_first_is_read_with_a_note(tmp_path):
    pages = [Image.fromarray(noise(8, 8, seed=seed)) for seed in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    found = image_files.read(tmp_path / "a.tif")
    assert np.array_equal(found.pixels[..., 0], pages[0])
    assert found.notes == ("only the first of 3 images in the file was read",)


def test_a_page_that_is_damaged_is_found_when_its_turn_comes(tmp_path):
    pages = [Image.fromarray(noise(30, 30, seed=seed)) for seed in range(2)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    (tmp_path / "a.tif").write_bytes(buffer.getvalue()[:-100])
    images = iter(image_files.read_pages(tmp_path / "a.tif"))
    assert np.array_equal(next(images).pixels[..., 0], pages[0])
    with pytest.raises(
        ValueError, match="a.tif: cannot be read as an image: truncated, a strip or tile"
    ):
        next(images)
