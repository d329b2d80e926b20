"""Background preparation: the port opens at once, first results and networks follow."""

import threading
from types import SimpleNamespace

import pytest

from demo.compute import warm


@pytest.fixture
def fresh(monkeypatch):
    """Reset the process to an unprepared state with one network that records its preparation."""
    done = []
    monkeypatch.setattr(warm, "_begun", threading.Lock())
    monkeypatch.setattr(
        warm, "network", lambda name: SimpleNamespace(prepare=lambda: done.append(name))
    )
    return done


def begin(*first):
    """Begin the preparation and wait until it is done."""
    warm.begin(*first, networks=["net"])
    for thread in threading.enumerate():
        if thread.name == "warm":
            thread.join()


def test_first_results_come_before_the_networks_are_prepared(fresh):
    begin(lambda: fresh.append("first"))
    assert fresh == ["first", "net"]


def test_preparation_begins_once(fresh):
    begin()
    begin(lambda: fresh.append("again"))
    assert fresh == ["net"]


def test_beginning_does_not_wait(fresh):
    hold = threading.Event()
    warm.begin(hold.wait)
    assert not fresh
    hold.set()
    begin()


def test_an_error_is_logged_and_the_other_steps_follow(fresh, caplog):
    def broken():
        raise ValueError("the weights are cut short")

    begin(broken, lambda: fresh.append("first"))
    assert fresh == ["first", "net"]
    assert "the weights are cut short" in caplog.text


def test_a_first_result_is_computed_once_for_all_visitors(fresh):
    calls = []
    first = warm.Once(lambda: calls.append(None) or len(calls))
    visitors = [threading.Thread(target=first) for _ in range(8)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert (first(), len(calls)) == (1, 1)


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
