"""Access from outside: files of the server, hosts, sites, routes, headers, and kept results."""

# ruff: noqa: F401, F811  fixtures of another module

import json
import re
import time
from pathlib import Path

import gradio as gr
import pytest
from gradio import routes
from served_page import JSON, NO_FILE, SETTINGS, blocks, call, fetched, image, quiet, web

from demo import page
from demo.guard import calls, gate, uploads

ROOT = Path(page.__file__).parents[1]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"meta": {"_type": "gradio.FileData"}},
        {"meta": {"_type": "x"}},
        {"is_stream": True},
        {"url": "/x"},
    ],
)
def test_a_file_of_the_server_is_not_read_whatever_a_call_says_of_it(call, name, more):
    told = {
        call(name, [{"path": path, **more}, *SETTINGS[name]])
        for path in (
            str(ROOT / "docs" / "demo-photo.png"),
            "/no/such.png",
            "/etc/hostname",
            f"{uploads.folder()}/../x",
        )
    }
    # the same response for an existing and a missing file
    assert [kind for kind, _ in told] == ["event"]
    assert json.loads(told.pop()[1].partition("data: ")[2])["error"] == NO_FILE


@pytest.mark.parametrize(
    "path",
    [
        "http://127.0.0.1:{port}/gradio_api/app_id",
        "https://127.0.0.1:{port}/",
        "data:image/png;base64,AA",
    ],
)
def test_no_address_is_fetched_for_a_visitor(call, web, blocks, path, monkeypatch):
    fetched = []
    monkeypatch.setattr(
        gr.processing_utils,
        "async_ssrf_protected_download",
        lambda *asked, **_: fetched.append(asked),
    )
    path = path.format(port=blocks.server_port)
    kind, answer = call(
        "clean", [{"path": path, "meta": {"_type": "gradio.FileData"}}, *SETTINGS["clean"]]
    )
    assert (kind, NO_FILE in answer) == ("event", True)
    assert web.get(f"gradio_api/file={path}").status_code == 404
    assert fetched == []


def test_only_uploads_are_sent_back(web, image):
    assert web.get(f"gradio_api/file={image['path']}").status_code == 200
    told = {
        web.get(f"gradio_api/file={path}".replace("..", "%2E%2E")).text.replace(path, "PATH")
        for path in (
            f"{ROOT}/app.py",
            "/no/such/file",
            "/etc/hostname",
            f"{uploads.folder()}/../../etc/hostname",
        )
    }
    assert told == {'{"detail":"File not allowed: PATH."}'}


def test_every_component_that_takes_a_file_checks_its_path(blocks):
    taking = {
        block
        for function in blocks.fns.values()
        for block in function.inputs
        if _names_a_file(block)
    }
    assert len(taking) >= 2
    for block in taking:
        with pytest.raises(gr.Error, match="not an uploaded file"):
            block.preprocess(block.data_model(path=str(ROOT / "docs" / "demo-photo.png")))


def _names_a_file(block):
    return "path" in getattr(getattr(block, "data_model", None), "model_fields", {})


@pytest.mark.parametrize(
    ("host", "open_"),
    [
        *(
            (host, True)
            for host in (
                "localhost",
                "LOCALHOST:7860",
                "localhost.",
                "127.0.0.1:1",
                "[::1]:7860",
                "192.168.1.9",
            )
        ),
        *(
            (host, True)
            for host in (
                "someone-name.hf.space",
                "huggingface.co",
                "1a2b3c.gradio.live",
                "a.localhost",
            )
        ),
        *(
            (host, False)
            for host in (
                "evil.example",
                "evil.example:7860",
                "127.0.0.1.evil.example",
                "hf.space.evil.example",
            )
        ),
        *((host, False) for host in ("", "x@localhost", "localhost evil.example", "[::1")),
    ],
)
def test_a_name_that_others_may_point_at_this_machine_is_no_host_of_the_page(web, host, open_):
    for header in ("Host", "X-Forwarded-Host") if host else ("Host",):
        answer = web.get("config", headers={header: host})
        assert answer.status_code == (200 if open_ else 421), header
        assert open_ or "set DENOISE_HOSTS on the server" in answer.text


def test_of_hosts_that_proxies_have_listed_the_first_counts(web):
    for listed, status in {"localhost, evil.example": 200, "evil.example, localhost": 421}.items():
        assert web.get("config", headers={"X-Forwarded-Host": listed}).status_code == status


def test_a_setting_opens_the_page_at_more_hosts_and_to_their_sites(web, monkeypatch):
    asked = {"Host": "page.example", "Origin": "https://portal.example", **JSON}
    monkeypatch.setenv(gate.SETTING, "page.example, *.example")
    answer = web.post("gradio_api/call/compare", content="{}", headers=asked)
    assert answer.status_code == 400  # the call is invalid, the host is accepted
    assert (
        "page.example" in answer.headers["Content-Security-Policy"].partition("frame-ancestors")[2]
    )
    monkeypatch.setenv(gate.SETTING, "other.example")
    assert web.post("gradio_api/call/compare", content="{}", headers=asked).status_code == 421


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        *(
            (origin, 403)
            for origin in (
                "http://evil.example",
                "null",
                "https://a.hf.space",
                "http://192.168.1.9",
                "",
            )
        ),
        *(
            (origin, 400)
            for origin in ("http://127.0.0.1:{port}", "http://localhost:{port}", "http://[::1]")
        ),
    ],
)
@pytest.mark.parametrize("path", ["call/compare", "queue/join", "upload", "run/predict", "cancel"])
def test_a_page_of_another_site_may_not_call(web, blocks, origin, status, path):
    asked = {"Origin": origin.format(port=blocks.server_port), **JSON}
    assert web.post(f"gradio_api/{path}", content="{}", headers=asked).status_code == status


def test_on_a_space_the_hub_decides_under_which_names_it_is_asked(web, monkeypatch):
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("SPACE_ID", "someone/name")
    assert web.get("config", headers={"Host": "demo.example"}).status_code == 200
    for origin, status in {
        "https://someone-name.hf.space": 400,
        "https://evil.example": 403,
    }.items():
        asked = {"Host": "10.0.0.7:7860", "Origin": origin, **JSON}
        assert (
            web.post("gradio_api/call/compare", content="{}", headers=asked).status_code == status
        )


def test_no_header_of_a_visitor_changes_the_address_that_others_are_told(web):
    assert (
        "evil.example"
        not in web.get("gradio_api/info", headers={"X-Gradio-Server": "http://evil.example"}).text
    )


def test_only_the_routes_that_the_page_uses_are_open_and_each_of_them_is_explained(blocks, web):
    known = {
        (method, route.path) for route in _routes(blocks.app) for method in route.methods or ()
    }
    opened = {(method, path) for method, path in known if _is_open(method, path)}
    assert ("POST", "/gradio_api/queue/join") in opened
    explained = (ROOT / "SECURITY.md").read_text()
    assert [path for _, path in opened if path.split("{")[0].rstrip("/") not in explained] == []
    closed = {(method, path) for method, path in known - opened if method in ("GET", "POST")}
    assert {
        ("POST", "/gradio_api/process_recording"),
        ("GET", "/gradio_api/proxy={url_path:path}"),
    } < closed
    assert len(closed) > 40
    for method, path in closed:
        assert web.request(method, re.sub(r"\{.*?\}", "1", path)).text == "not found", path


def _routes(app):
    for route in app.routes:
        yield from (
            route.effective_candidates() if hasattr(route, "effective_candidates") else [route]
        )


def _is_open(method, path):
    return method in gate.OPEN and bool(
        gate.OPEN[method].fullmatch(re.sub(r"\{.*?\}", "192", path.replace("={", "=/{")))
    )


@pytest.mark.parametrize(
    "path", ["", "config", "nothing/here", "gradio_api/file=/etc/hostname", "gradio_api/info"]
)
def test_every_answer_tells_the_browser_what_it_may_do_with_it(web, path):
    answer = web.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    policy = dict(
        part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["frame-ancestors"] == "'self' https://huggingface.co https://*.hf.space"
    assert {name for name, value in policy.items() if "http" in value or "*" in value} == {
        "frame-ancestors"
    }
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == "'none'"


@pytest.mark.slow
def test_of_many_calls_a_bounded_number_is_kept(web, blocks):
    queue, asked = blocks._queue, []
    for number in range(3 * calls.KEPT):
        asked.append(web.post("gradio_api/call/draw", json={"data": [None]}).json()["event_id"])
        if number % 2:
            assert web.get(f"gradio_api/call/draw/{asked[-1]}").status_code == 200
        _settle(queue)
    assert len(blocks.app.state_holder.session_data) <= calls.KEPT
    assert len(queue.pending_messages_per_session) <= calls.KEPT + 1
    assert len(queue.pending_event_ids_session) <= calls.KEPT + 1
    assert len(queue.event_analytics) <= 1
    assert (queue.event_ids_to_events, blocks.app.iterators) == ({}, {})
    # the newest results are kept
    assert fetched(web, "draw", asked[-2]).startswith("event: complete")
    assert web.get(f"gradio_api/call/draw/{asked[0]}").status_code == 404


def _settle(queue):
    until = time.monotonic() + 60
    while queue.event_ids_to_events and time.monotonic() < until:
        time.sleep(0.005)


def test_the_names_of_uploads_are_not_kept(web):
    for name in ("one", "two"):
        assert (
            web.post(f"gradio_api/upload?upload_id={name}", files={"files": b"x"}).status_code
            == 200
        )
        assert (
            web.get(f"gradio_api/upload_progress?upload_id={name}").text
            == 'data: {"msg": "done"}\n\n'
        )
    kept = routes.file_upload_statuses
    assert not {"one", "two"} & {*kept._statuses, *kept._signals}


def test_the_page_needs_no_connection_that_stays_open(blocks):
    assert not blocks.config["connect_heartbeat"]  # its route is closed
