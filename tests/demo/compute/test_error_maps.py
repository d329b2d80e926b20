"""Further views of a comparison: before and after, differences, spectra."""

import re

import numpy as np
import pytest

from demo.compute import answers, error_maps
from demo.widgets import comparison

GRAY = np.full((28, 28), 128, np.uint8)
CHECKERBOARD = (GRAY + 60 * (np.indices((28, 28)).sum(0) % 2)).astype(np.uint8)


@pytest.fixture(scope="module")
def compared():
    return answers.compare(GRAY, "gaussian", True, 0.3, 0, "mnist")


def test_where_nothing_differs_a_difference_is_white():
    assert (error_maps.difference(GRAY, GRAY) > 240).all()


def test_too_bright_is_red_and_too_dark_is_blue():
    differ = CHECKERBOARD != GRAY
    for picture, clean, sign in ((CHECKERBOARD, GRAY, 1), (GRAY, CHECKERBOARD, -1)):
        red, _, blue = np.moveaxis(error_maps.difference(picture, clean)[differ].astype(int), -1, 0)
        assert (sign * (red - blue) > 50).all()


def test_a_checkerboard_is_a_bright_dot_in_the_corner_and_the_mean_in_the_middle():
    lit = error_maps.spectrum(CHECKERBOARD, GRAY).sum(-1) > 300
    assert sorted(zip(*np.nonzero(lit), strict=True)) == [(0, 0), (14, 14)]


def test_every_view_shows_every_answer_and_says_how_it_is_read(compared):
    for view in error_maps.VIEWS:
        html = comparison.board(compared, "as set", view, {})
        assert html.count("<figure") == len(compared)
        assert error_maps.EXPLAINED[view] in html.replace("&#x27;", "'")


def test_the_clean_picture_stays_and_the_others_are_drawn_otherwise(compared):
    for view in ("differences", "spectra"):
        clean, *others = error_maps.shown(view, compared)
        assert (clean == GRAY).all()
        assert all(picture.shape == (28, 28, 3) for picture in others)


def test_before_and_after_lays_the_noisy_picture_over_each_answer(compared):
    pictures = re.findall(r'src="([^"]+)"', comparison.board(compared, "", "pictures", {}))
    over = re.findall(r'class="before" src="([^"]+)"', comparison.board(compared, "", "wipe", {}))
    assert over == [pictures[1]] * (len(compared) - 2)
