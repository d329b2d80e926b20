"""Waiting line of the trainings."""

import contextlib

import pytest

from demo.compute.turns import Full, Turns


def test_the_first_computes_and_the_others_wait_in_the_order_of_their_arrival():
    line = Turns(3)
    with contextlib.ExitStack() as third, line.joined() as one:
        with line.joined() as two:
            ahead = third.enter_context(line.joined())
            assert (one(), two(), ahead()) == (0, 1, 2)
        assert ahead() == 1  # the second has left


def test_a_visitor_who_leaves_by_an_error_makes_room():
    line = Turns(1)
    with pytest.raises(KeyError), line.joined():
        raise KeyError
    with line.joined() as ahead:
        assert ahead() == 0


def test_a_full_line_takes_nobody_else():
    line = Turns(1)
    with line.joined(), pytest.raises(Full, match="1 trainings run or wait"), line.joined():
        pass
