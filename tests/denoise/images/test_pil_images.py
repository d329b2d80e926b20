"""PIL images: conversion of every mode, upright output, and metadata kept on saving."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from denoise.images import arrays
from denoise.images.pil import taken_apart

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
ORIENTATION, MAKE, EXPOSURE = 0x0112, 0x010F, 0x829A


def rgb(width=20, height=12):
    return Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    )


def again(image, format):
    file = io.BytesIO()
    image.save(file, format)
    return Image.open(io.BytesIO(file.getvalue()))


def unchanged(image):
    """Return the image after a network that is the identity."""
    batch, restore = arrays.as_batch(image)
    return restore(batch)


def shot(format, orientation):
    """Return a file as a camera writes it."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = orientation, "A camera"
    exif.get_ifd(0x8769)[EXPOSURE] = 0.01
    file = io.BytesIO()
    rgb().save(file, format, exif=exif, dpi=(300, 300), icc_profile=SRGB)
    return Image.open(io.BytesIO(file.getvalue()))


def of_mode(mode):
    image = rgb()
    before = {"La": "LA", "RGBa": "RGBA", "PA": "P"}.get(mode)
    if mode.startswith("I") or mode == "F":
        return Image.new(mode, image.size, 0.5 if mode == "F" else 3000)
    return (image.convert(before) if before else image).convert(mode)


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [
        *[(mode, mode) for mode in ("L", "LA", "RGB", "RGBA", "I;16", "I", "F")],
        *[
            ("1", "L"),
            ("La", "LA"),
            ("P", "RGB"),
            ("PA", "RGBA"),
            ("RGBa", "RGBA"),
            ("RGBX", "RGB"),
        ],
        *[
            ("CMYK", "RGB"),
            ("YCbCr", "RGB"),
            ("LAB", "RGB"),
            ("HSV", "RGB"),
            ("I;16B", "I;16"),
            ("I;16L", "I;16"),
        ],
    ],
)
def test_every_mode_becomes_pixels_and_comes_back(mode, becomes):
    image = of_mode(mode)
    image.info["dpi"] = (300, 300)
    out = unchanged(image)
    assert (out.mode, out.size, out.info["dpi"]) == (becomes, (20, 12), (300, 300))
    expected = image if mode in (becomes, "I;16B", "I;16L") else image.convert(becomes)
    np.testing.assert_allclose(np.asarray(out), np.asarray(expected), atol=1)


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_comes_back_upright_and_is_shown_so_after_saving(source, orientation):
    image = shot(source, orientation)
    expected = ImageOps.exif_transpose(shot(source, orientation)).convert("RGB")
    out = unchanged(image)
    assert np.array_equal(np.asarray(out), np.asarray(expected))
    for target in FORMATS:
        saved = again(out, target)
        assert saved.size == expected.size
        assert saved.getexif().get(ORIENTATION, 1) == 1


@pytest.mark.parametrize("target", FORMATS)
def test_profile_resolution_and_camera_are_saved_without_being_asked_for(target):
    saved = again(unchanged(shot("JPEG", 6)), target)
    assert saved.info["icc_profile"] == SRGB
    assert saved.getexif()[MAKE] == "A camera"
    assert saved.getexif().get_ifd(0x8769)[EXPOSURE] == 0.01
    if target != "WEBP":  # WebP has no field for the resolution
        assert saved.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_what_is_asked_for_when_saving_comes_first():
    file = io.BytesIO()
    unchanged(shot("JPEG", 1)).save(file, "JPEG", dpi=(72, 72), icc_profile=None, exif=b"")
    saved = Image.open(file)
    assert saved.info["dpi"] == (72, 72)
    assert "icc_profile" not in saved.info
    assert not saved.getexif()


def test_the_image_that_was_given_stays_as_it_was():
    image = shot("TIFF", 6)
    image.load()
    before = dict(image.getexif()), image.size, image.tobytes()
    unchanged(image)
    assert (dict(image.getexif()), image.size, image.tobytes()) == before


def test_one_transparent_color_becomes_alpha():
    image = Image.new("RGB", (4, 4), (10, 20, 30))
    image.putpixel((0, 0), (200, 0, 0))
    image.info["transparency"] = (10, 20, 30)
    out = unchanged(image)
    assert out.mode == "RGBA"
    assert np.asarray(out)[..., 3].tolist() == [[255, 0, 0, 0], *[[0, 0, 0, 0]] * 3]
    assert "transparency" not in out.info


def test_a_profile_of_cmyk_is_not_put_on_rgb():
    image = Image.new("CMYK", (4, 4), (0, 255, 255, 0))
    image.info["icc_profile"] = SRGB  # an RGB profile, which cannot be used for CMYK
    out = unchanged(image)
    assert out.getpixel((0, 0)) == (255, 0, 0)
    assert "icc_profile" not in out.info


@pytest.mark.parametrize("spoil", [b"", b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\0", b"hello"])
def test_broken_exif_data_harms_neither_the_pixels_nor_a_file(spoil):
    image = rgb()
    image.info["exif"] = spoil
    out = unchanged(image)
    assert np.array_equal(np.asarray(out), np.asarray(image))
    for format in FORMATS:
        assert again(out, format).size == image.size


def test_metadata_that_a_jpeg_cannot_hold_is_left_out_of_it():
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    image = rgb()
    image.info["exif"] = exif.tobytes()
    out = unchanged(image)
    assert not again(out, "JPEG").getexif()
    assert len(again(out, "PNG").getexif()[0x010E]) == 70_000


@pytest.mark.parametrize(("lowest", "highest"), [(0, 255), (0, 70_000), (-5, 3000)])
def test_mode_i_with_other_numbers_than_those_of_16_bits_is_refused(lowest, highest):
    image = Image.fromarray(np.array([[lowest, highest]], np.int32))
    with pytest.raises(
        ValueError, match=f"mode I has values {lowest} to {highest}; valid: 16 bits"
    ):
        taken_apart(image)


def test_a_resolution_that_is_no_number_is_left_out():
    image = rgb()
    image.info["dpi"] = (float("nan"), float("nan"))
    assert "dpi" not in again(unchanged(image), "JPEG").info
