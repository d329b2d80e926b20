"""Invalid calls of the page: each gets one sentence with the valid values, no traceback."""

# ruff: noqa: F401, F811  fixtures of another module

import asyncio
import json
import math
import socket
import time

import gradio as gr
import pytest
from gradio.state_holder import SessionState
from served_page import JSON, SETTINGS, blocks, call, fetched, image, quiet, web

from demo.guard import calls, refusals, uploads

WRONG = (
    True,
    "x",
    [],
    {},
    math.inf,
    math.nan,
    -1,
    10**400,
    [[1]],
    ["<img src=x>"],
    {"a": 1},
    "A" * 9_000,
    {"path": "/etc/hosts"},
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "at"),
    [(name, at) for name, settings in SETTINGS.items() for at in range(len(settings) + 1)],
)
def test_each_input_that_is_wrong_is_answered_with_a_sentence(call, image, name, at):
    data = [image, *SETTINGS[name]]
    for wrong in (None, *WRONG):
        status, answer = call(name, [*data[:at], wrong, *data[at + 1 :]])
        assert status == "event"
        if answer.startswith("event: complete"):
            assert wrong is None or wrong is True or wrong == [], wrong
            continue
        said = json.loads(answer.partition("data: ")[2])["error"]
        assert said.endswith((".", "…")), (wrong, answer)
        assert said[0].isupper()
        assert len(said) < 4 * refusals.LONGEST
        assert "<" not in said


def test_the_functions_of_the_page_refuse_what_no_component_can_send(blocks):
    asked = {}
    for function in blocks.fns.values():
        if function.fn is not None:
            asked.setdefault(getattr(function.fn, "__wrapped__", function.fn).__name__, function)
    state = SessionState(blocks)
    values = {
        block._id: _sent(block) for block in blocks.blocks.values() if hasattr(block, "preprocess")
    }
    for name, function in asked.items():
        for at in range(len(function.inputs)):
            for wrong in (math.nan, -5, "<img src=x>", [[1]], {"path": "/etc/hosts"}, 10**400):
                data = [values[block._id] for block in function.inputs]
                data[at] = wrong
                refused = _refused(blocks, function, data, state)
                assert refused is None or not refused.print_exception, (name, wrong)
                assert refused is None or "<" not in refused.message


def _refused(blocks, function, data, state):
    """Return the `gradio.Error` of a rejected call, or None for an accepted call."""
    try:
        asyncio.run(blocks.preprocess_data(function, data, state))
    except gr.Error as error:
        return error
    return None


def _sent(block):
    value = block.value
    return value.model_dump() if hasattr(value, "model_dump") else value


@pytest.mark.parametrize(
    "chosen",
    [
        None,
        1,
        {},
        {"index": "x", "value": 1},
        {"index": 99, "value": None},
        {"index": [0, 1], "value": 1},
    ],
)
def test_a_choice_that_is_not_on_the_page_is_refused_in_a_sentence(web, blocks, chosen):
    choosing = [number for number, function in blocks.fns.items() if function.collects_event_data]
    assert len(choosing) >= 3
    for number in choosing:
        body = {
            "fn_index": number,
            "session_hash": f"choice{number}",
            "event_data": chosen,
            "data": [component.value for component in blocks.fns[number].inputs],
        }
        assert web.post("gradio_api/queue/join", json=body).status_code == 200
        answer = web.get("gradio_api/queue/data", params={"session_hash": f"choice{number}"}).text
        assert "The chosen item is not on this page." in answer


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("call/nope", '{"data": []}', 404, "unknown function 'nope'; valid: /compare /clean"),
        ("call/compare", "", 400, "the body is not valid JSON"),
        ("call/compare", "[" * 90_000, 400, "the body is not valid JSON"),
        ("call/compare", "[]", 400, "the body is not a JSON object"),
        ("call/compare", "{}", 400, "data: Field required"),
        ("call/compare", '{"data": {}}', 400, "data: Input should be a valid list"),
        (
            "call/clean",
            '{"data": [1, 2]}',
            400,
            "data: 6 values are required (picture, task, kind, sigma, seed, part), not 2",
        ),
        (
            "call/clean",
            '{"data": [1, 2, 3, 4, 5, 6, 7]}',
            400,
            "data: 6 values are required (picture, task, kind, sigma, seed, part), not 7",
        ),
        (
            "call/clean",
            '{"data": [], "session_hash": "a b"}',
            400,
            "session_hash is not 1 to 64 letters, digits, _ or -",
        ),
        ("call/v2/nope", "{}", 404, "unknown function 'nope'; valid: /compare /clean"),
        (
            "call/v2/clean",
            '{"photo": 1}',
            400,
            "unknown name 'photo'; valid: picture, task, kind, sigma, seed, part",
        ),
        (
            "call/v2/clean",
            "[]",
            400,
            "the body is not a JSON object; valid names: picture, task, kind, sigma, seed, part",
        ),
        (
            "queue/join",
            '{"data": [], "fn_index": 999, "session_hash": "a"}',
            404,
            "unknown function 999",
        ),
        (
            "queue/join",
            '{"data": [], "fn_index": "x", "session_hash": "a"}',
            400,
            "fn_index: Input should be a valid integer",
        ),
        ("queue/join", '{"data": []}', 400, "session_hash and fn_index are required"),
        (
            "run/predict",
            '{"data": [], "fn_index": 999}',
            404,
            "unknown function 999",
        ),
        ("cancel", "{}", 400, "session_hash: Field required"),
    ],
)
def test_a_call_of_another_form_is_answered_with_what_is_valid(web, path, body, status, said):
    answer = web.post(f"gradio_api/{path}", content=body, headers=JSON)
    assert (answer.status_code, answer.text[: len(said)]) == (status, said)


def test_a_body_that_is_not_said_to_be_json_is_answered_with_the_header_that_is_missing(web):
    answer = web.post("gradio_api/call/clean", data={"data": "[]"})
    assert (answer.status_code, "Content-Type: application/json" in answer.text) == (415, True)


def test_a_refusal_of_a_function_that_skips_the_queue_is_no_fault_of_the_server(web, blocks):
    (number,) = (number for number, function in blocks.fns.items() if function.api_name == "text")
    answer = web.post("gradio_api/run/predict", json={"fn_index": number, "data": [7]})
    assert answer.status_code == 400
    assert "7 is not a text of at most 2,000 characters" in answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "call/compare/0123456789abcdef0123456789abcdef",
        "queue/data?session_hash=nobody",
        "queue/data",
    ],
)
def test_an_answer_that_is_not_there_is_said_to_be_missing(web, path):
    answer = web.get(f"gradio_api/{path}")
    assert (answer.status_code, answer.text) == (404, calls.NO_ANSWER)


def test_an_answer_is_fetched_once(web):
    asked = web.post("gradio_api/call/draw", json={"data": [None]}).json()["event_id"]
    assert fetched(web, "draw", asked).startswith("event: complete")
    assert web.get(f"gradio_api/call/draw/{asked}").status_code == 404


PART = '--q\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nabc'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", "{}"),
        ("multipart/form-data", "abc"),
        ("multipart/form-data; boundary=q", "abc"),
        ("multipart/form-data; boundary=q", PART),  # truncated
        ("multipart/form-data; boundary=q", PART.replace('; filename="a"', "") + "\r\n--q--\r\n"),
        ("multipart/form-data; boundary=q", PART.replace("files", "file") + "\r\n--q--\r\n"),
        ("multipart/form-data; boundary=q", PART.replace('"a"', '".."') + "\r\n--q--\r\n"),
    ],
)
def test_an_upload_of_another_form_is_refused_in_words(web, kind, body):
    answer = web.post("gradio_api/upload?upload_id=x", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert len(answer.text) > 20


def test_an_upload_that_breaks_off_is_no_fault_of_the_server_and_its_part_is_swept(web, blocks):
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n"
    kind = "Content-Type: multipart/form-data; boundary=q\r\n\r\n"
    others = set(uploads.folder().rglob("*"))
    with socket.create_connection(("127.0.0.1", blocks.server_port)) as connection:
        connection.sendall((head + kind + PART).encode())
        until = time.monotonic() + 60
        while not set(uploads.folder().rglob("*")) - others and time.monotonic() < until:
            time.sleep(0.01)
    parts = set(uploads.folder().rglob("*")) - others
    assert parts
    uploads.sweep({str(path) for path in others}, now=time.time() + uploads.OLDEST + 60)
    assert not any(part.exists() for part in parts)
    assert web.get("config").status_code == 200


def test_without_room_on_the_disk_no_upload_is_taken(web, monkeypatch):
    monkeypatch.setattr(uploads, "LEAST_FREE", 2**63)
    assert web.post("gradio_api/upload", files={"files": b"x"}).status_code == 507
