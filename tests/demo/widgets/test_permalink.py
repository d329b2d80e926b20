"""Permalinks: a link restores a tab, exact to the pixel, or is refused in one sentence."""

import dataclasses
import json
import re
from html import unescape
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from demo.compute import answers, samples
from demo.tabs import blind_test, compare, learn, photo, photo_events, train, train_events
from demo.widgets import labs, permalink
from demo.widgets.permalink import Links

SETTINGS = {
    "noise": "speckle", "clip": "0", "sigma": "0.25", "seed": str(2**53 - 1),
    "weights": "notmnist", "decoders": "bilinear", "view": "spectra",
}  # fmt: skip
VALUES = ("speckle", False, 0.25, 2**53 - 1, "notmnist", ["bilinear"], "spectra")


@pytest.fixture(scope="module")
def page():
    """Return the links and the linked tabs of a page with every tab."""
    tabs = {}
    with gr.Blocks() as blocks:
        links = Links(blocks, "compare")
        for name, tab in (
            ("compare", lambda: compare.linked(compare.tab())),
            ("film", lambda: None),
            ("train", train.tab),
            ("photo", lambda: photo.linked(photo.tab())),
            ("benchmark", lambda: None),
            ("blind", blind_test.tab),
            ("learn", learn.tab),
        ):
            with gr.Tab(name, id=name) as opened:
                tabs[name] = tab()
            links.join(opened, tabs[name])
        links.connect()
    return SimpleNamespace(links=links, **tabs)


def request(query):
    return SimpleNamespace(query_params=query, session_hash="visitor")


def follow(page, query):
    """Return the updates that a link makes: values by component."""
    steps = list(page.links.restore(request(query)))
    assert steps
    if not isinstance(steps[0], dict) or "__type__" in steps[0]:
        return steps[0]
    return {component: value for step in steps for component, value in step.items()}


def links_in(html):
    """Return the settings that a tab's HTML holds for links."""
    found = {}
    for text in re.findall('data-link="([^"]*)"', html):
        found |= json.loads(unescape(text))
    return found


def test_an_image_comes_back_as_it_was():
    picture = np.random.default_rng(0).integers(0, 256, (28, 20), dtype=np.uint8)
    assert (permalink.read_image(permalink.write_image(picture)) == picture).all()


def test_settings_and_a_drawing_come_back_and_give_the_same_pixels(page):
    picture = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    html, scores = compare.show(picture, *VALUES)
    found = follow(page, SETTINGS | links_in(html))
    image, board, data, strip = page.compare.outputs
    assert (found[image] == picture).all()
    assert tuple(found[one] for one in page.compare.components.values()) == VALUES
    assert re.findall("src=[^ ]+", found[board]) == re.findall("src=[^ ]+", html)
    assert {name: row["psnr"] for name, row in found[data].items()} == {
        name: row["psnr"] for name, row in scores.items()
    }
    noise, clip, sigma, _, *family_and_decoders, _ = VALUES
    assert found[strip] == compare.redraw(picture, noise, clip, sigma, *family_and_decoders)
    assert "draw-strip" in found[strip]


@pytest.mark.parametrize("index", [0, -1])
def test_a_sample_is_linked_by_its_name(page, index):
    sample = samples.samples()[index]
    html, _ = compare.show(sample.image, *VALUES)
    assert links_in(html) == {"sample": sample.name}
    assert (follow(page, SETTINGS | links_in(html))[page.compare.outputs[0]] == sample.image).all()


def test_every_sample_has_a_name_of_its_own():
    names = [sample.name for sample in samples.samples()]
    assert all(names)
    assert len(set(names)) == len(names)


def test_a_large_image_is_left_out_of_the_link_and_the_page_says_so():
    html, _ = compare.show(np.zeros((65, 30), np.uint8), *VALUES)
    assert links_in(html) == {}
    assert 'data-link-lacks="the image"' in html
    assert "data-link-lacks" not in compare.show(np.zeros((28, 28), np.uint8), *VALUES)[0]


@pytest.mark.parametrize(
    "query", [{}, {"__theme": "dark"}, {"tab": "benchmark", "sigma": "0.1"}, {"tab": "learn"}]
)
def test_a_visit_without_settings_changes_nothing(page, query):
    assert follow(page, query) == gr.skip()


def test_what_a_link_lacks_is_as_the_page_opens(page):
    found = follow(page, {"sigma": "0.1"})
    values = {name: found[one] for name, one in page.compare.components.items()}
    assert values["sigma"] == 0.1
    assert (values["noise"], values["clip"], values["view"]) == ("gaussian", True, "pictures")
    assert values["decoders"] == list(answers.FIRST_ARMS)


def test_a_link_of_photo_names_a_sample_and_never_holds_an_upload(page, monkeypatch):
    asked = []
    monkeypatch.setattr(
        photo, "from_link", lambda *given: asked.append(given[:2]) or iter([("html",) * 5])
    )
    query = {
        "tab": "photo", "sample": "page", "task": "clean", "kind": "page", "sigma": "10",
        "percent": "40", "part": "half",
    }  # fmt: skip
    found = follow(page, query)
    # the whole sample: only uploads have parts
    settings = {"task": "clean", "kind": "page", "sigma": 10, "seed": 0, "percent": 40}
    assert asked == [("page.png", photo_events.FIRST | settings)]
    assert "part" not in page.photo.settings
    image, *_ = page.photo.outputs
    assert (found[image] == photo_events.sample("page.png")[0]).all()
    level = found[page.photo.components["sigma"]]
    assert (level["value"], level["label"][:15]) == (10, "Noise to remove")
    assert photo_events._link(photo_events._file("page.png")) == {"sample": "page"}
    file = photo_events._file("page.png")
    assert photo_events._link(dataclasses.replace(file, pixels=file.pixels[::-1])) == {}


def test_a_link_of_train_has_its_settings_and_starts_no_training(page, monkeypatch):
    monkeypatch.setattr(train_events, "Race", None)
    query = {"tab": "train", "first": "bilinear", "sigma": "0.5", "blind": "1", "seconds": "20"}
    found = follow(page, query)
    given = {name: found[one] for name, one in page.train.components.items()}
    assert given["first"] == "bilinear"
    assert (given["sigma"], given["blind"], given["seconds"], given["seed"]) == (0.5, True, 20, 0)
    assert set(found) == set(page.train.components.values())


def test_a_link_of_the_blind_test_has_the_rounds_and_the_sender_s_score(page):
    found = follow(page, {"tab": "blind", "images": "mnist", "noise": "0.2", "seed": "5",
                          "found": "3"})  # fmt: skip
    (board,) = page.blind.outputs
    assert [found[one] for one in page.blind.components.values()] == ["mnist", 0.2]
    assert 'data-seed="5"' in found[board]
    assert "The sender of this link found 3 of these 10." in found[board]
    assert links_in(found[board]) == {"seed": 5}


def test_a_link_of_learn_has_the_lessons_and_the_labs(page):
    pool = "16_15_14_13_12_11_10_9_8_7_6_5_4_3_2_1"
    found = follow(page, {"tab": "learn", "factor": "3", "lab-size": "4", "pool": pool})
    decoder, pooling, *_ = page.learn.outputs
    shown = " ".join(str(value) for value in found.values())
    assert "bilinear, 9x9" in shown
    assert json.loads(unescape(re.search('data-settings="([^"]+)"', found[decoder])[1])) == {
        "lab-size": "4"
    }
    assert json.loads(unescape(re.search('data-settings="([^"]+)"', found[pooling])[1])) == {
        "pool": [*range(16, 0, -1)]
    }


def test_a_lab_s_valid_settings_are_those_of_its_template():
    parsers = labs.settings("decoder-lab")
    assert set(parsers) == {
        "lab-pattern", "lab-preset", "lab-size", "lab-stride", "lab-framework", "lab-view",
        "weights",
    }  # fmt: skip
    assert parsers["lab-size"]("5") == "5"
    assert parsers["lab-framework"]("keras") == "keras"


def test_the_first_result_gives_way_to_a_valid_link_of_its_own_tab_alone(page):
    assert page.links.sets("photo", request({"tab": "photo", "sigma": "10"}))
    for query in ({}, {"sigma": "0.1"}, {"tab": "photo"}, {"tab": "photo", "sigma": "loud"}):
        assert not page.links.sets("photo", request(query))


def test_no_two_settings_of_a_tab_share_a_name_and_none_is_that_of_the_tab(page):
    for linked in (page.compare, page.train, page.photo, page.blind, page.learn):
        assert permalink.TAB not in linked.settings
        assert len(set(linked.components.values())) == len(linked.components)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"tab": "cats"}, "The link names no tab of this page: 'cats'; valid: compare, "),
        ({"sigma": "loud"}, "Sigma in the link: 'loud' is not a number"),
        ({"sigma": "nan"}, "Sigma in the link: nan is not a number from 0 to 0.6"),
        ({"sigma": "0.7"}, "Sigma in the link: 0.7 is not a number from 0 to 0.6"),
        ({"seed": "1.5"}, "Seed in the link: the seed 1.5 is not a whole number"),
        ({"clip": "maybe"}, "Clip in the link: 'maybe' is neither 0 nor 1"),
        ({"noise": "<b>"}, "Noise in the link: '&lt;b&gt;' is not one of gaussian"),
        ({"weights": "cats"}, "Weights in the link: 'cats' is not one of mnist"),
        ({"decoders": "cats"}, "Decoders in the link: 'cats' is not one of nearest"),
        ({"decoders": ""}, "No decoder of mnist is chosen"),
        ({"view": "cats"}, "View in the link: 'cats' is not one of pictures"),
        ({"sample": "cats"}, "Sample in the link: 'cats' is no sample of this page"),
        ({"picture": "iVBORw0KGgo"}, "copy the whole link"),
        ({"picture": "é"}, "copy the whole link"),
        ({"picture": "A" * 9_000}, "copy the whole link"),
        ({"tab": "photo", "sample": "../camera"}, "'../camera' is no sample of this page"),
        ({"tab": "photo", "sigma": "-1"}, "-1 is not a number from 0 to"),
        ({"tab": "train", "first": "cats"}, "First in the link: 'cats' is not one of"),
        ({"tab": "train", "sigma": "5"}, "Sigma in the link: 5 is not a number from 0.1 to 0.8"),
        ({"tab": "photo", "percent": "101"}, "Percent in the link: 101 is not a number from 0 to"),
        ({"tab": "blind", "noise": "3"}, "Noise in the link: '3' is not one of 0.2"),
        ({"tab": "blind", "seed": "-1"}, "Seed in the link: the seed is not in 0"),
        ({"tab": "blind", "found": "11"}, "Found in the link: 11 is more than 10"),
        ({"tab": "learn", "lab-size": "9"}, "Lab-size in the link: '9' is not one of 1, 2"),
        ({"tab": "learn", "weights": "1_x"}, "Weights in the link: 'x' is not a number"),
        ({"tab": "learn", "weights": "nan"}, "a number is not in -1000 to 1000"),
        ({"tab": "learn", "pool": "_".join("1" * 99)}, "more than 34 numbers"),
    ],
)
def test_a_link_that_cannot_be_followed_is_answered_in_one_sentence(page, asked, said):
    with pytest.raises(gr.Error, match=re.escape(said)) as refused:
        follow(page, asked)
    assert "\n" not in refused.value.message


def test_a_link_with_a_larger_image_is_refused(monkeypatch):
    assert permalink.write_image(np.zeros((65, 4), np.uint8)) == ""
    with monkeypatch.context() as patch:
        patch.setattr(permalink, "LARGEST_SIDE", 65)
        text = permalink.write_image(np.zeros((65, 4), np.uint8))
    with pytest.raises(ValueError, match="more than 64 pixels a side"):
        permalink.read_image(text)
