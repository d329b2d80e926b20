"""Single inference thread for all threads of the page."""

import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from demo.compute import results, samples, worker
from demo.compute.answers import compare
from demo.compute.draws import distribution
from demo.compute.photographs import add_and_clean, clean
from demo.compute.worker import Cancelled, alone, giving_way, report, start
from demo.page import build
from denoise.locks import held


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


PATIENCE = 60  # seconds


class Long:
    """A job that runs one operation, waits for the test, and runs another operation."""

    def __init__(self, work=10, gives_way=True):
        self.begun, self.go, self.done = threading.Event(), threading.Event(), []
        self.gives_way = gives_way
        self.job = start(self.run, work)
        assert self.begun.wait(PATIENCE)

    def run(self):
        if self.gives_way:
            with giving_way():
                self.operations()
        else:
            self.operations()
        self.done.append("long")

    def operations(self):
        torch.zeros(1)
        self.begun.set()
        assert self.go.wait(PATIENCE)
        torch.zeros(1)


def after(long, work):
    """Start a job of that much work while the long one runs.

    Return the order in which the jobs finish.
    """
    short = start(lambda: long.done.append("short"), work)
    long.go.set()
    long.job.result()
    short.result()
    return long.done


def test_a_long_job_gives_way_to_a_shorter_one_between_two_operations():
    assert after(Long(work=10), 9) == ["short", "long"]


@pytest.mark.parametrize("work", [10, 11])
def test_a_job_does_not_give_way_to_one_that_is_as_long(work):
    assert after(Long(work=10), work) == ["long", "short"]


def test_a_job_gives_way_only_where_it_says_so():
    assert after(Long(gives_way=False), 0) == ["long", "short"]


def test_a_job_that_holds_a_lock_gives_way_only_afterwards():
    lock, done = threading.Lock(), []

    def short():
        with held(lock):
            done.append("short")

    def long():
        with giving_way(), ThreadPoolExecutor(1) as visitor:
            with held(lock):
                waiting = visitor.submit(start, short).result()
                torch.zeros(1)
                done.append("unlocked")
            torch.zeros(1)
        done.append("long")
        return waiting

    job = start(long, work=1)
    assert job.done(PATIENCE)
    job.result().result()
    assert done == ["unlocked", "short", "long"]


def test_a_network_that_many_draws_use_also_answers_the_slider_meanwhile():
    sample = samples.rendered()[0]
    results.network.cache_clear()  # both find the network unprepared
    with ThreadPoolExecutor(1) as visitor:
        family, image = sample.family, sample.image
        draws = visitor.submit(distribution, image, "gaussian", True, 0.4, family, ["nearest"])
        while not draws.done():
            job = start(lambda: compare(image, "gaussian", True, 0.4, 0, family, ["nearest"]))
            assert job.done(PATIENCE)
        assert len(draws.result()["rows"]) == 1


def test_of_those_that_wait_the_shortest_is_next():
    long = Long()
    others = [start(lambda work=work: long.done.append(work), work) for work in (30, 20, 40)]
    long.go.set()
    for other in others:
        other.result()
    assert long.done == ["long", 20, 30, 40]


def test_what_runs_inside_a_long_job_is_not_in_its_inference_mode():
    class Inference(Long):
        @torch.inference_mode()
        def operations(self):
            super().operations()

    long = Inference()
    inside = start(torch.is_inference_mode_enabled)
    long.go.set()
    assert inside.result() is False


def test_a_job_that_is_cancelled_ends_before_its_next_operation():
    long = Long()
    long.job.cancel()
    long.go.set()
    with pytest.raises(Cancelled):
        long.job.result()
    assert long.done == []


def test_a_job_that_is_cancelled_while_it_waits_does_not_begin():
    long, began = Long(), []
    waiting = start(lambda: began.append(True), 20)
    waiting.cancel()
    long.go.set()
    with pytest.raises(Cancelled):
        waiting.result()
    assert began == []


def test_who_waits_can_look_whether_a_job_has_ended_and_which_share_of_it_is_finished():
    class Reporting(Long):
        def operations(self):
            report(0.25)
            super().operations()

    long = Reporting()
    assert (long.job.done(0), long.job.share) == (False, 0.25)
    long.go.set()
    assert long.job.done(PATIENCE)


def test_shorter_jobs_run_while_a_job_waits_for_what_runs_beside_it():
    begun, go = threading.Event(), threading.Event()

    def aside():
        begun.set()
        assert go.wait(PATIENCE)
        return threading.get_ident()

    job = start(lambda: (worker.beside(aside), threading.get_ident()), 10)
    assert begun.wait(PATIENCE)
    here = start(threading.get_ident).result()
    go.set()
    other, own = job.result()
    assert own == here != other


def test_what_runs_beside_no_job_runs_in_the_thread_of_its_caller():
    assert worker.beside(threading.get_ident) == threading.get_ident()


def test_of_the_other_long_jobs_one_is_told_how_many_run_or_wait():
    long = Long()
    waiting, cancelled = (start(lambda: None, work) for work in (20, 30))
    short = start(lambda: None)
    cancelled.cancel()
    assert (worker.others(waiting), worker.others(long.job), worker.others(short)) == (1, 1, 2)
    long.go.set()
    waiting.result()
    assert worker.others(short) == 0


def test_a_job_that_starts_another_one_has_its_answer_at_once():
    assert start(lambda: start(lambda: 3, 10).result()).result() == 3
