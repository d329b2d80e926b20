"""The port opens before calibration: first results are computed and networks prepared behind it."""

import threading
from types import SimpleNamespace

import pytest

from demo import warm


@pytest.fixture
def fresh(monkeypatch):
    """A process that has prepared nothing, with one network, which notes how it is loaded and prepared."""
    done = []

    def load(name, device, precision):
        return SimpleNamespace(precision=precision, prepare=lambda: done.append(f"{name} {precision}"))

    monkeypatch.setattr(warm, "_ready", threading.Event())
    monkeypatch.setattr(warm, "_begun", threading.Lock())
    monkeypatch.setattr(warm, "_loaded", load)
    monkeypatch.setattr(warm.denoise, "names", lambda: ["net"])
    return done


def begin(*first):
    """Begin, and wait until all is done."""
    warm.begin(*first)
    for thread in threading.enumerate():
        if thread.name == "warm":
            thread.join()


def test_a_network_runs_plainly_until_the_quickest_way_is_known(fresh):
    assert warm.network("net").precision == "float32"
    begin()
    assert warm.ready()
    assert warm.network("net").precision == "auto"


def test_first_results_come_before_calibration_and_once_more_after_it(fresh):
    begin(lambda: fresh.append("first"))
    assert fresh == ["first", "net auto", "first"]


def test_preparation_begins_once(fresh):
    begin()
    begin(lambda: fresh.append("again"))
    assert fresh == ["net auto"]


def test_beginning_does_not_wait(fresh):
    hold = threading.Event()
    warm.begin(hold.wait)
    assert not warm.ready()
    hold.set()
    begin()


def test_an_error_is_logged_and_the_other_steps_follow(fresh, caplog):
    def broken():
        raise ValueError("the weights are cut short")

    begin(broken, lambda: fresh.append("first"))
    assert fresh == ["first", "net auto", "first"]
    assert "the weights are cut short" in caplog.text


def test_a_first_result_is_computed_once_for_all_visitors_and_anew_when_networks_are_quick(fresh):
    calls = []
    first = warm.Once(lambda: calls.append(None) or len(calls))
    visitors = [threading.Thread(target=first) for _ in range(8)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert (first(), len(calls)) == (1, 1)
    warm._ready.set()
    assert (first(), first(), len(calls)) == (2, 2, 2)


def test_a_first_result_that_failed_is_tried_again(fresh):
    outcomes = [ValueError("not yet"), None]

    def compute():
        if error := outcomes.pop(0):
            raise error
        return "there"

    first = warm.Once(compute)
    with pytest.raises(ValueError, match="not yet"):
        first()
    assert first() == "there"
