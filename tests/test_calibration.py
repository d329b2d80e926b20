"""How a machine runs networks is found out once, and never at the cost of the answer."""

import dataclasses
import json
import threading

import pytest
import torch

import denoise
from denoise import calibration, lowering
from denoise.calibration import PLAIN, Found, Plan

CPU = torch.device("cpu")


def key():
    return calibration._key(CPU, torch.get_num_threads())


BOTH = Found(Plan("aten", "bfloat16", 2**14), PLAIN)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """An empty memory of plans."""
    empty = tmp_path / "cache" / "plans.json"
    monkeypatch.setattr(calibration, "file", lambda: empty)
    calibration._found.cache_clear()
    yield empty
    calibration._found.cache_clear()


def test_a_plan_is_found_out_once_and_remembered_for_this_machine(file, monkeypatch):
    found = calibration.plan(CPU)
    assert found.backend in lowering.backends(CPU)
    assert found.chunk_pixels in calibration.CHUNKS
    assert calibration.plan(CPU, exact=True).dtype == "float32"
    ((key, kept),) = json.loads(file.read_text()).items()
    assert torch.__version__ in key
    assert f"{torch.get_num_threads()} threads" in key
    assert Plan(**kept["quickest"]) == found
    calibration._found.cache_clear()
    monkeypatch.setattr(calibration, "measure", lambda device: pytest.fail("it is known already"))
    assert calibration.plan(CPU) == found


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", '{"KEY": 3}', '{"KEY": {"backend": "of another version"}}',
        '{"KEY": {"quickest": {"backend": "gone"}, "exact": {}, "until": null}}',
        '{"KEY": {"quickest": {"chunk_pixels": 0}, "exact": {}, "until": null}}',
        '{"KEY": {"quickest": {"dtype": "float99"}, "exact": {}, "until": null}}',
        '{"KEY": {"quickest": {}, "exact": {}}}', '{"KEY": {"quickest": {}, "exact": {}, "until": "later"}}',
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_found_out_anew(file, monkeypatch, content):
    monkeypatch.setattr(calibration, "measure", lambda device: BOTH)
    file.parent.mkdir()
    file.write_text(content.replace("KEY", key()))
    assert calibration.plan(CPU) == BOTH.quickest
    (kept,) = json.loads(file.read_text()).values()
    assert kept == dataclasses.asdict(BOTH)


def test_plans_of_other_machines_stay_in_the_file(file, monkeypatch):
    monkeypatch.setattr(calibration, "measure", lambda device: BOTH)
    file.parent.mkdir()
    other = {"another machine": dataclasses.asdict(Found(PLAIN, PLAIN))}
    file.write_text(json.dumps(other | {"a third": "not a plan"}))
    calibration.plan(CPU)
    assert json.loads(file.read_text()).items() >= other.items()


def test_what_is_found_in_a_busy_moment_is_found_out_anew_after_an_hour(file, monkeypatch):
    clock = [1_000_000.0]
    monkeypatch.setattr(calibration.time, "time", lambda: clock[0])
    busy = Found(PLAIN, PLAIN, until=clock[0] + calibration.AGAIN)
    left = [busy, BOTH]
    monkeypatch.setattr(calibration, "measure", lambda device: left.pop(0))
    for wait, expected in ((0, busy), (3599, busy), (2, BOTH), (1e9, BOTH)):
        clock[0] += wait
        calibration._found.cache_clear()  # another process
        assert calibration.plan(CPU) == expected.quickest


def test_a_plan_from_a_clock_that_went_wrong_is_found_out_anew():
    assert not Found(PLAIN, PLAIN, until=calibration.time.time() + 10 * calibration.AGAIN).holds()


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


def test_a_benchmark_has_its_machine_found_out_anew_and_no_other(file, monkeypatch):
    left = [BOTH, Found(PLAIN, PLAIN)]
    monkeypatch.setattr(calibration, "measure", lambda device: left.pop(0))
    assert calibration.plan(CPU) == BOTH.quickest
    others = json.loads(file.read_text())
    file.write_text(json.dumps(others | {"another machine": others[key()]}))
    calibration.forget(CPU, torch.get_num_threads())
    assert list(json.loads(file.read_text())) == ["another machine"]
    calibration._found.cache_clear()
    assert calibration.plan(CPU) == PLAIN


def test_a_plan_holds_for_one_device_pytorch_and_code_alone(monkeypatch):
    keys = {key(), calibration._key(CPU, 99)}
    monkeypatch.setattr(torch, "__version__", "another")
    keys.add(key())
    monkeypatch.setattr(calibration, "has_bfloat16", lambda device: None)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "another")
    keys.add(key())
    monkeypatch.setattr(calibration, "fusion", lowering)
    keys.add(key())
    monkeypatch.setattr(calibration, "backends", lambda device: ("plain", "openvino"))
    monkeypatch.setattr(calibration.importlib.metadata, "version", lambda package: f"{package} of another day")
    keys.add(key())
    assert len(keys) == 6


def test_an_openvino_whose_version_nobody_knows_has_a_plan_too(monkeypatch):
    def missing(package):
        raise calibration.importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(calibration, "backends", lambda device: ("plain", "openvino"))
    monkeypatch.setattr(calibration.importlib.metadata, "version", missing)
    assert "openvino unknown" in key()


def test_devices_that_are_not_known_are_run_plainly(monkeypatch):
    monkeypatch.setattr(calibration, "_found", lambda *given: pytest.fail("nothing is found out there"))
    assert calibration.plan(torch.device("mps")) == PLAIN


@pytest.mark.parametrize(
    "wrong", [{"backend": "gone"}, {"dtype": "float99"}, {"chunk_pixels": 0}, {"chunk_pixels": "1"}]
)
def test_a_plan_that_nothing_can_follow_is_refused(wrong):
    with pytest.raises(ValueError, match="plan"):
        Plan(**wrong)


def test_two_threads_find_it_out_once(file, monkeypatch):
    asked = []
    monkeypatch.setattr(calibration, "measure", lambda device: asked.append(device) or BOTH)
    others = [threading.Thread(target=calibration.plan, args=(CPU,)) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert asked == [CPU]


def test_where_nothing_can_be_written_the_plan_serves_all_the_same(file, monkeypatch):
    monkeypatch.setattr(calibration, "measure", lambda device: BOTH)
    file.parent.write_text("a file where the folder would be")
    assert calibration.plan(CPU) == BOTH.quickest


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
        monkeypatch.setattr(calibration, "plan", lambda device, exact, chunk=chunk: Plan(chunk_pixels=chunk))
        answers.append(denoise.load("mnist-nearest", "cpu").estimate(noisy))
    torch.testing.assert_close(answers[0], answers[2], atol=1e-5, rtol=0)
    torch.testing.assert_close(answers[1], answers[2], atol=1e-5, rtol=0)
