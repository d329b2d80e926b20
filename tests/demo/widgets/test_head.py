"""The HTML head that search engines and link previews read without JavaScript."""

import html
import re
import urllib.parse
from types import SimpleNamespace
from xml.etree import ElementTree

import httpx
import pytest
from starlette.testclient import TestClient

from demo import opening, page
from demo.compute import answer, scores
from demo.widgets import copy_link, head

DOCUMENT = """<!doctype html><html><head><meta charset="utf-8" />
<meta property="og:title" content="Gradio" /><meta
  property="og:image"
  content="https://example.org/gradio.jpg"
/><meta name="twitter:creator" content="@Gradio" />
<meta name="viewport" content="width=device-width" />
<script>window.config = {"css": "\\u003cmeta>"};</script>
<link rel="manifest" href="/manifest.json" /></head>
<body><meta property="og:title" content="a picture of it" /></body></html>"""


BLOCKS = SimpleNamespace(config={"components": [{"type": "slider", "props": {}}]})


def content(document, key):
    """Return the content of each meta element of that name or property."""
    found = re.findall(rf'<meta (?:name|property)="{key}" content="([^"]*)"', document)
    return [html.unescape(text) for text in found]


def test_gradio_s_own_preview_gives_way_to_that_of_the_page():
    document = head.with_tags(DOCUMENT, "https://page.org/")
    top = document.partition("</head>")[0]
    assert content(top, "og:title") == content(top, "twitter:title") == [head.TITLE]
    assert (
        content(top, "og:image")
        == content(top, "twitter:image")
        == ["https://page.org/preview.png"]
    )
    assert content(top, "description") == content(top, "og:description") == [answer.sentence()]
    assert f"<title>{head.TITLE}</title>" in top
    assert "Gradio" not in top
    assert "gradio.jpg" not in top
    assert "manifest" not in top


def test_the_rest_of_the_document_stays_as_it_is():
    document = head.with_tags(DOCUMENT, "")
    for part in (
        '<meta charset="utf-8" />',
        '<meta name="viewport" content="width=device-width" />',
    ):
        assert part in document
    assert DOCUMENT.partition("<script>")[2].partition("\n<link")[0] in document
    assert document.endswith(DOCUMENT.partition("</head>")[2])
    assert document.index("charset") < document.index("<title>") < document.index("<script>")


@pytest.mark.parametrize("text", ["", "no document", "<head> without an end"])
def test_what_is_no_document_stays_as_it_is(text):
    assert head.with_tags(text, "") == text


def test_the_icon_is_an_image_in_its_own_address():
    kind, _, data = head.ICON_ADDRESS.partition(",")
    assert kind == "data:image/svg+xml"
    assert ElementTree.fromstring(urllib.parse.unquote(data)).tag.endswith("svg")


@pytest.fixture(scope="module")
def client():
    """Return a client of the middleware around an app that always returns `DOCUMENT`."""

    async def application(scope, receive, send):
        kind = b"text/plain" if scope["path"] == "/text" else b"text/html; charset=utf-8"
        length = str(len(DOCUMENT)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [
            (b"content-type", kind), (b"content-length", length), (b"x-kept", b"yes"),
        ]})  # fmt: skip
        for start in range(0, len(DOCUMENT), 100):
            part = DOCUMENT[start : start + 100].encode()
            await send(
                {
                    "type": "http.response.body",
                    "body": part,
                    "more_body": start + 100 < len(DOCUMENT),
                }
            )

    wrapped, app = head.Head(application), SimpleNamespace(get_blocks=lambda: BLOCKS)

    async def served(scope, receive, send):
        await wrapped({**scope, "app": app}, receive, send)

    plain = {"accept-encoding": "identity"}
    return TestClient(served, base_url="http://page.local:7860", headers=plain)


def expected():
    document = head.with_first_view(head.with_tags(DOCUMENT, "http://page.local:7860/"))
    # the script that opens a link's tab needs Gradio's settings, which stand before it
    links = head.first_load.tags(frozenset({"slider"})) + copy_link.preselect()
    return head.with_links(document, links)


def test_the_page_is_sent_whole_and_with_its_headers(client):
    sent = client.get("/?seed=1")
    assert sent.text == expected()
    assert int(sent.headers["content-length"]) == len(sent.content)
    assert sent.headers["x-kept"] == "yes"


def test_the_description_is_the_answer_of_the_report():
    _, first, *_ = scores.REPORT.read_text().split("\n\n")
    assert answer.sentence().split() == first.replace("**", "").split()
    assert "\n" not in answer.sentence()


def test_the_headline_is_the_first_sentence_of_the_answer(monkeypatch):
    text = "By +0.07 dB: better on e.g. digits. At equal MACs, undecided."
    monkeypatch.setattr(answer, "sentence", lambda: text)
    assert answer.headline() == "By +0.07 dB: better on e.g. digits."


def test_the_answer_stands_first_below_the_question():
    asked, told = f"<h1>{head.TITLE}</h1>", html.escape(answer.headline())
    assert page.INTRODUCTION.startswith(f'{asked}<p class="answer">{told}</p>')


def test_the_page_is_compressed_for_a_browser_that_asks_for_it(client):
    answer = client.get("/", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["x-kept"] == "yes"
    assert answer.text == expected()


def test_the_first_view_comes_before_gradio_s_element_and_its_script_behind(client):
    body = client.get("/").text.partition("<body")[2]
    assert body.startswith(' class="opening"')
    assert body.index('<main id="opening">') < body.index("a picture of it")
    assert body.index("a picture of it") < body.index(opening.handover())


def test_the_style_sheet_of_the_first_components_is_served_under_the_name_in_the_page(client):
    drawn = frozenset({"slider"})
    answer = client.get(f"/{head.first_load.address(drawn)}")
    assert answer.text == head.first_load.bundle(drawn) != ""
    assert answer.headers["content-type"].startswith("text/css")
    assert client.get("/assets/components-00000000.css").text == DOCUMENT


def test_nothing_but_the_page_is_changed(client):
    assert (
        client.get("/text").text == client.get("/other").text == client.post("/").text == DOCUMENT
    )


def test_the_image_of_the_preview_is_served_and_no_other_file(client):
    answer = client.get("/preview.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == head.PREVIEW.read_bytes()
    assert answer.content.startswith(b"\x89PNG")
    for other in (
        "/preview.png/",
        "/docs/preview.png",
        "/preview.png%2f..%2fdemo-photo.png",
        "/Preview.png",
    ):
        assert client.get(other).text == DOCUMENT


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        (
            {"x-forwarded-host": "someone-page.hf.space", "x-forwarded-proto": "https"},
            "https://someone-page.hf.space/",
        ),
        (
            {"x-forwarded-host": "one.org, two.org", "x-forwarded-proto": "https, http"},
            "https://one.org/",
        ),
        ({"host": "[::1]:7860"}, "http://[::1]:7860/"),
        ({"host": '"><script>'}, ""),
        ({"host": "page.org/path"}, ""),
        ({"x-forwarded-proto": "javascript"}, ""),
    ],
)
def test_the_address_of_the_image_is_the_one_that_was_asked_for(client, headers, address):
    assert content(client.get("/", headers=headers).text, "og:image") == [f"{address}preview.png"]
    assert "<script>window" in client.get("/", headers=headers).text


@pytest.mark.parametrize("name", ["x-forwarded-host", "host"])
def test_of_a_repeated_header_the_first_counts_as_in_gradio(client, name):
    response = client.get("/", headers=[(name, "one.org"), (name, "two.org")])
    assert content(response.text, "og:image") == ["http://one.org/preview.png"]


@pytest.mark.slow
def test_the_page_itself_has_one_preview_its_own():
    blocks = page.build()
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **page.launch_options())
    try:
        document = httpx.get(address, timeout=60).text
        image = httpx.get(content(document, "og:image")[0], timeout=60)
    finally:
        blocks.close(verbose=False)
    top = document.partition("<script")[0]
    for key in ("og:title", "twitter:title"):
        assert content(document, key) == [head.TITLE]
    assert "Gradio" not in top
    assert "gradio" not in top
    assert image.content == head.PREVIEW.read_bytes()
