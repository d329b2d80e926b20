"""Uploaded files: paths that a call may name, and the deletion of old files."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.data_classes import ImageData
from PIL import Image

from demo.compute import images
from demo.guard import uploads
from demo.tabs import photo

HOUR = 3_600


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Return an upload folder with one image; the parent folder holds another image."""
    folder = tmp_path / "own"
    (folder / "ab12").mkdir(parents=True)
    for place in (folder / "ab12", tmp_path):
        Image.new("L", (20, 20), 7).save(place / "image.png")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    monkeypatch.setattr(uploads, "folder", lambda: folder)
    return folder


def aged(path, seconds, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def outside(own):
    """Return values that are no paths of uploads: other files, missing files, other types."""
    (own / "link.png").symlink_to(own.parent / "image.png")
    (own.parent / "own-too").mkdir()
    Image.new("L", (20, 20)).save(own.parent / "own-too" / "image.png")
    return [
        str(own.parent / "image.png"),
        str(own.parent / "no-such-image.png"),
        str(own.parent / "own-too" / "image.png"),
        f"{own}/../image.png",
        f"{own}/ab12/../../image.png",
        str(own / "link.png"),
        str(own / "ab12"),
        str(own),
        f"{own}/",
        str(own / "ab12" / "gone.png"),
        "image.png",
        "/etc/hostname",
        "",
        f"{own}/ab12/image.png\0",
        "\0",
        "\ud800",
        f"{own}/\ud800.png",
        f"{own}/{'a' * 5_000}",
        "http://127.0.0.1:1/image.png",
        f"file://{own}/ab12/image.png",
        "data:image/png;base64,AAAA",
        None,
        7,
        True,
        [f"{own}/ab12/image.png"],
        {"path": f"{own}/ab12/image.png"},
    ]


def test_a_file_below_the_folder_is_an_upload_and_nothing_else_is(own):
    assert uploads.holds(str(own / "ab12" / "image.png"))
    assert [value for value in outside(own) if uploads.holds(value)] == []


def test_of_a_path_elsewhere_not_even_its_existence_is_asked(own, monkeypatch):
    asked = []

    def noted(ask):
        return lambda path, *rest, **more: asked.append(path) or ask(path, *rest, **more)

    for name in ("stat", "lstat", "readlink"):
        monkeypatch.setattr(os, name, noted(getattr(os, name)))
    uploads.holds("/etc/hostname")
    assert "/etc/hostname" not in map(str, asked)


@pytest.mark.parametrize("kind", [images.GrayImage, photo.Photograph])
def test_a_component_answers_every_other_path_with_the_same_sentence(own, kind):
    component = kind(render=False)
    assert component.preprocess(ImageData(path=str(own / "ab12" / "image.png"))) is not None
    said = set()
    for path in outside(own):
        with pytest.raises(gr.Error) as refused:
            component.preprocess(SimpleNamespace(path=path, url=None))
        said.add(refused.value.message)
    assert said == {"The image is not an uploaded file, or was deleted since: upload it again."}


def test_a_sweep_deletes_what_is_older_than_the_promise_and_leaves_the_rest(own):
    old = aged(own / "cd34" / "photo.jpg", uploads.OLDEST + 60)
    broken = aged(own / "tmpab12cd34", uploads.OLDEST + 60)  # leftover of a broken upload
    opening = aged(own / "ef56" / "sample.png", 5 * HOUR)
    new = aged(own / "ef56" / "photo.jpg", uploads.OLDEST - 60)
    uploads.sweep({str(opening)})
    assert not old.exists()
    assert not broken.exists()
    assert opening.exists()
    assert new.exists()


def test_nothing_outlives_the_hour_that_the_page_promises():
    assert uploads.OLDEST + uploads.EVERY < HOUR


def test_an_empty_folder_goes_only_after_the_time_of_an_upload(own):
    begun, left = own / "begun", own / "left"
    begun.mkdir()
    left.mkdir()
    os.utime(left, (time.time() - uploads.OLDEST - 60,) * 2)
    uploads.sweep()
    assert begun.exists()
    assert not left.exists()


def test_a_sweep_touches_nothing_outside_of_the_folder(own):
    beside = aged(own.parent / "beside.png", 9 * HOUR)
    (own / "link").symlink_to(own.parent)
    uploads.sweep(now=time.time() + 9 * HOUR)
    assert beside.exists()
    assert list(own.iterdir()) == []


def test_beyond_a_total_the_oldest_go_first(own, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST_FOLDER", 250)
    files = [aged(own / f"{minutes}.png", 60 * minutes, b"x" * 100) for minutes in (1, 2, 3, 4)]
    (own / "ab12" / "image.png").unlink()
    uploads.sweep()
    assert [file.exists() for file in files] == [True, True, False, False]


def test_a_sweep_removes_what_a_killed_page_left_beside(own):
    left = own.parent / f"{uploads.PREFIX}killed"
    left.mkdir()
    os.utime(left, (time.time() - 9 * HOUR,) * 2)
    uploads._sweep_of(SimpleNamespace(blocks={}, temp_file_sets=[]))
    assert not left.exists()


def test_gradio_forgets_the_paths_of_what_is_swept(own):
    old, new = aged(own / "old.png", 9 * HOUR), aged(own / "new.png", 1)
    known = {str(old), str(new)}
    uploads._sweep_of(SimpleNamespace(blocks={}, temp_file_sets=[known]))
    assert known == {str(new)}


def test_the_sweeps_go_on_after_one_fails_and_end_with_the_app(own, monkeypatch):
    sweeps = []

    def sweep(blocks):
        sweeps.append(blocks)
        if len(sweeps) == 1:
            raise OSError("the disk is busy")

    monkeypatch.setattr(uploads, "_sweep_of", sweep)
    monkeypatch.setattr(uploads, "EVERY", 0.01)

    async def run():
        async with uploads.swept(SimpleNamespace(get_blocks=lambda: "blocks")):
            while len(sweeps) < 3:
                await asyncio.sleep(0.01)
        count = len(sweeps)
        await asyncio.sleep(0.1)
        return count

    assert asyncio.run(run()) == len(sweeps)


def test_what_a_killed_page_left_is_removed_by_the_next_and_that_of_a_running_one_stays(tmp_path):
    killed, running, other = (
        tmp_path / name for name in ("denoise-page-a", "denoise-page-b", "of-another-program")
    )
    for folder in (killed, running, other):
        aged(folder / "photo.jpg", 9 * HOUR)
    for folder in (killed, other):
        os.utime(folder, (time.time() - 9 * HOUR,) * 2)
    uploads._remove_abandoned(tmp_path)
    assert not killed.exists()
    assert running.exists()
    assert other.exists()


PROGRAM = """
import os, gradio.utils
from demo.guard import uploads
own = uploads.folder()
(own / "photo.jpg").write_bytes(b"x")
assert uploads.folder() is own and gradio.utils.get_upload_folder() == str(own)
if os.fork() == 0:
    raise SystemExit  # a child, which has the same exit handlers
os.wait()
print(own, (own / "photo.jpg").exists(), oct(own.stat().st_mode & 0o777))
"""


@pytest.mark.slow
def test_the_page_has_a_folder_of_its_own_which_goes_when_it_ends(tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "GRADIO_TEMP_DIR": str(tmp_path / "cache")},
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    own, there, mode = said.stdout.split()
    assert Path(own).parent == tmp_path / "cache"
    assert (there, mode) == ("True", "0o700")
    assert list((tmp_path / "cache").iterdir()) == []
