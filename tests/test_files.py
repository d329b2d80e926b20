import pytest

from denoise.files import whole_file


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
