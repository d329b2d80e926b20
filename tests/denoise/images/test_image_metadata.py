"""Image metadata: the bytes are copied in any encoding, or a note reports their loss."""

import itertools
import struct
import zlib

import numpy as np
import pytest
from image_bytes import (
    behind_header,
    directory,
    exif,
    field,
    in_jpeg,
    iptc,
    noise,
    png,
    saved,
    tiff,
)
from PIL import ImageCms

from denoise.images import exif as exif_block
from denoise.images import image_files
from denoise.images.ifd import Layout, read_directory
from denoise.images.metadata import Metadata, Resolution

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>Gr\xfc\xdfe "
    b"<tiff:Orientation>6</tiff:Orientation></x:xmpmeta>"
)
SHIFT_JIS = "日本語".encode("shift_jis")
CAMERA = {
    0x010F: field(2, *b"Acme\0"),
    0x013B: field(2, *b"J\xfcrgen\0"),
    0x8298: field(2, *SHIFT_JIS, 0),
    0x0131: field(2, *b"abc\0"),
}
INNER = {
    0x829A: field(5, 1, 125),
    0x8822: field(3, 2),
    0x8827: field(3, 400),
    0x9204: field(10, -1, 3),
    0x9207: field(3, 5),
    0x927C: field(7, *b"made by Acme, with offsets"),
    0xA001: field(3, 65_535),
    0xA405: field(3, 75),
}
PLACE = {0: field(1, 2, 3, 0, 0), 1: field(2, *b"N\0"), 2: field(5, 48, 1, 8, 1, 1234, 100)}
ENDINGS = (".jpg", ".png", ".webp", ".tif", ".avif")


def block(order="<", **more):
    """Return an EXIF block with a directory for EXIF and one for GPS."""
    orders = {
        tag: _ordered(value, order) for tag, value in {**CAMERA, **more.pop("first", {})}.items()
    }
    inner, place = (
        {tag: _ordered(value, order) for tag, value in tags.items()} for tags in (INNER, PLACE)
    )
    first = {**orders, 0x8769: field(4, 0, order=order), 0x8825: field(4, 0, order=order)}
    at = 8 + len(directory(first, 8, order))
    first[0x8769] = field(4, at, order=order)
    inner = directory(inner, at, order)
    first[0x8825] = field(4, at + len(inner), order=order)
    return exif(first, order) + inner + directory(place, at + len(inner), order)


def _ordered(value, order):
    type_, count, data = value
    width = {3: 2, 4: 4, 5: 4, 9: 4, 10: 4}.get(type_, 1)
    return (
        type_,
        count,
        data if order == "<" else np.frombuffer(data, f"<u{width}").astype(f">u{width}").tobytes(),
    )


def found_in(kept):
    """Return the fields of a block, as bytes in little-endian order."""
    tree = exif_block.take_apart(kept, "<")
    flat = {tag: field.data for tag, field in tree.items() if tag not in (0x8769, 0x8825)}
    for pointer in (0x8769, 0x8825):
        flat |= {(pointer, tag): field.data for tag, field in tree[pointer].items()}
    return flat


def image(kept, shape=(9, 14, 3)):
    pixels = noise(*shape)
    spec = image_files.oiio.ImageSpec(shape[1], shape[0], shape[2], "uint8")
    return image_files.PictureFile(pixels, shape[2] in (2, 4), spec, kept)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("source", "target"), itertools.product(ENDINGS, repeat=2))
def test_exif_goes_between_all_formats_with_every_type_and_byte(tmp_path, source, target, order):
    wanted = found_in(block(order))
    image_files.write(image(Metadata(exif=block(order), icc=ICC, xmp=XMP)), tmp_path / f"a{source}")
    first = image_files.read(tmp_path / f"a{source}")
    written = image_files.write(first, tmp_path / f"b{target}")
    kept = image_files.read(tmp_path / f"b{target}").metadata
    assert found_in(kept.exif) == wanted
    assert (kept.icc, kept.xmp) == (ICC, XMP)
    assert first.notes == written.notes == ()


@pytest.mark.parametrize(("source", "target"), itertools.product([*ENDINGS, ".bmp"], repeat=2))
@pytest.mark.parametrize(
    "resolution", [Resolution(300, 200, "inch"), Resolution(118, 79, "cm")], ids=["inch", "cm"]
)
def test_the_resolution_goes_between_all_formats(tmp_path, source, target, resolution):
    image_files.write(image(Metadata(resolution=resolution)), tmp_path / f"a{source}")
    image_files.write(image_files.read(tmp_path / f"a{source}"), tmp_path / f"b{target}")
    found = image_files.read(tmp_path / f"b{target}").metadata.resolution
    np.testing.assert_allclose(
        [float(value) for value in found.per(resolution.unit)], resolution[:2], rtol=1e-3
    )


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif"])
def test_pixels_that_are_not_square_stay_so(tmp_path, ending):
    image_files.write(
        image(Metadata(resolution=Resolution(2, 1, "aspect"))), tmp_path / f"a{ending}"
    )
    assert image_files.read(tmp_path / f"a{ending}").metadata.resolution == (2, 1, "aspect")


@pytest.mark.parametrize("dpi", [72, 96, 150, 300, 600, 1200])
def test_whole_numbers_an_inch_come_back_from_numbers_a_meter(dpi):
    assert Resolution(round(dpi / 0.0254), round(dpi / 0.0254), "meter").per("inch") == (dpi, dpi)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_image_on_its_side_is_turned_with_all_that_says_how_it_lies(tmp_path, ending):
    more = {
        0x0112: field(3, 6),
        282: field(5, 300, 1),
        283: field(5, 200, 1),
        296: field(3, 2),
        256: field(4, 14),
    }
    kept = block(first=more)
    jpeg = in_jpeg(
        saved(noise(9, 14, 3), "JPEG"),
        (0xE1, b"Exif\0\0" + kept),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
    )
    (tmp_path / "a.jpg").write_bytes(jpeg)
    first = image_files.read(tmp_path / "a.jpg")
    assert first.pixels.shape == (14, 9, 3)
    image_files.write(first, tmp_path / f"b{ending}")
    found = image_files.read(tmp_path / f"b{ending}")
    assert found.pixels.shape == (14, 9, 3)
    assert exif_block.orientation(found.metadata.exif) == 1
    assert found.metadata.resolution.per("inch") == (200, 300)
    assert b"<tiff:Orientation>1<" in found.metadata.xmp
    flat = found_in(found.metadata.exif)
    assert flat.get(256, struct.pack("<I", 9)) == struct.pack("<I", 9)


def test_the_thumbnail_of_the_noisy_image_is_removed(tmp_path):
    small = saved(noise(8, 8), "JPEG")
    at = len(exif(CAMERA))
    second = directory({513: field(4, at + 30), 514: field(4, len(small))}, at)
    whole = exif(CAMERA)[:8] + directory(CAMERA, 8, following=at) + second + small
    (tmp_path / "a.jpg").write_bytes(
        in_jpeg(saved(noise(9, 14, 3), "JPEG"), (0xE1, b"Exif\0\0" + whole))
    )
    kept = image_files.read(tmp_path / "a.jpg").metadata.exif
    assert small not in kept
    assert read_directory(kept, 8, Layout("<")).next == 0
    assert exif_block.take_apart(kept, "<")[0x010F].data == b"Acme\0"


@pytest.mark.parametrize(
    ("ending", "wanted"),
    [(".png", ((b"COM", b"Gr\xfc\xdfe"),)), (".jpg", ((b"COM", b"Gr\xfc\xdfe"),))],
)
def test_a_comment_is_carried_as_bytes(tmp_path, ending, wanted):
    (tmp_path / "a.jpg").write_bytes(
        in_jpeg(saved(noise(9, 14, 3), "JPEG"), (0xFE, b"Gr\xfc\xdfe"))
    )
    image_files.write(image_files.read(tmp_path / "a.jpg"), tmp_path / f"b{ending}")
    content = (tmp_path / f"b{ending}").read_bytes()
    assert b"Gr\xfc\xdfe" in content


def test_texts_of_a_png_stay_in_a_png_and_their_loss_elsewhere_is_said(tmp_path):
    texts = [
        (b"tEXt", b"Author\0J\xfcrgen"),
        (b"zTXt", b"Title\0\0" + zlib.compress(SHIFT_JIS)),
        (b"iTXt", b"Comment\0\0\0de\0\0\xff\xfe no UTF-8"),
    ]
    (tmp_path / "a.png").write_bytes(behind_header(png(noise(9, 14, 3), 8, 2), *texts))
    found = image_files.read(tmp_path / "a.png")
    assert image_files.write(found, tmp_path / "b.png").notes == ()
    assert image_files.read(tmp_path / "b.png").metadata.texts == tuple(texts)
    for ending, name in (
        (".jpg", "JPEG"),
        (".webp", "WebP"),
        (".tif", "TIFF"),
        (".bmp", "BMP"),
        (".avif", "AVIF"),
    ):
        said = image_files.write(found, tmp_path / f"b{ending}").notes
        assert said == (f"left out, as {name} files cannot hold it: text",)


@pytest.mark.parametrize(
    ("source", "target"), itertools.product([".jpg", ".png", ".tif"], repeat=2)
)
def test_iptc_goes_along_where_a_format_has_room_for_it(tmp_path, source, target):
    records = b"\x1c\x02\x19\0\6J\xfcrgen\x1c\x02\x50\0\3abc"
    image_files.write(image(Metadata(iptc=records)), tmp_path / f"a{source}")
    found = image_files.read(tmp_path / f"a{source}")
    assert image_files.write(found, tmp_path / f"b{target}").notes == ()
    assert image_files.read(tmp_path / f"b{target}").metadata.iptc == records
    assert image_files.write(found, tmp_path / "c.webp").notes == (
        "left out, as WebP files cannot hold it: IPTC",
    )


def test_what_a_bmp_has_no_room_for_is_said(tmp_path):
    kept = Metadata(exif=block(), icc=ICC, xmp=XMP, resolution=Resolution(300, 300, "inch"))
    said = image_files.write(image(kept), tmp_path / "a.bmp").notes
    assert said == ("left out, as BMP files cannot hold it: EXIF, ICC profile, XMP",)
    assert image_files.read(tmp_path / "a.bmp").metadata.resolution == (11_811, 11_811, "meter")


@pytest.mark.parametrize("size", [66_000, 3_000_000])
def test_metadata_too_large_for_a_jpeg_is_left_out_with_a_note(tmp_path, size):
    kept = Metadata(xmp=bytes(size), icc=size.to_bytes(4, "big") + ICC[4:] + bytes(size - len(ICC)))
    assert image_files.write(image(kept), tmp_path / "a.jpg").notes == (
        "left out, as JPEG files cannot hold it: XMP",
    )
    assert image_files.read(tmp_path / "a.jpg").metadata.icc == kept.icc


@pytest.mark.parametrize("space", [b"CMYK", b"GRAY", b"Lab "])
def test_a_profile_for_other_colors_is_not_kept(tmp_path, space):
    other = ICC[:16] + space + ICC[20:]
    said = image_files.write(image(Metadata(icc=other)), tmp_path / "a.png").notes
    assert said == ("left out, as PNG files cannot hold it: an ICC profile for other colors",)
    assert image_files.read(tmp_path / "a.png").metadata.icc == b""


def test_descriptive_fields_of_a_tiff_go_along_and_those_of_its_layout_do_not(tmp_path):
    place = struct.pack("<6d", 0, 0, 0, 7.5, 48.1, 0)
    more = {
        "t270": field(2, *b"Gr\xfcn\0"),
        "t33922": (12, 6, place),
        "t305": field(2, *b"scanner\0"),
        "t297": field(3, 0, 1),
    }
    (tmp_path / "a.tif").write_bytes(tiff(4, 2, 8, 0, bytes(8), **more))
    image_files.write(image_files.read(tmp_path / "a.tif"), tmp_path / "b.tif")
    kept = exif_block.take_apart(image_files.read(tmp_path / "b.tif").metadata.exif, "<")
    assert {tag: one.data for tag, one in kept.items()} == {
        270: b"Gr\xfcn\0", 33922: place, 305: b"scanner\0", 297: bytes((0, 0, 1, 0))
    }  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [b"", b"II*\0", b"II*\0\xff\xff\0\0", b"MM\0*\0\0\0\x08\xff\xff", b"nothing of the kind"],
)
def test_exif_that_cannot_be_read_is_left_out(tmp_path, broken):
    (tmp_path / "a.jpg").write_bytes(
        in_jpeg(saved(noise(9, 14, 3), "JPEG"), (0xE1, b"Exif\0\0" + broken))
    )
    found = image_files.read(tmp_path / "a.jpg")
    assert found.metadata.exif == b""
    assert found.notes == (("EXIF that cannot be read was left out",) if broken else ())


def test_exif_that_points_at_itself_is_read_once(tmp_path):
    kept = exif(
        {
            0x010F: field(2, *b"Acme\0"),
            0x8769: field(4, 8),
            0x8825: field(4, 8),
            0xA005: field(4, 8),
        }
    )
    (tmp_path / "a.jpg").write_bytes(
        in_jpeg(saved(noise(9, 14, 3), "JPEG"), (0xE1, b"Exif\0\0" + kept))
    )
    image_files.write(image_files.read(tmp_path / "a.jpg"), tmp_path / "b.tif")
    assert image_files.read(tmp_path / "b.tif").pixels.shape == (9, 14, 3)


def test_metadata_of_images_that_imagemagick_wrote_as_digits_is_found(tmp_path):
    def profile(name, content):
        return b"zTXt", b"Raw profile type %s\0\0" % name + zlib.compress(
            b"\n%s\n%8d\n%s\n" % (name, len(content), content.hex().encode())
        )

    records = iptc(1, 5)[0][1].removeprefix(b"Photoshop 3.0\0")
    content = behind_header(
        png(noise(9, 14, 3), 8, 2),
        profile(b"exif", b"Exif\0\0" + block(first={0x0112: field(3, 3)})),
        profile(b"iptc", records),
    )
    (tmp_path / "a.png").write_bytes(content)
    found = image_files.read(tmp_path / "a.png")
    assert np.array_equal(found.pixels, noise(9, 14, 3)[::-1, ::-1])
    assert found.metadata.iptc == b"\x1c\x02\x19\0\5" + b"00000"
    assert found_in(found.metadata.exif)[0x013B] == b"J\xfcrgen\0"


def test_the_gamma_of_a_png_stays_in_a_png_and_its_loss_elsewhere_is_said(tmp_path):
    linear = (b"gAMA", struct.pack(">I", 100_000))
    (tmp_path / "a.png").write_bytes(behind_header(png(noise(9, 14, 3), 8, 2), linear))
    found = image_files.read(tmp_path / "a.png")
    image_files.write(found, tmp_path / "b.png")
    assert image_files.read(tmp_path / "b.png").metadata.colors == (linear,)
    assert image_files.write(found, tmp_path / "b.jpg").notes == (
        "left out, as JPEG files cannot hold it: the gamma",
    )
