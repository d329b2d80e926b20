"""How a machine runs networks is found out once, and never at the cost of the answer."""

import dataclasses
import json

import pytest
import torch

import denoise
from denoise import calibration, lowering
from denoise.calibration import PLAIN, Plan

CPU = torch.device("cpu")


BOTH = {"quickest": Plan("aten", "bfloat16", 2**14), "exact": PLAIN}


@pytest.fixture
def file(tmp_path, monkeypatch):
    """An empty memory of plans."""
    monkeypatch.setattr(calibration, "FILE", tmp_path / "cache" / "plans.json")
    calibration._plans.cache_clear()
    yield calibration.FILE
    calibration._plans.cache_clear()


def test_a_plan_is_found_out_once_and_remembered_for_this_machine(file, monkeypatch):
    found = calibration.plan(CPU)
    assert found.backend in lowering.backends(CPU)
    assert found.chunk_pixels in calibration.CHUNKS
    assert calibration.plan(CPU, exact=True).dtype == "float32"
    ((key, kept),) = json.loads(file.read_text()).items()
    assert torch.__version__ in key
    assert f"{torch.get_num_threads()} threads" in key
    assert Plan(**kept["quickest"]) == found
    calibration._plans.cache_clear()
    monkeypatch.setattr(calibration, "measure", lambda device: pytest.fail("it is known already"))
    assert calibration.plan(CPU) == found


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"KEY": 3}', '{"KEY": {"backend": "of another version"}}'])
def test_a_file_that_is_not_whole_is_found_out_anew(file, monkeypatch, content):
    monkeypatch.setattr(calibration, "measure", lambda device: BOTH)
    file.parent.mkdir()
    file.write_text(content.replace("KEY", calibration._key(CPU, torch.get_num_threads())))
    assert calibration.plan(CPU) == BOTH["quickest"]
    (kept,) = json.loads(file.read_text()).values()
    assert kept == {name: dataclasses.asdict(plan) for name, plan in BOTH.items()}


def test_plans_of_other_machines_stay_in_the_file(file, monkeypatch):
    monkeypatch.setattr(calibration, "measure", lambda device: BOTH)
    file.parent.mkdir()
    other = {"another machine": {name: dataclasses.asdict(PLAIN) for name in BOTH}}
    file.write_text(json.dumps(other))
    calibration.plan(CPU)
    assert json.loads(file.read_text()).items() >= other.items()


def test_where_nothing_can_be_written_the_plan_serves_all_the_same(file, monkeypatch):
    monkeypatch.setattr(calibration, "measure", lambda device: BOTH)
    file.parent.write_text("a file where the folder would be")
    assert calibration.plan(CPU) == BOTH["quickest"]


def test_a_backend_that_answers_otherwise_is_not_used(monkeypatch):
    wrong = {name: lambda *given, call=call: call(*given) * 1.1 for name, call in lowering.CALLS.items()}
    monkeypatch.setattr(lowering, "CALLS", wrong)
    assert {plan.backend for plan in calibration.measure(CPU).values()} == {"plain"}


@pytest.mark.parametrize("error", [RuntimeError("no such kernel"), TypeError("other arguments")])
def test_a_backend_that_cannot_be_called_is_not_used_and_the_log_says_why(monkeypatch, caplog, error):
    def fails(*given):
        raise error

    monkeypatch.setattr(lowering, "CALLS", dict.fromkeys(lowering.CALLS, fails))
    assert {plan.backend for plan in calibration.measure(CPU).values()} == {"plain"}
    assert str(error) in caplog.text


def test_no_lower_precision_is_tried_where_the_machine_does_not_compute_in_it(monkeypatch):
    monkeypatch.setattr(calibration, "has_bfloat16", lambda device: False)
    assert calibration.measure(CPU)["quickest"].dtype == "float32"


def test_the_pieces_of_a_batch_change_no_answer(monkeypatch):
    noisy = torch.rand(7, 1, 28, 28)
    answers = []
    for chunk in (1, 2 * 28**2, 2**19):
        monkeypatch.setattr(calibration, "plan", lambda device, exact, chunk=chunk: Plan(chunk_pixels=chunk))
        answers.append(denoise.load("mnist-nearest", "cpu").estimate(noisy))
    torch.testing.assert_close(answers[0], answers[2], atol=1e-5, rtol=0)
    torch.testing.assert_close(answers[1], answers[2], atol=1e-5, rtol=0)
