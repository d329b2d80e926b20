"""Static files: compressed once, kept, and never again asked for."""

import brotli
import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from demo.guard import packed

TEXT = "a script that repeats itself; " * 100


@pytest.fixture
def client():
    """Return a client of the middleware around an app that records the requested paths."""
    asked = []

    async def application(scope, receive, send):
        asked.append(scope["path"])
        names = [name.decode() for name, _ in scope["headers"]]
        assert "if-none-match" not in names or not scope["path"].startswith("/assets/")
        if scope["path"].endswith(".png"):
            answer = Response(b"\x89PNG" * 50, media_type="image/png")
        elif scope["path"].endswith(".js"):
            answer = Response(TEXT, media_type="application/javascript", headers={"etag": "x"})
        else:
            answer = PlainTextResponse("not found", 404)
        await answer(scope, receive, send)

    made = TestClient(packed.Packed(application))
    made.asked = asked
    return made


@pytest.mark.parametrize(("accepts", "by"), [("gzip, br", "br"), ("gzip", "gzip"), ("", None)])
def test_a_script_comes_in_the_best_encoding_that_the_browser_accepts(client, accepts, by):
    answer = client.get("/assets/Index-x9Lwa_7O.js", headers={"accept-encoding": accepts})
    assert answer.headers.get("content-encoding") == by
    assert answer.text == TEXT
    assert answer.headers["etag"] == "x"
    length = int(answer.headers["content-length"])
    assert length == len(TEXT) if by is None else length < len(TEXT) // 4


def test_a_file_is_read_and_compressed_once_for_all_visitors(client, monkeypatch):
    for _ in range(2):
        client.get("/assets/Index-x9Lwa_7O.js", headers={"accept-encoding": "br"})
        monkeypatch.setattr(brotli, "compress", None)
    assert client.asked == ["/assets/Index-x9Lwa_7O.js"]


def test_a_name_with_the_hash_of_its_content_is_kept_for_a_year_and_any_other_for_an_hour(client):
    assert "immutable" in client.get("/assets/Index-x9Lwa_7O.js").headers["cache-control"]
    assert client.get("/static/js/frame.js").headers["cache-control"] == packed.HOUR


def test_an_image_is_not_compressed_again(client):
    answer = client.get("/static/a.png", headers={"accept-encoding": "br"})
    assert "content-encoding" not in answer.headers
    assert answer.content == b"\x89PNG" * 50


def test_no_error_is_kept_and_a_browser_that_has_the_file_is_answered(client):
    for _ in range(2):
        assert client.get("/assets/none").status_code == 404
    assert client.asked == ["/assets/none"] * 2
    again = client.get("/assets/Index-x9Lwa_7O.js", headers={"if-none-match": "x"})
    assert again.text == TEXT


def test_calls_and_pages_pass_by(client):
    for path in ("/gradio_api/queue/data.js", "/other.js"):
        answer = client.get(path, headers={"accept-encoding": "br", "if-none-match": "x"})
        assert "content-encoding" not in answer.headers
        assert "cache-control" not in answer.headers


def test_what_is_kept_is_bounded_and_the_oldest_is_dropped_first(monkeypatch):
    monkeypatch.setattr(packed, "LARGEST", 25)
    kept = packed.Kept()
    for name in "abc":
        kept.put(name, Response(b"-" * 10))
        kept.get("a")
    assert [kept.get(name) is not None for name in "abc"] == [True, False, True]
