"""How a machine runs networks is found out once."""

import dataclasses
import json
import threading

import pytest
import torch

from denoise import calibration, lowering, plan, remembered
from denoise.plan import PLAIN, Found, Plan

CPU = torch.device("cpu")


def key():
    return remembered._key(CPU, torch.get_num_threads())


BOTH = Found(Plan("aten", "bfloat16", 2**14), PLAIN)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """An empty memory of plans."""
    empty = tmp_path / "cache" / "plans.json"
    monkeypatch.setattr(remembered, "file", lambda: empty)
    remembered._found.cache_clear()
    yield empty
    remembered._found.cache_clear()


def test_a_plan_is_found_out_once_and_remembered_for_this_machine(file, monkeypatch):
    found = remembered.plan(CPU)
    assert found.backend in lowering.backends(CPU)
    assert found.chunk_pixels in calibration.CHUNKS
    assert remembered.plan(CPU, exact=True).dtype == "float32"
    ((key, kept),) = json.loads(file.read_text()).items()
    assert torch.__version__ in key
    assert f"{torch.get_num_threads()} threads" in key
    assert Plan(**kept["quickest"]) == found
    remembered._found.cache_clear()
    monkeypatch.setattr(calibration, "measure", lambda device: pytest.fail("it is known already"))
    assert remembered.plan(CPU) == found


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", '{"KEY": 3}', '{"KEY": {"backend": "of another version"}}',
        '{"KEY": {"quickest": {"backend": "gone"}, "exact": {}, "until": null}}',
        '{"KEY": {"quickest": {"chunk_pixels": 0}, "exact": {}, "until": null}}',
        '{"KEY": {"quickest": {"dtype": "float99"}, "exact": {}, "until": null}}',
        '{"KEY": {"quickest": {}, "exact": {}, "until": 1%s}}' % ("0" * 400), '{"KEY": [{}]}', "[" * 9999, "9" * 9999,
        '{"KEY": {"quickest": {"backend": ["plain"]}, "exact": {}, "until": null}}', "\0", '"plans"', "1",
        '{"KEY": {"quickest": [], "exact": {}, "until": null}}', '{"KEY": {"quickest": {}, "exact": {}, "until": []}}',
        '{"KEY": {"quickest": {}, "exact": {}}}', '{"KEY": {"quickest": {}, "exact": {}, "until": "later"}}',
    ],
)  # fmt: skip
def test_a_file_that_is_not_whole_is_found_out_anew(file, monkeypatch, content):
    monkeypatch.setattr(calibration, "measure", lambda device: BOTH)
    file.parent.mkdir()
    file.write_text(content.replace("KEY", key()))
    assert remembered.plan(CPU) == BOTH.quickest
    (kept,) = json.loads(file.read_text()).values()
    assert kept == dataclasses.asdict(BOTH)


def test_plans_of_other_machines_stay_in_the_file(file, monkeypatch):
    monkeypatch.setattr(calibration, "measure", lambda device: BOTH)
    file.parent.mkdir()
    other = {"another machine": dataclasses.asdict(Found(PLAIN, PLAIN))}
    file.write_text(json.dumps(other | {"a third": "not a plan"}))
    remembered.plan(CPU)
    assert json.loads(file.read_text()).items() >= other.items()


def test_what_is_found_in_a_busy_moment_is_found_out_anew_after_an_hour(file, monkeypatch):
    clock = [1_000_000.0]
    monkeypatch.setattr(plan.time, "time", lambda: clock[0])
    busy = Found(PLAIN, PLAIN, until=clock[0] + plan.AGAIN)
    left = [busy, BOTH]
    monkeypatch.setattr(calibration, "measure", lambda device: left.pop(0))
    for wait, expected in ((0, busy), (3599, busy), (2, BOTH), (1e9, BOTH)):
        clock[0] += wait
        remembered._found.cache_clear()  # another process
        assert remembered.plan(CPU) == expected.quickest


def test_a_plan_from_a_clock_that_went_wrong_is_found_out_anew():
    assert not Found(PLAIN, PLAIN, until=plan.time.time() + 10 * plan.AGAIN).holds()


def test_a_benchmark_has_its_machine_found_out_anew_and_no_other(file, monkeypatch):
    left = [BOTH, Found(PLAIN, PLAIN)]
    monkeypatch.setattr(calibration, "measure", lambda device: left.pop(0))
    assert remembered.plan(CPU) == BOTH.quickest
    others = json.loads(file.read_text())
    file.write_text(json.dumps(others | {"another machine": others[key()]}))
    remembered.forget(CPU, torch.get_num_threads())
    assert list(json.loads(file.read_text())) == ["another machine"]
    remembered._found.cache_clear()
    assert remembered.plan(CPU) == PLAIN


def test_a_plan_holds_for_one_device_pytorch_and_code_alone(monkeypatch):
    keys = {key(), remembered._key(CPU, 99)}
    monkeypatch.setattr(torch, "__version__", "another")
    keys.add(key())
    monkeypatch.setattr(remembered, "has_bfloat16", lambda device: None)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "another")
    keys.add(key())
    monkeypatch.setattr(remembered, "fusion", lowering)
    keys.add(key())
    monkeypatch.setattr(remembered, "backends", lambda device: ("plain", "openvino"))
    monkeypatch.setattr(remembered.importlib.metadata, "version", lambda package: f"{package} of another day")
    keys.add(key())
    assert len(keys) == 6


def test_an_openvino_whose_version_nobody_knows_has_a_plan_too(monkeypatch):
    def missing(package):
        raise remembered.importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(remembered, "backends", lambda device: ("plain", "openvino"))
    monkeypatch.setattr(remembered.importlib.metadata, "version", missing)
    assert "openvino unknown" in key()


def test_devices_that_are_not_known_are_run_plainly(monkeypatch):
    monkeypatch.setattr(remembered, "_found", lambda *given: pytest.fail("nothing is found out there"))
    assert remembered.plan(torch.device("mps")) == PLAIN


@pytest.mark.parametrize(
    "wrong", [{"backend": "gone"}, {"dtype": "float99"}, {"chunk_pixels": 0}, {"chunk_pixels": "1"}]
)
def test_a_plan_that_nothing_can_follow_is_refused(wrong):
    with pytest.raises(ValueError, match="plan"):
        Plan(**wrong)


def test_two_threads_find_it_out_once(file, monkeypatch):
    asked = []
    monkeypatch.setattr(calibration, "measure", lambda device: asked.append(device) or BOTH)
    others = [threading.Thread(target=remembered.plan, args=(CPU,)) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert asked == [CPU]


def test_where_nothing_can_be_written_the_plan_serves_all_the_same(file, monkeypatch):
    monkeypatch.setattr(calibration, "measure", lambda device: BOTH)
    file.parent.write_text("a file where the folder would be")
    assert remembered.plan(CPU) == BOTH.quickest
