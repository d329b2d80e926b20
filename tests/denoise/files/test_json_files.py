"""JSON files of one object: any other content gives a one-line error."""

import json

import pytest

from denoise.files import json_files


def written(tmp_path, data):
    path = tmp_path / "it.json"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("data", ['{"note": "é"}', b'\xef\xbb\xbf{"note": "\xc3\xa9"}'])
def test_an_object_is_read_as_utf_8_with_the_mark_of_windows_or_without(tmp_path, data):
    assert json_files.read(written(tmp_path, data)) == {"note": "é"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "invalid or truncated JSON"),
        ('{"a": 1', "invalid or truncated JSON"),
        (b"\xff\xfe{}", "invalid or truncated JSON"),
        ("9" * 5000, "invalid or truncated JSON"),
        ("[1, 2]", r"\[1, 2\]; it must be an object"),
        ('"text"', "'text'; it must be an object"),
        ("3", "3; it must be an object"),
        ("null", "None; it must be an object"),
        ('{"a":' * 150 + "1" + "}" * 150, "nested too deep"),
        ("[" * 100_000, "nested too deep"),
        (" " * (json_files.LARGEST + 1), "more than 8,388,608 bytes"),
    ],
)
def test_whatever_else_a_file_holds_is_one_short_line_that_names_it(tmp_path, data, said):
    path = written(tmp_path, data)
    with pytest.raises(ValueError, match=said) as raised:
        json_files.read(path)
    assert str(path) in str(raised.value)
    assert len(str(raised.value)) < 300


def test_a_folder_of_that_name_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="not a file"):
        json_files.read(tmp_path)


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        (3, int, True),
        (True, int, False),
        (3.0, int, False),
        (2**63, int, False),
        (3, float, True),
        (False, float, False),
        ("3", float, False),
        (None, str | None, True),
        (None, str, False),
        ([1, 2], list[int], True),
        ([1, "2"], list[int], False),
        ((0.0, 1), tuple[float, float], True),
        ({"a": 1.5}, dict[str, float], True),
        ({"a": None}, dict[str, float], False),
        ([], dict, False),
    ],
)
def test_a_value_is_of_a_kind_or_is_not(value, kind, fits):
    assert json_files.fits(value, kind) == fits


def test_the_error_says_what_a_value_is_and_what_it_must_be():
    with pytest.raises(
        ValueError, match=r"card.json: widths is \['a'\]; it must be a list, each an integer$"
    ):
        json_files.check({"widths": ["a"]}, {"widths": list[int]}, "card.json")
    with pytest.raises(ValueError, match="card.json: 'sha256' is missing"):
        json_files.check({}, {}, "card.json", needed=("sha256",))


def test_a_huge_value_is_not_printed_whole():
    value = json.loads("[" + ",".join(["[1,2,3]"] * 10_000) + "]")
    assert len(json_files.short(value)) < 100
