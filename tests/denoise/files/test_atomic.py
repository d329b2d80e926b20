import os
import subprocess
import sys
import time

import pytest

from denoise.files.atomic import (
    check_name,
    is_partial,
    partial_folder,
    remove_leftovers,
    whole_file,
)


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "table.csv"
    with whole_file(target) as partial:
        partial.write_text("a,b")
        assert not target.exists()
        assert partial.suffix == ".csv"
    assert target.read_text() == "a,b"
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def half():
        with whole_file(target) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("table.csv", "old")]


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path, mode):
    with whole_file(tmp_path / "a") as partial:
        partial.touch(mode)
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize(
    "name", ["a" * 246 + ".png", "é" * 125 + ".png", "a." + "b" * 253, "a" * 255]
)
def test_a_file_with_the_longest_name_can_be_written(tmp_path, name):
    with whole_file(tmp_path / name) as partial:
        partial.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


KILLED = """
import os, sys, time
from pathlib import Path
from denoise.files.atomic import whole_file
with whole_file(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    print("writing", flush=True)
    {then}
"""


def start(target, then):
    code = KILLED.format(then=then)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    return process


def test_what_a_killed_process_left_behind_goes_with_the_next_file_in_that_folder(tmp_path):
    assert start(tmp_path / "a.png", "os._exit(9)").wait() == 9
    (left,) = tmp_path.iterdir()
    assert is_partial(left.name)
    with whole_file(tmp_path / "b.csv") as partial:
        partial.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]


def test_what_a_process_is_writing_is_left_to_it(tmp_path):
    other = start(tmp_path / "a.png", "sys.stdin.read()")
    try:
        (theirs,) = tmp_path.iterdir()
        os.utime(theirs, (0, 0))  # an old file, as of a slow writer
        with whole_file(tmp_path / "a.png") as mine:
            mine.write_text("mine")
            with whole_file(tmp_path / "b.png") as another:
                another.touch()
            assert mine.exists()
        assert theirs.exists()
    finally:
        other.kill()
        other.wait()
        other.stdin.close()
        other.stdout.close()
    remove_leftovers(tmp_path / "c.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


DAY = 24 * 60 * 60


@pytest.mark.parametrize(
    ("name", "target", "age", "stays"),
    [
        (".a.0123456789abcdef0123456789abcdef.png", "a.png", 2 * DAY, False),
        (".a.0123456789abcdef0123456789abcdef.png", "a.png", DAY / 2, True),
        # may belong to another program
        (".a.0123456789abcdef0123456789abcdef.png", "b.png", 2 * DAY, True),
        (".a.tar.0123456789abcdef0123456789abcdef.gz", "a.tar.gz", 2 * DAY, False),
        (".a.0123456789abcdef0123456789abcdef", "a", 2 * DAY, False),
        (".denoise-00000000-1-0123abcd.png", "b.png", 2 * DAY, False),  # from another machine
        (".denoise-00000000-1-0123abcd.png", "b.png", DAY / 2, True),
        (".hidden.png", "hidden.png", 2 * DAY, True),
        ("a.0123456789abcdef0123456789abcdef.png", "a.png", 2 * DAY, True),
    ],
)
def test_a_partial_file_of_which_no_process_is_known_goes_by_its_age(
    tmp_path, name, target, age, stays
):
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (time.time() - age,) * 2)
    remove_leftovers(tmp_path / target)
    assert (tmp_path / name).exists() == stays


def test_a_partial_file_of_an_earlier_process_with_the_number_of_this_one_goes(tmp_path):
    with whole_file(tmp_path / "a.png") as partial:
        partial.touch()
    partial.touch()
    remove_leftovers(tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_partial_file_that_may_not_be_removed_stops_no_other(tmp_path, monkeypatch):
    left = tmp_path / ".denoise-00000000-1-0123abcd.png"
    left.touch()
    os.utime(left, (0, 0))

    def denied(path, **options):
        raise PermissionError(13, "Operation not permitted", str(path))

    monkeypatch.setattr(os, "unlink", denied)
    remove_leftovers(tmp_path / "a")
    assert left.exists()


def test_a_partial_folder_is_removed_at_the_end_and_after_a_kill(tmp_path):
    with partial_folder(tmp_path) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
        remove_leftovers(tmp_path / "a")
        assert (folder / "deep" / "file").exists()
    assert list(tmp_path.iterdir()) == []
    (folder / "deep").mkdir(parents=True)  # as a killed process leaves it
    with partial_folder(tmp_path) as another:
        assert list(tmp_path.iterdir()) == [another]


@pytest.mark.parametrize("name", ["a", "mnist-nearest", "a.b c", "日本", "x" * 243])
def test_a_name_that_a_file_can_have_is_returned(name):
    assert check_name(name, "--name", ".safetensors") == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "is empty"), (".", "begins with a dot"), ("..", "begins with a dot"),
        (".hidden", "begins with a dot"),
        ("a/b", "holds a slash"), ("/a", "holds a slash"), ("a\\b", "holds a slash"),
        ("a\nb", "holds a control character"), ("a\0b", "holds a control character"),
        ("a\x1b[2J", "holds a control character"), ("a\udcff", "holds a control character"),
        ("x" * 244, "is too long"), ("日" * 82, "is too long"),
    ],
)  # fmt: skip
def test_a_name_that_no_file_can_have_is_refused_with_the_reason_in_one_line(name, why):
    with pytest.raises(ValueError, match=f" {why}; valid: at most 243 bytes") as error:
        check_name(name, "--name", ".safetensors")
    assert str(error.value).isprintable()
