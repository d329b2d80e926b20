"""PNG of every type, WebP, BMP, GIF and AVIF: values, truncation and animations."""

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from image_bytes import behind_header, chunk, noise, png, saved
from PIL import Image

from denoise.images import image_files

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = [
    (0, 1),
    (0, 2),
    (0, 4),
    (0, 8),
    (0, 16),
    (2, 8),
    (2, 16),
    (3, 1),
    (3, 2),
    (3, 4),
    (3, 8),
    (4, 8),
    (4, 16),
    (6, 8),
    (6, 16),
]


def read(tmp_path, content, largest=10_000_000):
    (tmp_path / "a.png").write_bytes(content)
    return image_files.read(tmp_path / "a.png", largest)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize(("color", "bits"), KINDS)
def test_every_kind_of_png_comes_with_the_values_that_it_stands_for(
    tmp_path, color, bits, keyed, interlaced
):
    samples = np.random.default_rng(0).integers(0, 2**bits, (11, 13, SAMPLES[color]))
    top = 65_535 if bits == 16 else 255
    before, right = [], np.round(samples * (top / (2**bits - 1)))
    if color == 3:
        palette = noise(2**bits, 4)
        before = [(b"PLTE", palette[:, :3].tobytes())] + [
            (b"tRNS", palette[:, 3].tobytes())
        ] * keyed
        right = palette[samples[..., 0]][..., : 3 + keyed]
    elif keyed and color in (0, 2):
        key = samples[0, 0]
        before = [(b"tRNS", key.astype(">u2").tobytes())]
        right = np.concatenate(
            [right, np.where((samples == key).all(-1, keepdims=True), 0, top)], -1
        )
    found = read(tmp_path, png(samples, bits, color, *before, interlaced=interlaced))
    assert found.pixels.dtype == (np.uint16 if bits == 16 else np.uint8)
    assert np.array_equal(found.pixels, right)
    assert found.alpha == (right.shape[-1] in (2, 4))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kept", [0.4, 0.9, 0.98])
def test_a_png_with_too_few_pixels_is_refused_even_if_its_chunks_are_whole(tmp_path, bits, kept):
    whole = png(noise(20, 20, 3), bits, 2)
    at = whole.index(b"IDAT")
    data = whole[at + 4 : at + 4 + int.from_bytes(whole[at - 4 : at], "big")]
    rest = chunk(b"IEND", b"")
    for cut in (
        data[: int(len(data) * kept)],
        zlib.compress(zlib.decompress(data)[: int(1220 * kept)]),
    ):
        with pytest.raises(ValueError, match="a.png: cannot be read as an image: .*truncated"):
            read(tmp_path, whole[: at - 4] + chunk(b"IDAT", cut) + rest)


def test_a_png_without_its_end_is_whole_if_its_pixels_are(tmp_path):
    whole = png(noise(9, 9, 3), 8, 2)
    assert np.array_equal(read(tmp_path, whole[:-12] + b"\0\0").pixels, noise(9, 9, 3))


def test_a_chunk_that_was_changed_is_refused(tmp_path):
    whole = bytearray(png(noise(9, 9, 3), 8, 2))
    whole[60] ^= 1
    with pytest.raises(
        ValueError, match="damaged, wrong checksum of the chunk at byte 33 of the PNG"
    ):
        read(tmp_path, whole)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_small_png_that_claims_many_pixels_is_refused_before_they_get_memory(tmp_path, bits):
    header = struct.pack(">IIBBBBB", 3000, 3000, bits, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9)))
    )
    with pytest.raises(ValueError, match="truncated, 11 bytes for the pixels of the PNG"):
        read(tmp_path, content)


def animation(kind, pixels, **options):
    first, *rest = (Image.fromarray(one) for one in pixels)
    buffer = io.BytesIO()
    first.save(
        buffer, kind, save_all=True, append_images=rest, duration=[100, 200, 300], loop=3, **options
    )
    return buffer.getvalue()


@pytest.mark.parametrize(("source", "target"), itertools.product(["png", "webp"], repeat=2))
@pytest.mark.parametrize("channels", [3, 4])
def test_every_frame_of_an_animation_is_read_and_written_with_its_time(
    tmp_path, source, target, channels
):
    pixels = [
        noise(12, 16, channels, seed=seed) | ([0, 0, 0, 1] if channels == 4 else 0)
        for seed in range(3)
    ]
    pixels = [one.astype(np.uint8) for one in pixels]
    options = {"lossless": True, "exact": True} if source == "webp" else {}
    (tmp_path / f"a.{source}").write_bytes(animation(source, pixels, **options))
    image_files.write_pages(
        image_files.read_pages(tmp_path / f"a.{source}"), tmp_path / f"b.{target}"
    )
    pages = image_files.read_pages(tmp_path / f"b.{target}")
    assert len(pages) == 3
    for page, right, time in zip(pages, pixels, [100, 200, 300], strict=True):
        assert np.array_equal(page.pixels, right)
        assert (page.metadata.duration, page.metadata.loops) == (time, 3)


def test_a_gif_is_read_with_its_frames_and_their_times(tmp_path):
    pixels = [np.full((8, 8), value, np.uint8) for value in (10, 120, 250)]
    (tmp_path / "a.gif").write_bytes(animation("gif", pixels, comment=b"Gr\xfc\xdfe"))
    pages = list(image_files.read_pages(tmp_path / "a.gif"))
    assert [page.pixels[..., 0].tolist() for page in pages] == [one.tolist() for one in pixels]
    assert [page.metadata.duration for page in pages] == [100, 200, 300]
    assert pages[0].metadata.loops == 4  # repeated three more times
    assert pages[0].metadata.texts == ((b"COM", b"Gr\xfc\xdfe"),)


def test_the_still_image_beside_an_animation_is_no_frame(tmp_path):
    frames = [noise(8, 8, 3, seed=seed) for seed in range(4)]
    (tmp_path / "a.png").write_bytes(animation("png", frames, default_image=True))
    pages = list(image_files.read_pages(tmp_path / "a.png"))
    assert all(
        np.array_equal(page.pixels, right) for page, right in zip(pages, frames[1:], strict=True)
    )
    assert pages[0].notes == ("left out: the still image beside the animation",)


@pytest.mark.parametrize("ending", [".jpg", ".bmp"])
def test_what_holds_one_image_is_no_target_for_more(tmp_path, ending):
    (tmp_path / "a.png").write_bytes(
        animation("png", [noise(8, 8, 3, seed=seed) for seed in range(3)])
    )
    pages = image_files.read_pages(tmp_path / "a.png")
    said = "files cannot hold the 3 frames of the input; valid: .png .webp .tif .avif"
    with pytest.raises(ValueError, match=said):
        image_files.check_target(tmp_path / f"b{ending}", pages)
    with pytest.raises(ValueError, match="cannot hold the many frames"):
        image_files.write_pages(pages, tmp_path / f"b{ending}")
    assert not (tmp_path / f"b{ending}").exists()


def test_pages_become_no_frames(tmp_path):
    image_files.write_pages(
        [image_files.read(_file(tmp_path, seed)) for seed in (0, 1)], tmp_path / "a.tif"
    )
    pages = image_files.read_pages(tmp_path / "a.tif")
    with pytest.raises(
        ValueError, match="PNG files cannot hold the 2 pages of the input; valid: .tif"
    ):
        image_files.check_target(tmp_path / "b.png", pages)


def _file(folder, seed):
    path = folder / f"{seed}.png"
    path.write_bytes(saved(noise(8, 8, seed=seed), "PNG"))
    return path


@pytest.mark.parametrize(
    ("shape", "mode"), [((12, 16), "L"), ((12, 16, 3), "RGB"), ((12, 16, 4), "RGBA")]
)
def test_an_avif_is_read_and_written_with_its_channels(tmp_path, shape, mode):
    smooth = np.indices(shape).sum(0).astype(np.uint8) * 5
    (tmp_path / "a.avif").write_bytes(
        saved(smooth, "AVIF", quality=100, subsampling="4:4:4" if mode != "L" else "4:0:0")
    )
    found = image_files.read(tmp_path / "a.avif")
    np.testing.assert_allclose(found.pixels.astype(int).reshape(shape), smooth, atol=6)
    image_files.write(found, tmp_path / "b.avif")
    again = image_files.read(tmp_path / "b.avif")
    assert again.pixels.shape == found.pixels.shape
    np.testing.assert_allclose(again.pixels.astype(int), found.pixels, atol=12)


@pytest.mark.parametrize("kind", ["webp", "bmp", "gif", "avif"])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_a_file_of_another_kind_that_is_cut_is_refused(tmp_path, kind, kept):
    whole = saved(noise(40, 40, 3), kind)
    with pytest.raises(ValueError, match="a.png: cannot be read as an image: "):
        read(tmp_path, whole[: int(len(whole) * kept)])


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            "HEIC images cannot be read: save the image as PNG, JPEG or TIFF",
        ),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heix", "HEIC images cannot be read"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL images cannot be read"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000 images cannot be read"),
        (b"\0\0\0\x18ftypmp42", "a video, not an image"),
        (b"8BPS\0\1", "a Photoshop document, not an image"),
        (b"  <svg xmlns=", "an SVG drawing, not an image"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name(tmp_path, head, said):
    with pytest.raises(ValueError, match=f"a.png: {said}"):
        read(tmp_path, head.ljust(80, b"\0"))


def test_a_file_that_may_not_be_read_is_not_called_another_kind(tmp_path, monkeypatch):
    path = _file(tmp_path, 0)

    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", refused)
    with pytest.raises(ValueError, match=f"{path}: cannot be read: Permission denied"):
        image_files.read(path)
    with pytest.raises(ValueError, match=f"{tmp_path}: not a file"):
        image_files.read(tmp_path)


def test_a_png_goes_on_behind_chunks_that_nobody_knows(tmp_path):
    content = behind_header(png(noise(9, 9, 3), 8, 2), (b"caBX", bytes(99)), (b"vpAg", bytes(9)))
    assert np.array_equal(read(tmp_path, content).pixels, noise(9, 9, 3))
