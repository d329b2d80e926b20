"""Inputs of the page: drawings, uploads, samples."""

import ast
import base64
import io
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from demo.compute import images, samples
from demo.guard import refusals
from demo.tabs import compare
from demo.widgets import drawing_pad
from denoise.images import image_files

PEAK = Path("/proc/self/clear_refs")


@pytest.mark.parametrize("dark", [True, False])
def test_a_drawing_is_turned_bright_and_centred_as_mnist_is(dark):
    drawing = np.full((280, 280), 255 if dark else 0, np.uint8)
    drawing[20:180, 200:230] = 0 if dark else 255
    digit = images.as_digit(drawing)
    assert digit.shape == (28, 28)
    rows, columns = np.nonzero(digit)
    assert np.ptp(rows) + 1 == 20
    assert abs(rows.mean() - 13.5) <= 1
    assert abs(columns.mean() - 13.5) <= 1


def test_the_pad_hands_over_its_pixels_as_they_are():
    drawing = (
        np.arange(drawing_pad.SIDE**2, dtype=np.uint32)
        .astype(np.uint8)
        .reshape(drawing_pad.SIDE, drawing_pad.SIDE)
    )
    assert np.array_equal(
        drawing_pad.read_pad(base64.b64encode(drawing.tobytes()).decode()), drawing
    )


@pytest.mark.parametrize("text", ["AAAA", "not base64", "é", 7, "data:image/png;base64,AAAA"])
def test_what_is_no_drawing_is_refused(text):
    with pytest.raises(gr.Error, match="drawing is incomplete"):
        drawing_pad.read_pad(text)


def test_a_blank_pad_changes_nothing_and_says_so(monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Info", said.append)
    for blank in (None, np.zeros((280, 280), np.uint8), np.full((280, 280), 255, np.uint8)):
        assert compare.draw(blank) == gr.skip()
    assert said == ["The pad is empty: draw a digit or a letter."] * 3


def test_an_upload_of_any_kind_becomes_gray_and_is_shrunk_to_what_stays_live(tmp_path):
    Image.new("RGBA", (1200, 300), (255, 0, 0, 128)).save(tmp_path / "wide.png")
    assert images.read_gray(str(tmp_path / "wide.png")).shape == (
        images.LARGEST_SIDE // 4,
        images.LARGEST_SIDE,
    )
    Image.new("L", (31, 17), 9).save(tmp_path / "small.png")
    assert np.array_equal(images.read_gray(str(tmp_path / "small.png")), np.full((17, 31), 9))


@pytest.mark.parametrize("kind", ["text", "empty", "huge", "film"])
def test_an_upload_that_cannot_be_used_is_refused_before_it_is_decoded(tmp_path, kind):
    path = tmp_path / "upload.png"
    if kind == "huge":
        Image.new("1", (13_000, 13_000)).save(path)
    elif kind == "film":
        path.write_bytes(b"\0\0\0\x18ftypmp42".ljust(99))
    else:
        path.write_bytes(b"text" if kind == "text" else b"")
    with pytest.raises(gr.Error, match="This image cannot be used") as refusal:
        images.read_gray(str(path))
    assert str(tmp_path) not in str(refusal.value)


def test_a_picture_that_is_no_file_is_refused():
    with pytest.raises(gr.Error, match="not an uploaded file"):
        images.read_gray(None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "unknown noise '<img src=x onerror=alert(1)>'",
            "Unknown noise '&lt;img src=x onerror=alert(1)&gt;'.",
        ),
        ('a & b, "c".', 'A &amp; b, "c".'),
        ("two\nlines\x1b[31m\u202e of it", "Two lines [31m of it."),
        ("/srv/page/tmp/ab12/photo.jpg: cut short", "Photo.jpg: cut short."),
        ("cut short (C:\\Users\\me\\photo.jpg)", "Cut short (photo.jpg)."),
        ("valid: .png .jpg, 1/2 and/or 3/4", "Valid: .png .jpg, 1/2 and/or 3/4."),
        ("", "The input cannot be used."),
    ],
)
def test_what_a_visitor_is_told_is_one_sentence_of_plain_text_without_a_path_of_the_server(
    text, said
):
    refused = refusals.refusal(ValueError(text))
    assert refused.message == said
    assert not refused.print_exception  # no traceback for the caller's mistake


def test_what_a_visitor_is_told_is_bounded_before_it_is_escaped():
    message = refusals.refusal("<" * 9_000).message
    assert message == "&lt;" * (refusals.LONGEST - 1) + "…."


def test_a_line_beside_the_page_is_plain_text_too(monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Info", said.append)
    refusals.tell("<b>done</b>")
    assert said == ["&lt;b&gt;done&lt;/b&gt;"]


def test_nothing_else_makes_what_a_visitor_is_told():
    makers = {"Error", "Info", "Warning", "Success"}
    found = [
        f"{file.name}:{node.lineno}"
        for file in sorted(Path(refusals.__file__).parents[1].rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in makers
        if isinstance(node.func.value, ast.Name) and node.func.value.id in ("gr", "gradio")
    ]
    assert {place.partition(":")[0] for place in found} == {"refusals.py"}
    assert len(found) == 2  # in `refusal` and in `tell`


def broken(ending):
    """Yield damaged files, and files that never were of their type."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, Image.registered_extensions()[ending])
    whole = buffer.getvalue()
    yield from (whole[: len(whole) // 2], whole[:30], whole[:8] + bytes(500), bytes(200), b"")


@pytest.mark.parametrize("ending", image_files.ENDINGS)
def test_no_error_of_a_file_tells_where_the_server_keeps_it(tmp_path, ending):
    told = []
    for number, content in enumerate(broken(ending)):
        path = tmp_path / f"photo{number}{ending}"
        path.write_bytes(content)
        try:
            images.read_gray(str(path))
        except gr.Error as error:
            told.append(error.message)
    assert len(told) >= 3
    assert not [message for message in told if "/" in message or "\\" in message]


def test_samples_are_there_without_any_data(monkeypatch, tmp_path):
    monkeypatch.setenv("DENOISE_DATA", str(tmp_path))
    offered = samples.samples.__wrapped__()
    assert len(offered) == len(samples.DIGITS) + len(samples.LETTERS)
    assert {sample.family for sample in offered} == {"mnist", "notmnist"}


def test_samples_that_need_no_data_come_first_so_that_the_gallery_only_grows():
    assert samples.samples()[: len(samples.rendered())] == samples.rendered()
    assert all(sample.rendered for sample in samples.rendered())


def test_real_samples_are_offered_where_the_data_is(monkeypatch, real):
    monkeypatch.setenv("DENOISE_DATA", str(real("mnist")))
    offered = samples.samples.__wrapped__()
    assert sum("(mnist)" in sample.label for sample in offered) == samples.REAL["mnist"]


def test_broken_data_costs_its_samples_and_not_the_page(monkeypatch, tmp_path):
    monkeypatch.setenv("DENOISE_DATA", str(tmp_path))
    for file in samples.datasets.DATASETS["mnist"].facts["files"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"cut short")
    assert not any("(mnist)" in sample.label for sample in samples.samples.__wrapped__())


@pytest.mark.skipif(
    not PEAK.exists(), reason="the peak of a process's memory is read as Linux tells it"
)
def test_a_small_file_that_would_be_a_huge_picture_costs_less_than_20_mb(tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (13_000, 13_000)).save(path)
    PEAK.write_text("5")  # resets the peak memory
    before = _peak()
    with pytest.raises(gr.Error, match="exceeds 4,000,000 pixels"):
        images.read_gray(str(path))
    assert _peak() - before < 20_000_000


def _peak():
    (line,) = (
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return 1024 * int(line.split()[1])
