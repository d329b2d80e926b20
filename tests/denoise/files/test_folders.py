"""Files below a folder, and resolution of command-line words: files, folders and patterns."""

import pytest

from denoise.files import folders
from denoise.images import image_files
from denoise.inference import sources


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def below(folder, **options):
    return [str(path.relative_to(folder)) for path in folders.walk(folder, **options).files]


@pytest.fixture
def named(tmp_path, monkeypatch):
    """Return a function that resolves words in a folder to sources and the messages about them."""
    monkeypatch.chdir(tmp_path)

    def find(*words, out=None):
        told = []
        return [str(source.path) for source in sources.find(words, out, told.append)], told

    return find


def test_every_file_below_a_folder_is_found_sorted(tmp_path):
    assert below(made(tmp_path, "b.png", "a/z.png", "a/b/c.txt")) == [
        "a/b/c.txt",
        "a/z.png",
        "b.png",
    ]


def test_links_to_folders_and_files_are_followed(tmp_path):
    made(tmp_path, "in/a.png", "elsewhere/e.png")
    (tmp_path / "in" / "link").symlink_to("../elsewhere")
    (tmp_path / "in" / "f.png").symlink_to("../elsewhere/e.png")
    assert below(tmp_path / "in") == ["a.png", "f.png", "link/e.png"]


def test_links_that_run_in_circles_end(tmp_path):
    made(tmp_path, "in/a/x.png", "in/b/y.png")
    for link, to in (
        ("in/up", "."),
        ("in/a/over", "../b"),
        ("in/b/over", "../a"),
        ("in/b/top", "../.."),
    ):
        (tmp_path / link).symlink_to(to)
    found = folders.walk(tmp_path / "in")
    assert [path.name for path in found.files] == ["x.png", "y.png"]
    assert {"up", "over"} <= {path.name for path in found.again}


def test_a_folder_is_found_under_its_own_name_rather_than_a_link_to_it(tmp_path):
    made(tmp_path, "z/x.png")
    (tmp_path / "a").symlink_to("z")
    found = folders.walk(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == ["z/x.png"]
    assert [path.name for path in found.again] == ["a"]


@pytest.mark.parametrize(
    "name",
    [
        "._a.png",
        ".DS_Store",
        "Thumbs.db",
        ".a.0123456789abcdef0123456789abcdef.png",
        ".denoise-0123abcd-99-0123abcd.png",
    ],
)
def test_what_systems_and_killed_processes_leave_is_no_image(tmp_path, name):
    made(tmp_path, name, "a.png")
    found = folders.walk(tmp_path)
    assert [path.name for path in [*found.files, *found.hidden]] == ["a.png"]
    assert [path.name for path in image_files.below(tmp_path)] == ["a.png"]


def test_files_that_are_left_out_of_a_folder_are_counted_and_named(named, tmp_path):
    made(tmp_path, "in/a.png", "in/b.xyz", "in/c.xyz", "in/deep/notes", "in/.d.png")
    found, told = named("in")
    assert found == ["in/a.png"]
    assert told == [
        (
            "left out 4 of 5 files in in: 2 .xyz, 1 without an ending, 1 hidden (b.xyz, c.xyz, "
            "deep/notes, .d.png)"
        ),
    ]


def test_of_many_files_that_are_left_out_the_first_are_named(named, tmp_path):
    made(tmp_path, "in/a.png", *(f"in/{number}.txt" for number in range(9)))
    assert named("in")[1] == [
        "left out 9 of 10 files in in: 9 .txt (0.txt, 1.txt, 2.txt, 3.txt, 4.txt, ...)"
    ]


def test_nothing_is_told_where_nothing_is_left_out(named, tmp_path):
    made(tmp_path, "in/a.png", "in/._a.png")
    assert named("in") == (["in/a.png"], [])


def test_a_folder_without_an_image_says_what_is_in_it(named, tmp_path):
    made(tmp_path, "in/a.txt")
    with pytest.raises(
        ValueError,
        match=r"in: no image below this folder, but 1 .txt \(in/a.txt\); valid: .png",
    ):
        named("in")


def test_the_folder_that_files_are_written_to_is_no_source(named, tmp_path):
    made(tmp_path, "in/a.png", "in/out/a.png")
    assert named("in", out=tmp_path / "in" / "out")[0] == ["in/a.png"]
    assert named("in", out=tmp_path / "other")[0] == ["in/a.png", "in/out/a.png"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("b [2020]/*.png", ["b [2020]/a.png", "b [2020]/c[1].png"]),
        ("b [2020]/c[1].png", ["b [2020]/c[1].png"]),
        ("b [2020]/c[1]*", ["b [2020]/c[1].png"]),
        ("*/c[1].png", ["b [2020]/c[1].png"]),
        ("b [[]2020]/a.png", ["b [2020]/a.png"]),
        ("b [2020]/[ab].png", ["b [2020]/a.png"]),
        ("b [2020]", ["b [2020]/a.png", "b [2020]/c[1].png"]),
        ("./x[0-9]/*.png", ["x1/d.png"]),
        ("**/d.png", ["x1/d.png"]),
    ],
)
def test_brackets_in_names_and_in_patterns_are_both_understood(named, tmp_path, pattern, found):
    made(tmp_path, "b [2020]/a.png", "b [2020]/c[1].png", "x1/d.png")
    assert named(pattern)[0] == found


def test_folders_that_fit_a_pattern_are_named_as_left_out(named, tmp_path):
    made(tmp_path, "in/a.png", "in/deep/b.png")
    assert named("in/*") == (
        ["in/a.png"],
        ["left out 1 of 2 matches of in/*: 1 not a file (in/deep)"],
    )


def test_a_file_that_is_named_twice_is_found_once(named, tmp_path):
    made(tmp_path, "a.png", "b.png")
    assert named("b.png", "*.png", "a.png")[0] == ["b.png", "a.png"]


def test_a_folder_that_may_not_be_read_is_a_source_that_will_fail(named, tmp_path, locked):
    made(tmp_path, "in/a.png", "in/locked/b.png")
    locked("locked")
    assert named("in")[0] == ["in/a.png", "in/locked"]


def test_a_folder_that_may_not_be_read_itself_is_a_source_that_will_fail(named, tmp_path, locked):
    made(tmp_path, "in/a.png")

    locked("in")
    assert named("in")[0] == ["in"]
