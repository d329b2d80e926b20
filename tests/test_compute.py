"""Networks run in one thread, whichever thread of the page asks."""

import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from demo.answers import compare
from demo.compute import alone
from demo.page import build
from demo.photographs import add_and_clean, clean


@alone
def thread():
    return threading.get_ident()


def test_every_thread_that_asks_is_answered_by_the_same_one():
    with ThreadPoolExecutor(4) as others:
        found = {*others.map(lambda _: thread(), range(8)), thread()}
    assert len(found) == 1
    assert threading.get_ident() not in found


def test_what_computes_may_ask_for_more():
    assert alone(lambda: (thread(), threading.get_ident()))() == (thread(),) * 2


def test_errors_reach_who_asked():
    @alone
    def fails():
        raise ValueError("as it was said")

    with pytest.raises(ValueError, match="as it was said"):
        fails()


def test_what_is_known_of_the_request_goes_along():
    request = contextvars.ContextVar("request", default="none")
    request.set("this one")
    assert alone(request.get)() == "this one"


@pytest.mark.parametrize("function", [build, compare, clean, add_and_clean])
def test_all_that_runs_networks_does_so_there(function):
    assert function.__wrapped__.__name__ == function.__name__
