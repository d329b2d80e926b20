"""Events of the Train tab."""

import contextlib
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from demo.compute.race import Point, Race
from demo.compute.turns import Turns
from demo.tabs import train_events
from demo.tabs.train_events import add, drawn_last, failed, follow, stop
from demo.widgets.drawing_pad import DrawingPad
from demo.widgets.drawings import Drawings, read_drawings

VISITOR = SimpleNamespace(session_hash="a-visitor")
SETTINGS = ("nearest", "bilinear", "unet", "glyphs", 0.4, False, 10, 0, [])


@pytest.fixture(autouse=True)
def line(monkeypatch):
    """Give the tab a waiting line of its own for each test, and no pauses."""
    made = Turns(2)
    monkeypatch.setattr(train_events, "LINE", made)
    monkeypatch.setattr(train_events, "MOMENT", 0)
    return made


@pytest.fixture
def quick(monkeypatch):
    """Replace the training by two points and an end."""

    def steps(race):
        for number in (1, 2):
            race.points.append(Point(100 * number, number, (20.0, 21.0)))
            yield
        race.end, race.scores, race.counts = "time", [20.0, 21.0], [5, 5]
        race.commands, race.archive = ["one", "other"], b"PK"

    monkeypatch.setattr(Race, "steps", steps)


def boards(outputs):
    return [board for board, *_ in outputs]


def test_a_training_ends_with_sentence_commands_and_archive(quick):
    outputs = list(follow(*SETTINGS, VISITOR))
    assert [board["phase"] for board in boards(outputs)] == ["training"] * 3 + ["ended"]
    board, go, end, file = outputs[-1]
    assert board["said"].startswith("Done after 200 images")
    assert board["commands"] == ["one", "other"]
    assert (go["interactive"], end["interactive"], file["value"]) == (True, False, b"PK")


def test_only_the_beginning_and_the_end_are_announced(quick):
    said = [board["said"] for board in boards(follow(*SETTINGS, VISITOR))]
    assert said[0] == said[1] == said[2] == "The training runs."


def test_while_it_runs_only_stop_can_be_pressed(quick):
    _, go, end, file = next(follow(*SETTINGS, VISITOR))
    assert (go["interactive"], end["interactive"], file["interactive"]) == (False, True, False)


def test_a_visitor_in_line_sees_how_many_trainings_are_ahead(quick, line):
    with contextlib.ExitStack() as other:
        other.enter_context(line.joined())
        outputs = follow(*SETTINGS, VISITOR)
        board = next(outputs)[0]
        assert board["line"] == "1 training is before yours, of about a minute each."
        assert board["phase"] == "waiting"
    assert next(outputs)[0]["phase"] == "training"


def test_stop_leaves_the_line(quick, line):
    with line.joined():
        outputs = follow(*SETTINGS, VISITOR)
        next(outputs)
        stop(VISITOR)
        (last,) = boards(outputs)
    assert last["line"] == "Stopped before the training began."


def test_a_full_line_is_one_sentence(quick, line):
    with line.joined(), line.joined(), pytest.raises(gr.Error, match="2 trainings run or wait"):
        next(follow(*SETTINGS, VISITOR))


def test_a_second_training_of_a_visitor_stops_the_first(quick):
    first = follow(*SETTINGS, VISITOR)
    next(first)
    race = train_events._latest["a-visitor"]
    second = follow(*SETTINGS, VISITOR)
    next(second)
    assert race.stopped
    second.close()
    first.close()
    assert not train_events._latest


def test_a_visitor_who_leaves_makes_room(quick, line):
    outputs = follow(*SETTINGS, VISITOR)
    next(outputs)
    outputs.close()
    with line.joined() as ahead:
        assert ahead() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("nearest", "nearest", *SETTINGS[2:]), "Both decoders are the same"),
        ((*SETTINGS[:3], "drawings", *SETTINGS[4:]), "There is no drawing"),
        ((*SETTINGS[:6], 600, *SETTINGS[7:]), "Seconds is 600; valid: 10 to 60"),
    ],
)
def test_bad_input_is_one_sentence(settings, words):
    with pytest.raises(gr.Error, match=words):
        next(follow(*settings, VISITOR))
    assert failed()[0]["line"] == "Nothing was trained: see the error message."


def test_a_drawing_is_added_and_the_pad_wiped(monkeypatch):
    drawing = np.zeros((280, 280), np.uint8)
    drawing[40:200, 120:150] = 255
    drawn, pad = add(drawing, [np.zeros((28, 28), np.uint8)])
    assert pad is None
    assert [image.shape for image in drawn] == [(28, 28)] * 2
    said = []
    monkeypatch.setattr(train_events, "tell", said.append)
    add(drawing * 0, [])
    assert said == ["The pad is empty: draw a digit or a letter."]
    with pytest.raises(gr.Error, match="There are 40 drawings already"):
        add(drawing, [drawn[0]] * 40)


def test_removed_drawings_change_the_choice_of_images():
    assert drawn_last([1])["value"] == "drawings"
    assert drawn_last([])["value"] != "drawings"


def test_components_of_the_tab_can_be_outputs_without_a_change():
    for made in (Drawings(), DrawingPad("a-pad")):
        # Gradio makes an output that is skipped again from its arguments
        again = type(made)(**made.constructor_args | {"render": False})
        assert again.elem_id == made.elem_id


def test_drawings_are_the_same_after_the_way_to_the_browser_and_back():
    images = [np.arange(784, dtype=np.uint8).reshape(28, 28)]
    component = Drawings()
    (back,) = component.preprocess(component.postprocess(images))
    assert np.array_equal(back, images[0])
    assert component.preprocess(None) == []


@pytest.mark.parametrize("value", ["text", [1], ["!"], ["AAAA"], [None], {}, ["A"] * 41])
def test_other_values_are_no_drawings(value):
    with pytest.raises(gr.Error):
        read_drawings(value)
