"""Many visitors at once, as `python -m demo.load --visitors` measures them."""

# ruff: noqa: F401, F811  fixtures of another module

import httpx
import pytest
from served_page import blocks, image, url, web

from demo import visitors
from demo.visitors import Event, Outcome


def test_the_report_has_the_quantiles_of_the_moves_in_milliseconds():
    moves = [number / 1000 for number in range(1, 102)]
    assert Outcome(moves, 0.2, 3.14).report() == {
        "moves": 101,
        "move_ms_p50": 51,
        "move_ms_p95": 96,
        "move_ms_max": 101,
        "photograph_busy_sign_ms": 200,
        "photograph_seconds": 3.1,
    }


@pytest.mark.slow
def test_sliders_are_moved_until_the_photograph_is_denoised(blocks, url, image, monkeypatch):
    monkeypatch.setattr(visitors, "PAUSE", (0.0, 0.01))
    outcome = visitors.visit(url, 3, image["path"], image["path"])
    assert outcome.moves
    assert 0 < outcome.busy < outcome.photograph


@pytest.mark.slow
def test_a_photograph_that_takes_too_long_is_left(blocks, url, image, monkeypatch):
    monkeypatch.setattr(visitors, "LONGEST", 0)
    monkeypatch.setattr(visitors, "PAUSE", (0.0, 0.01))
    report = visitors.visit(url, 2, image["path"], image["path"]).report()
    assert report["photograph_seconds"] is None


@pytest.mark.slow
def test_an_event_that_fails_is_an_error(blocks, url):
    config = httpx.get(f"{url}config").json()
    event = visitors._event(config, visitors.COMPARE)
    with httpx.Client(base_url=url, timeout=60) as browser:
        with pytest.raises(ValueError, match="rejected"):
            list(visitors._messages(browser, 10_000, [], "visitor"))
        values = event.values()
        values[event.place("image")] = visitors._file("/etc/hostname")
        with pytest.raises(ValueError, match="failed"):
            list(visitors._messages(browser, event.number, values, "visitor"))


def test_the_events_of_a_page_are_found_by_their_names_and_their_places():
    config = {
        "components": [
            {"id": 1, "type": "image", "props": {"value": None}},
            {"id": 2, "type": "slider", "props": {"value": 0.4, "minimum": 0, "maximum": 1}},
        ],
        "dependencies": [
            {"id": 7, "api_name": "compare", "inputs": [1, 2], "targets": []},
            {"id": 8, "api_name": "clean", "inputs": [1, 2], "targets": []},
            {"id": 9, "api_name": "arrived", "inputs": [1], "targets": [[1, "upload"]]},
        ],
    }
    compare = visitors._event(config, "compare")
    assert (compare.number, compare.values(), compare.place("slider")) == (7, [None, 0.4], 1)
    assert visitors._uploading(config) == Event(9, config["components"][:1])
