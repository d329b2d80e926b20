"""What is quickest on a machine is found out by trying, and never at the cost of the answer."""

import pytest
import torch

import denoise
from denoise import calibration, lowering, remembered
from denoise.plan import Plan

CPU = torch.device("cpu")


@pytest.mark.parametrize(("waits", "quiet"), [((0, 0, 0, 0, 0), True), ((0, 1, 0, 1, 1), False)])
def test_a_moment_is_busy_where_most_calls_take_longer_than_the_quickest(monkeypatch, waits, quiet):
    clock = [0.0]
    monkeypatch.setattr(calibration.time, "perf_counter", lambda: clock[0])
    times = {"quick": iter(waits), "slow": iter(waits)}

    def call(name, takes):
        clock[0] += takes + next(times[name])
        return torch.zeros(1)

    calls = {"slow": lambda: call("slow", 2), "quick": lambda: call("quick", 1)}
    assert calibration._ranked(calls, len(waits)) == (["quick", "slow"], quiet)


@pytest.fixture
def without_openvino(monkeypatch):
    """It makes calls of its own."""
    there = lowering.backends(CPU)
    monkeypatch.setattr(calibration, "backends", lambda device: tuple(name for name in there if name != "openvino"))


def test_a_backend_that_answers_otherwise_is_not_used(monkeypatch, without_openvino):
    wrong = {name: lambda *given, call=call: call(*given) * 1.1 for name, call in lowering.CALLS.items()}
    monkeypatch.setattr(lowering, "CALLS", wrong)
    found = calibration.measure(CPU)
    assert found.quickest.backend == found.exact.backend == "plain"


@pytest.mark.parametrize("error", [RuntimeError("no such kernel"), TypeError("other arguments")])
def test_a_backend_that_cannot_be_called_is_not_used_and_the_log_says_why(monkeypatch, caplog, error, without_openvino):
    def fails(*given):
        raise error

    monkeypatch.setattr(lowering, "CALLS", dict.fromkeys(lowering.CALLS, fails))
    found = calibration.measure(CPU)
    assert found.quickest.backend == found.exact.backend == "plain"
    assert str(error) in caplog.text


def test_no_lower_precision_is_tried_where_the_machine_does_not_compute_in_it(monkeypatch):
    monkeypatch.setattr(calibration, "has_bfloat16", lambda device: False)
    assert calibration.measure(CPU).quickest.dtype == "float32"


def test_the_pieces_of_a_batch_change_no_answer(monkeypatch):
    noisy = torch.rand(7, 1, 28, 28)
    answers = []
    for chunk in (1, 2 * 28**2, 2**19):
        monkeypatch.setattr(remembered, "plan", lambda device, exact, chunk=chunk: Plan(chunk_pixels=chunk))
        answers.append(denoise.load("mnist-nearest", "cpu").estimate(noisy))
    torch.testing.assert_close(answers[0], answers[2], atol=1e-5, rtol=0)
    torch.testing.assert_close(answers[1], answers[2], atol=1e-5, rtol=0)
