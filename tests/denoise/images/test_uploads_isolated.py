"""Decoding of uploads in another process: equal results, and no harm from a failing decoder."""

import json
import os
import signal
import sys
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from image_bytes import exif, field, in_jpeg, noise, saved
from PIL import Image

from demo.compute import images
from denoise.images import image_files, isolated, transfer
from denoise.images.container import TooLarge
from denoise.images.metadata import Metadata, Resolution

pytestmark = pytest.mark.skipif(
    not isolated.AVAILABLE, reason="elsewhere uploads are decoded in the page's process"
)


@pytest.fixture(scope="module")
def shared():
    """Return one decoder process for the tests that do not harm the process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(isolated, "_idle", [])
        yield isolated
        _end(isolated._idle)


@pytest.fixture
def other(monkeypatch):
    """Return a function that replaces the decoder with a Python program."""
    monkeypatch.setattr(isolated, "_idle", [])

    def run(program):
        monkeypatch.setattr(isolated, "COMMAND", (sys.executable, "-c", program))

    yield run
    _end(isolated._idle)


def _end(processes):
    for process in processes:
        process.end()


def _answering(answer):
    return f"import os, sys; sys.stdin.readline(); print({answer}, flush=True); sys.stdin.read()"


@pytest.mark.parametrize(
    ("shape", "dtype"), [((9, 14, 1), np.uint8), ((9, 14, 4), np.uint16), ((9, 14, 3), np.float32)]
)
def test_an_upload_is_read_as_any_file(shared, tmp_path, shape, dtype):
    pixels = (
        np.random.default_rng(0).random(shape).astype(dtype)
        if dtype == np.float32
        else noise(*shape, dtype=dtype)
    )
    kept = Metadata(
        exif=exif({0x013B: field(2, *b"J\xfcrgen\0")}),
        xmp=b"<x>\xff</x>",
        resolution=Resolution(300, 200, "inch"),
    )
    spec = image_files.oiio.ImageSpec(
        14, 9, shape[2], str(pixels.dtype).replace("float32", "float")
    )
    path = tmp_path / ("a.tif" if dtype == np.float32 else "a.png")
    image_files.write(image_files.PictureFile(pixels, shape[2] == 4, spec, kept), path)
    found, right = shared.read(path, 1000), image_files.read(path)
    assert np.array_equal(found.pixels, pixels)
    assert found.pixels.dtype == pixels.dtype
    assert (found.alpha, found.metadata, found.notes) == (right.alpha, right.metadata, right.notes)
    assert str(found.spec.format) == str(right.spec.format)


def test_texts_and_notes_come_along(shared, tmp_path):
    (tmp_path / "a.jpg").write_bytes(
        in_jpeg(saved(noise(9, 14), "JPEG"), (0xFE, b"Gr\xfc\xdfe")) + bytes(7)
    )
    found = shared.read(str(tmp_path / "a.jpg"), 1000)
    assert found.metadata.texts == ((b"COM", b"Gr\xfc\xdfe"),)
    assert found.notes == ("left out: 7 bytes after the end of the JPEG",)


def test_refusals_are_those_of_any_file(shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(b"text")
    for path in (tmp_path / "a.png", "a.png", tmp_path / "no.png"):
        errors = []
        for read in (shared.read, image_files.read):
            with pytest.raises(ValueError, match=str(path)) as error:
                read(path, 1000)
            errors.append(str(error.value))
        assert errors[0] == errors[1]
    Image.new("L", (40, 40)).save("a.png")
    with pytest.raises(TooLarge, match="^a.png: 40x40 exceeds 1,000 pixels: crop or shrink it$"):
        shared.read("a.png", 1000)


def test_one_process_serves_many_uploads_and_is_replaced_when_it_was_killed(shared, tmp_path):
    Image.fromarray(noise(9, 14)).save(tmp_path / "a.png")
    shared.read(tmp_path / "a.png", 1000)
    (process,) = shared._idle
    first = process._running.pid
    shared.read(tmp_path / "a.png", 1000)
    assert process._running.pid == first
    os.kill(first, signal.SIGKILL)
    process._running.wait()
    assert np.array_equal(shared.read(tmp_path / "a.png", 1000).pixels[..., 0], noise(9, 14))
    assert process._running.pid != first


@pytest.mark.parametrize(
    "program",
    [
        "import os, sys; sys.stdin.readline(); os.abort()",
        "raise SystemExit(1)",
        _answering("'nonsense'"),
        _answering("'[1, 2]'"),
        _answering(repr(json.dumps({"shape": [1, 1, 1], "type": "object", "alpha": False}))),
        _answering(repr(json.dumps({"shape": [10**9, 10**9, 4], "type": "uint8", "alpha": False}))),
        (
            "import os, sys; sys.stdin.readline(); [os.write(1, bytes(10**6)) for _ in "
            "range(9)]; sys.stdin.read()"
        ),
    ],
    ids=[
        "aborts",
        "does not start",
        "nonsense",
        "a list",
        "another type",
        "a huge image",
        "no end",
    ],
)
def test_a_decoder_that_fails_is_one_sentence_and_its_process_is_ended(
    other, tmp_path, monkeypatch, program
):
    monkeypatch.setattr(transfer, "LARGEST_LINE", 1_000_000)
    other(program)
    with pytest.raises(
        ValueError, match="a.png: decoding failed: the file is damaged, or needs too much memory$"
    ):
        isolated.read(tmp_path / "a.png", 1000)
    (process,) = isolated._idle
    assert (process._running, process._folder) == (None, None)


def test_a_decoder_that_does_not_end_is_ended_and_the_next_upload_is_read(
    other, tmp_path, monkeypatch
):
    Image.fromarray(noise(9, 14)).save(tmp_path / "a.png")
    with monkeypatch.context() as patch:
        patch.setattr(isolated, "SECONDS", 0.5)
        patch.setattr(isolated, "A_MEGAPIXEL", 0)
        patch.setattr(isolated, "COMMAND", (sys.executable, "-c", "import time; time.sleep(600)"))
        with pytest.raises(
            gr.Error, match="This image cannot be used: decoding took more than 0 seconds"
        ):
            images.read_file(str(tmp_path / "a.png"))
    assert np.array_equal(images.read_file(str(tmp_path / "a.png")).pixels[..., 0], noise(9, 14))


def test_an_image_that_needs_more_memory_than_it_may_take_is_one_sentence(other, tmp_path):
    other(
        "from denoise.images import worker; worker.BASE, worker.A_PIXEL = 4_000_000, 0; "
        "worker.main()"
    )
    Image.new("RGB", (6000, 6000)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="a.png: decoding exceeds the memory limit of uploads$"):
        isolated.read(tmp_path / "a.png", 40_000_000)


def test_a_decoder_learns_no_secret(other, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    other(_answering("'{\"large\": false, \"error\": \"' + ' '.join(os.environ) + '\"}'"))
    with pytest.raises(ValueError, match="PYTHONPATH") as error:
        isolated.read(tmp_path / "a.png", 1000)
    assert "HF_TOKEN" not in str(error.value)


def test_without_limits_the_same_checks_hold_in_the_same_process(other, tmp_path, monkeypatch):
    monkeypatch.setattr(isolated, "AVAILABLE", False)
    other("raise SystemExit(1)")
    Image.fromarray(noise(9, 14)).save(tmp_path / "a.png")
    assert np.array_equal(isolated.read(tmp_path / "a.png", 1000).pixels[..., 0], noise(9, 14))
    with pytest.raises(TooLarge, match="14x9 exceeds 100 pixels"):
        isolated.read(tmp_path / "a.png", 100)
