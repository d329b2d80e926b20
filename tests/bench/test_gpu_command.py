"""`bench gpu`: its parts run one after another, and each survives the loss of another."""

import pytest
from small_grid import refused

from bench import __main__ as bench
from bench.commands import gpu


@pytest.fixture
def parts(monkeypatch):
    def given(*commands):
        monkeypatch.setattr(gpu, "PARTS", tuple((f"part {n}", c) for n, c in enumerate(commands)))

    return given


@pytest.mark.slow
def test_a_part_that_fails_is_named_and_the_next_one_runs(parts, capfd):
    parts("costs --rounds 0", "collect --help")
    with pytest.raises(SystemExit) as ended:
        bench.main(["gpu", "--device", "cpu", "--minutes", "2"])
    assert ended.value.code == 1
    said = capfd.readouterr().out
    assert "no result: part 0 (exit code 2): python -m bench costs --rounds 0" in said
    assert "part 1 (" not in said
    assert "copy a grid's weights" in said  # the help text of the second part


def test_no_part_begins_when_the_time_is_over(parts, capsys):
    parts("collect --help")
    with pytest.raises(SystemExit):
        bench.main(["gpu", "--device", "cpu", "--minutes", "0.1"])
    assert "no result: part 0 (no time left)" in capsys.readouterr().out


@pytest.mark.slow
def test_a_part_is_stopped_when_the_time_is_over(parts, capsys, monkeypatch):
    parts("costs")
    monkeypatch.setattr(gpu, "LEAST", 0.5)
    with pytest.raises(SystemExit):
        bench.main(["gpu", "--device", "cpu", "--minutes", "0.05"])
    assert "no result: part 0 (stopped after 3 s)" in capsys.readouterr().out


def test_each_part_is_a_command_with_valid_options(tmp_path):
    places = {"device": "cuda", "results": tmp_path, "grid": tmp_path}
    for _, command in gpu.PARTS:
        bench._parser().parse_args([word.format(**places) for word in command.split()])


def test_bad_input_is_one_line(capsys):
    assert "--minutes is 0; it must be above 0" in refused(
        capsys, "gpu", "--device", "cpu", "--minutes", "0"
    )
