"""Image files: bit depth, alpha, orientation and color profile are kept.

Files that are no image are rejected early.
"""

import numpy as np
import pytest
from PIL import Image, ImageCms

from denoise.images import image_files

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(
        0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True
    )


def saved(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def again(path, target):
    image_files.write(image_files.read(path), target)
    return image_files.read(target)


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_formats_keep_every_bit_and_alpha(tmp_path, ending, channels, dtype):
    pixels = noise(21, 34, channels, dtype=dtype)
    made = image_files.PictureFile(pixels, channels in (2, 4), _spec(pixels))
    image_files.write(made, tmp_path / f"a{ending}")
    found = again(tmp_path / f"a{ending}", tmp_path / f"b{ending}")
    assert found.pixels.dtype == dtype
    assert np.array_equal(found.pixels, pixels)
    assert found.alpha == (channels in (2, 4))


def _spec(pixels):
    height, width, channels = pixels.shape
    return image_files.oiio.ImageSpec(
        width, height, channels, str(pixels.dtype).replace("float32", "float")
    )


def test_a_float_tiff_stays_one_and_becomes_16_bits_in_a_png(tmp_path):
    pixels = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8, 1)
    image_files.write(image_files.PictureFile(pixels, False, _spec(pixels)), tmp_path / "a.tif")
    assert np.array_equal(again(tmp_path / "a.tif", tmp_path / "b.tif").pixels, pixels)
    as_png = again(tmp_path / "a.tif", tmp_path / "c.png").pixels
    assert as_png.dtype == np.uint16
    np.testing.assert_allclose(as_png / 65535, pixels, atol=1e-5)


def test_16_bits_become_8_where_the_format_has_no_more(tmp_path):
    pixels = noise(8, 8, 3, dtype=np.uint16)
    image_files.write(image_files.PictureFile(pixels, False, _spec(pixels)), tmp_path / "a.png")
    found = again(tmp_path / "a.png", tmp_path / "b.bmp").pixels
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - pixels / 257).max() <= 0.5


@pytest.mark.parametrize("ending", [".png", ".tif", ".jpg", ".webp"])
def test_the_colour_profile_goes_along(tmp_path, ending):
    path = saved(tmp_path / "a.jpg", noise(16, 16, 3), icc_profile=PROFILE)
    again(path, tmp_path / f"b{ending}")
    with Image.open(tmp_path / f"b{ending}") as written:
        assert written.info["icc_profile"] == PROFILE


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_once(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", noise(5, 9, 3), exif=exif)
    found = again(path, tmp_path / "b.png").pixels
    with Image.open(path) as image, Image.open(tmp_path / "b.png") as written:
        from PIL import ImageOps

        assert np.array_equal(found, np.asarray(ImageOps.exif_transpose(image)))
        assert written.getexif().get(0x0112, 1) == 1


def test_what_the_camera_wrote_goes_along(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    again(saved(tmp_path / "a.jpg", noise(9, 9, 3), exif=exif), tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as written:
        assert written.getexif()[0x010F] == "A camera"


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("LA", 2), ("P", 3), ("RGB", 3), ("RGBA", 4)]
)
def test_any_png_is_read_as_gray_or_rgb(tmp_path, mode, channels):
    image = Image.fromarray(noise(20, 12, 3)).convert(mode)
    image.save(tmp_path / "a.png")
    found = image_files.read(tmp_path / "a.png")
    assert found.pixels.shape == (20, 12, channels)
    expected = np.asarray(image.convert("RGB" if mode == "P" else "L" if mode == "1" else mode))
    assert np.array_equal(found.pixels, expected.reshape(found.pixels.shape))


def test_cmyk_is_read_as_rgb(tmp_path):
    Image.new("CMYK", (20, 12), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    found = image_files.read(tmp_path / "a.jpg").pixels
    assert found.shape == (12, 20, 3)
    np.testing.assert_allclose(found[0, 0], (255, 0, 0), atol=3)


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.fromarray(noise(8, 8, 3, seed=seed)) for seed in range(3)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    for name in ("a.webp", "a.png"):
        found = image_files.read(tmp_path / name).pixels
        assert np.array_equal(found[..., :3], np.asarray(frames[0]))


def test_a_misnamed_picture_is_read_by_what_it_is(tmp_path):
    saved(tmp_path / "a.jpg", noise(7, 7, 3), format="PNG")
    assert np.array_equal(image_files.read(tmp_path / "a.jpg").pixels, noise(7, 7, 3))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an image (0 bytes)"),
        (b"hello" * 99, "not an image"),
        (b"%PDF-1.7", "a PDF, not an image"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, content, said):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match="a.png") as error:
        image_files.read(tmp_path / "a.png")
    assert said in str(error.value)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif", ".webp", ".bmp"])
def test_a_picture_that_was_cut_is_named(tmp_path, ending):
    path = saved(tmp_path / f"a{ending}", noise(64, 64, 3))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=f"a{ending}: (cannot be read as an image|not an image)"):
        image_files.read(path)


def test_a_huge_picture_is_refused_by_its_header(tmp_path):
    Image.new("L", (4000, 4000)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="4000x4000 exceeds 1,000,000 pixels"):
        image_files.read(tmp_path / "a.png", largest=1_000_000)


def test_transparency_is_not_lost_in_silence(tmp_path):
    path = saved(tmp_path / "a.png", noise(7, 7, 4))
    with pytest.raises(
        ValueError,
        match="b.jpg: .jpg files cannot hold the image's transparency; valid: .png .webp",
    ):
        again(path, tmp_path / "b.jpg")
    assert not (tmp_path / "b.jpg").exists()
