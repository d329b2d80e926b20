"""What a change did to the time of a call: a commit and the one before it, in turns, each run from its own code."""

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from bench import revisions
from bench.__main__ import main
from bench.columns import REVISIONS

# A project whose calls say themselves what they take.
OWN = """
import json, sys
for line in sys.stdin:
    assert json.loads(line)["job"]["batch"] == 128
    print(json.dumps({answer}), flush=True)
"""


@pytest.fixture(autouse=True)
def history(tmp_path, monkeypatch):
    """A history of calls of 8 ms, 4 ms, what fails, and the second taken back: (its folder, its commits)."""
    folder = tmp_path / "project"
    monkeypatch.setattr(revisions, "ROOT", folder)
    peers = folder / "bench" / "peers"
    peers.mkdir(parents=True)
    (folder / "bench" / "__init__.py").touch()
    (folder / "denoise").mkdir()
    (folder / "denoise" / "__init__.py").touch()
    (peers / "__init__.py").touch()
    git("init", "-q")
    answers = [{"seconds": [0.008], "pictures": 128}, {"seconds": [0.004, 0.005, 0.001], "pictures": 128}]
    answers += [{"error": "ValueError: no such layer"}]
    for number, answer in enumerate(answers):
        (peers / "own.py").write_text(OWN.replace("{answer}", repr(answer)))
        git("add", ".")
        git("commit", "-q", "-m", f"change {number}")
    git("revert", "--no-edit", "HEAD")
    return git("log", "--format=%h", "--abbrev=12", "--reverse").split()


def git(*words):
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    run = subprocess.run(["git", *who, *words], cwd=revisions.ROOT, capture_output=True, text=True, check=True)
    return run.stdout


def measured(folder, *words):
    main(["revisions", *words, "--rounds", "3", "--out", str(folder)])
    (file,) = Path(folder).glob("*.csv")
    return pd.read_csv(file)


def test_a_row_a_round_has_the_times_of_a_commit_and_of_the_one_before_it(history, tmp_path):
    found = measured(tmp_path / "out", "HEAD~2")
    assert list(found) == list(REVISIONS)
    assert found["round"].tolist() == [0, 1, 2]
    assert (found.revision == history[1]).all()
    assert (found.before == history[0]).all()
    assert (found.what == "change 1").all()
    assert (found.ms_p50 == 4).all()
    assert (found.before_ms_p50 == 8).all()


def test_others_that_were_measured_before_stay_and_the_same_is_replaced(history, tmp_path):
    measured(tmp_path / "out", history[1])
    before = measured(tmp_path / "out", history[1], "--network", "autoencoder")
    after = measured(tmp_path / "out", history[1])
    assert len(before) == len(after) == 6
    assert after.network.tolist() == ["autoencoder"] * 3 + ["K1"] * 3


def test_the_text_has_the_share_its_interval_and_whether_the_change_was_kept():
    rows = pd.DataFrame({"revision": "abc", "what": "quicker", "kept": True, "before_ms_p50": [10.0] * 9})
    rows = rows.assign(system="train_rearranged", network="K1", batch=128, ms_p50=[5, 6, 7, 8, 8, 8, 9, 9, 30])
    said = revisions.text(pd.concat([rows, rows.assign(revision="def", what="slower", kept=False, ms_p50=12)]))
    assert "| quicker  | `abc`      | 0.800 [0.600, 0.900] | 9        | kept       |" in said
    assert "| slower   | `def`      | 1.200 [1.200, 1.200] | 9        | taken back |" in said


def test_what_a_later_commit_reverts_was_not_kept(history):
    assert [revisions.is_kept(revision) for revision in history] == [True, True, False, True]


def test_a_commit_whose_code_fails_is_named_with_its_error(history, tmp_path):
    with pytest.raises(ValueError, match=f"revision {history[2]} cannot be timed: ValueError: no such layer"):
        measured(tmp_path / "out", history[2])
    assert not (tmp_path / "out").exists()


def test_what_was_measured_before_a_commit_that_fails_is_kept(history, tmp_path):
    with pytest.raises(ValueError, match="cannot be timed"):
        measured(tmp_path / "out", history[1], history[2])
    (file,) = (tmp_path / "out").glob("*.csv")
    assert set(pd.read_csv(file).revision) == {history[1]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "no commit nothing in the history of"),
        (["HEAD~3"], r"no commit [0-9a-f]{12}\^ in the history of"),
        (["HEAD", "--system", "keras_fit"], "unknown system 'keras_fit'"),
        (["HEAD", "--network", "K9"], "unknown network 'K9'"),
        (["HEAD", "--batch", "0"], "--batch must be at least 1"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(words, said, tmp_path):
    with pytest.raises(ValueError, match=said) as error:
        measured(tmp_path / "out", *words)
    assert "\n" not in str(error.value)


def test_without_a_history_it_says_so(tmp_path):
    shutil.rmtree(revisions.ROOT / ".git")
    with pytest.raises(ValueError, match="no commit HEAD in the history of"):
        measured(tmp_path / "out", "HEAD")
