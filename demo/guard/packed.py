"""Gradio's static files and the page: compressed once, sent from memory.

Gradio compresses a file again for each visitor, and lets no browser keep it.
"""

from __future__ import annotations

import gzip
import re
from collections import OrderedDict
from typing import Any

import anyio
import brotli
from starlette.datastructures import Headers
from starlette.responses import Response

from demo.guard.calls import path_within

FILES = re.compile(r"/(assets|static)/.+")
# Vite writes a hash of the content into the name.
NAMED_BY_CONTENT = re.compile(r"/assets/.+-[A-Za-z0-9_-]{8}\.\w+")
WORTH = re.compile(r"text/|application/(javascript|json)|image/svg")
ASKED = ("accept-encoding", "if-none-match", "if-modified-since", "range")
LARGEST = 32_000_000  # bytes of all kept files
QUALITY = 9  # of Brotli: 3 % less than 5, and half a second for all files of the first load
YEAR = "public, max-age=31536000, immutable"
HOUR = "public, max-age=3600"


class Packed:
    """ASGI middleware that sends a static file in the best encoding that the client accepts."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.kept = Kept()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Send a static file; pass on every other request."""
        is_file = scope["type"] == "http" and FILES.fullmatch(path_within(scope))
        if not is_file or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        path, encoding = path_within(scope), accepted(scope)
        found = self.kept.get((path, encoding))
        if found is None:
            plain = await fetched(self.app, scope, receive)
            if plain.status_code != 200:
                await plain(scope, receive, send)
                return
            age = YEAR if NAMED_BY_CONTENT.fullmatch(path) else HOUR
            found = await encoded(plain, encoding)
            found.headers["cache-control"] = age
            self.kept.put((path, encoding), found)
        await found(scope, receive, send)


class Kept:
    """Responses by key, the least recently used ones dropped beyond `LARGEST` bytes."""

    def __init__(self) -> None:
        self.responses: OrderedDict[Any, Response] = OrderedDict()

    def get(self, key: Any) -> Response | None:
        """Return a response; None if it is not kept."""
        if key in self.responses:
            self.responses.move_to_end(key)
        return self.responses.get(key)

    def put(self, key: Any, response: Response) -> None:
        """Keep a response."""
        self.responses[key] = response
        while sum(len(one.body) for one in self.responses.values()) > LARGEST:
            self.responses.popitem(last=False)


async def fetched(app: Any, scope: dict[str, Any], receive: Any) -> Response:
    """Return the whole response of an app, without an encoding and never "not modified"."""
    headers = [(name, value) for name, value in scope["headers"] if name.decode() not in ASKED]
    sent: list[dict[str, Any]] = []

    async def keep(message: dict[str, Any]) -> None:
        sent.append(message)

    await app({**scope, "headers": headers}, receive, keep)
    response = Response(b"".join(message.get("body", b"") for message in sent), sent[0]["status"])
    response.raw_headers = list(sent[0]["headers"])
    return response


async def encoded(plain: Response, encoding: str) -> Response:
    """Return a response in an encoding; the plain one if its content does not shrink."""
    kind = Headers(raw=plain.raw_headers).get("content-type", "")
    if not encoding or not WORTH.match(kind):
        return plain
    pack = _brotli if encoding == "br" else gzip.compress
    packed = with_body(plain, await anyio.to_thread.run_sync(pack, bytes(plain.body)))
    if len(packed.body) >= len(plain.body):
        return plain
    packed.headers["content-encoding"] = encoding
    packed.headers.add_vary_header("Accept-Encoding")
    return packed


def with_body(response: Response, body: bytes) -> Response:
    """Return a response with the status and the headers of another one."""
    made = Response(body, response.status_code)
    made.raw_headers = list(response.raw_headers)
    made.headers["content-length"] = str(len(body))
    return made


def accepted(scope: dict[str, Any]) -> str:
    """Return the encoding for a client: "br", "gzip", or "" for none."""
    asked = {
        part.partition(";")[0].strip()
        for part in Headers(scope=scope).get("accept-encoding", "").split(",")
    }
    return next((encoding for encoding in ("br", "gzip") if encoding in asked), "")


def _brotli(body: bytes) -> bytes:
    return brotli.compress(body, quality=QUALITY)
