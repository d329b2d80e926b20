"""Files that are loaded with a tab: compressed once, kept by browsers, and nothing else."""

import gzip
import json

import brotli
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.tabs import benchmark
from demo.widgets import on_demand

MADE = {"a": [1, 2.5, None], "b": "text " * 100}


@pytest.fixture
def made():
    """Return the list of calls of the function that makes the data."""
    return []


@pytest.fixture
def web(made):
    def make():
        made.append(1)
        return MADE

    parts = {"a.json": on_demand.data(make)}
    page = Starlette(
        routes=[Route("/{rest:path}", lambda request: PlainTextResponse("page"))],
        middleware=[Middleware(on_demand.OnDemand, parts=parts)],
    )
    return TestClient(page)


@pytest.mark.parametrize(
    ("encoding", "unpacked"),
    [("br", brotli.decompress), ("gzip", gzip.decompress), ("identity", bytes)],
)
def test_a_file_comes_in_the_encoding_that_the_browser_takes(web, encoding, unpacked):
    with web.stream("GET", "/benchmark/a.json", headers={"Accept-Encoding": encoding}) as answer:
        body = b"".join(answer.iter_raw())
    assert json.loads(unpacked(body)) == MADE
    assert answer.headers.get("content-encoding", "identity") == encoding
    assert answer.headers["content-type"] == "application/json"


def test_a_file_is_made_once_and_not_sent_again_while_it_is_unchanged(web, made):
    first = web.get("/benchmark/a.json")
    again = web.get("/benchmark/a.json", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert web.get("/benchmark/a.json", headers={"If-None-Match": '"old"'}).json() == MADE
    assert len(made) == 1


@pytest.mark.parametrize("path", ["/", "/a.json", "/benchmark/b.json", "/benchmark/../a.json"])
def test_every_other_address_is_the_pages(web, path):
    assert web.get(path).text == "page"


def test_a_value_that_is_no_number_is_an_error_and_not_sent():
    with pytest.raises(ValueError, match="not JSON compliant"):
        on_demand.data(lambda: float("nan")).content()


def test_the_plotting_library_comes_from_its_package_and_names_its_license():
    script = benchmark.PARTS["plotly.js"].content()
    assert b"plotly.js v" in script[:200]
    assert b"Licensed under the MIT license" in script[:200]


def test_a_package_without_the_file_is_named():
    with pytest.raises(FileNotFoundError):
        on_demand.of_package("denoise", "none.js").content()
