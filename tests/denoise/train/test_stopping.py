"""Interrupted training: a checkpoint is saved, and the same command gives the same result."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
import safetensors.torch
import torch

from denoise import cli
from denoise.train import checkpoint, loop
from denoise.train.run import Run
from denoise.train.stopping import SIGNALS, Asked, Stopped

TINY = loop.Settings(
    dataset="glyphs",
    width=4,
    depth=1,
    images=80,
    batch=8,
    ema=0.9,
    optimizer="muon",
    precision="float32",
)  # 10 steps
NAME = "glyphs-nearest"
OPTIONS = [
    "--dataset=glyphs", "--width=4", "--depth=1", "--images=80", "--batch=8", "--precision=float32"
]  # fmt: skip


@pytest.fixture
def signalled(monkeypatch):
    """Return a function that sends signals to the process during step `at` of a training run."""
    step = Run.step

    def arrange(at, *numbers):
        def signalled_step(run, number):
            loss = step(run, number)
            if run.done == at:
                for one in numbers:
                    os.kill(os.getpid(), one)
            return loss

        monkeypatch.setattr(Run, "step", signalled_step)

    yield arrange
    monkeypatch.setattr(Run, "step", step)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the weights of an uninterrupted training, with points after 4 and 8 steps."""
    return loop.train(TINY, tmp_path_factory.mktemp("whole"), every=4)


def curve(path):
    return json.loads(path.with_suffix(".json").read_text())["curve"]


def same_weights(one, other):
    one, other = (safetensors.torch.load_file(path) for path in (one, other))
    return one.keys() == other.keys() and all(
        torch.equal(value, other[name]) for name, value in one.items()
    )


def steps_of(path):
    with safetensors.safe_open(path, "pt") as file:
        return json.loads(file.metadata()["progress"])["step"]


def handlers():
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (getattr(signal, "SIGHUP", signal.SIGTERM), None),
    ],
)
def test_a_training_that_is_asked_to_stop_goes_on_to_the_same_weights_and_curve(
    tmp_path, whole, signalled, number, code
):
    before = handlers()
    signalled(3, number)
    with pytest.raises(
        Stopped, match=r"^stopped at 30 % \(step 3 of 10\): the same command continues from there$"
    ) as stop:
        loop.train(TINY, tmp_path, every=4)
    assert stop.value.code == (code or 128 + number)
    assert handlers() == before
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.checkpoint.safetensors"]
    assert steps_of(tmp_path / f"{NAME}.checkpoint.safetensors") == 3
    signalled(0)
    resumed = loop.train(TINY, tmp_path, every=4)
    assert same_weights(resumed, whole)
    assert curve(resumed) == curve(whole)


def test_checkpoints_by_the_clock_change_neither_weights_nor_curve(tmp_path, whole, monkeypatch):
    real, steps = checkpoint.save, []

    def noted(path, *rest):
        real(path, *rest)
        steps.append(steps_of(path))

    monkeypatch.setattr(checkpoint, "save", noted)
    monkeypatch.setattr(loop, "SAVE", 0.0)
    often = loop.train(TINY, tmp_path, every=4)
    assert steps == list(range(1, 11))
    assert same_weights(often, whole)
    assert curve(often) == curve(whole)


def test_a_minute_lies_between_two_checkpoints_by_the_clock(tmp_path, monkeypatch):
    assert loop.SAVE == 60
    now, written, real = [0.0], [], checkpoint.save
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        checkpoint, "save", lambda path, *rest: (written.append(now[0]), real(path, *rest))
    )
    step = Run.step

    def slow(run, number):
        now[0] += 25.0
        return step(run, number)

    monkeypatch.setattr(Run, "step", slow)
    loop.train(TINY, tmp_path)
    assert written == [75.0, 150.0, 225.0, 250.0]  # the last one is saved at the end


def test_a_training_that_fails_after_its_last_step_has_a_checkpoint_of_it(
    tmp_path, whole, monkeypatch
):
    def fails(run, *arguments):
        raise KeyboardInterrupt

    finish = Run.finish
    monkeypatch.setattr(Run, "finish", fails)
    with pytest.raises(KeyboardInterrupt):
        loop.train(TINY, tmp_path, every=4)
    monkeypatch.setattr(Run, "finish", finish)
    assert steps_of(tmp_path / f"{NAME}.checkpoint.safetensors") == 10
    monkeypatch.setattr(Run, "step", fails)  # no step is left
    assert same_weights(loop.train(TINY, tmp_path, every=4), whole)


def test_the_second_signal_stops_at_once(tmp_path, signalled):
    before = handlers()
    signalled(3, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as stop:
        loop.train(TINY, tmp_path)
    assert not isinstance(stop.value, Stopped)
    assert handlers() == before
    assert not list(tmp_path.iterdir())


def test_beside_other_processes_a_signal_that_comes_twice_is_one():
    with Asked(patient=True) as asked:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
    assert asked.number == signal.SIGTERM


def test_a_handler_of_the_caller_hears_of_the_signal_after_the_checkpoint(tmp_path, signalled):
    heard = []
    before = signal.signal(
        signal.SIGTERM,
        lambda number, frame: heard.append([path.name for path in tmp_path.iterdir()]),
    )
    try:
        signalled(2, signal.SIGTERM)
        with pytest.raises(Stopped):
            loop.train(TINY, tmp_path)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [[f"{NAME}.checkpoint.safetensors"]]


def test_a_signal_that_is_ignored_stays_ignored(tmp_path, whole, signalled):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        signalled(2, signal.SIGTERM)
        assert same_weights(loop.train(TINY, tmp_path, every=4), whole)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_in_another_thread_training_leaves_signals_alone(tmp_path):
    before, made = handlers(), []
    short = dataclasses.replace(TINY, images=16)
    thread = threading.Thread(target=lambda: made.append(loop.train(short, tmp_path)))
    thread.start()
    thread.join()
    assert made == [tmp_path / f"{NAME}.safetensors"]
    assert handlers() == before


def test_a_command_that_is_stopped_says_so_in_one_line(tmp_path, signalled, capsys):
    signalled(4, signal.SIGINT)
    with pytest.raises(SystemExit) as stop:
        cli.run(loop.main, [*OPTIONS, "--out", str(tmp_path)])
    assert stop.value.code == 130
    assert (
        capsys.readouterr().err
        == "stopped at 40 % (step 4 of 10): the same command continues from there\n"
    )


@pytest.mark.slow
def test_a_process_that_is_terminated_ends_with_143_and_a_checkpoint(tmp_path):
    script = (
        "import os, signal\n"
        "from denoise import cli\n"
        "from denoise.train import loop, run\n"
        "step = run.Run.step\n"
        "def last(self, number):\n"
        "    if number == 5: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return step(self, number)\n"
        "run.Run.step = last; cli.run(loop.main)"
    )
    command = [sys.executable, "-c", script, *OPTIONS, "--out", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 143
    assert ended.stderr == "stopped at 60 % (step 6 of 10): the same command continues from there\n"
    assert steps_of(tmp_path / f"{NAME}.checkpoint.safetensors") == 6
