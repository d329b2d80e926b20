"""Files that the page loads when a tab is opened, not at its first load."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import pkgutil
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import brotli
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response

from demo.guard.calls import path_within
from demo.widgets import templates

PREFIX = "/benchmark/"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    # Quality 9 takes five times as long for Plotly's script and saves 4 %.
    "br": functools.partial(brotli.compress, quality=5, mode=brotli.MODE_TEXT),
    "gzip": gzip.compress,
}
SCRIPT, STYLE, DATA = "text/javascript", "text/css", "application/json"


class Part(NamedTuple):
    """A file: its media type, and the function that makes its content at the first request."""

    media: str
    content: Callable[[], bytes]


class OnDemand:
    """ASGI middleware that serves a fixed set of files, each made and compressed once.

    Browsers keep a file and ask by its tag whether it has changed. No part of a request names a
    file on the disk.

    Parameters
    ----------
    app : ASGI application
    parts : mapping of str to Part
        Files by name, below `PREFIX`.
    """

    def __init__(self, app: Any, parts: Mapping[str, Part]) -> None:
        self.app, self.parts = app, parts
        self._lock = threading.Lock()
        self._packed: dict[tuple[str, str], tuple[bytes, str]] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve a file; pass on every other request."""
        name = _name(scope)
        if name not in self.parts:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        encoding = next((one for one in PACKERS if one in headers.get("accept-encoding", "")), "")
        body, tag = await run_in_threadpool(self.packed, name, encoding)
        given = {"cache-control": "no-cache", "etag": tag, "vary": "Accept-Encoding"}
        if encoding:
            given["content-encoding"] = encoding
        unchanged = headers.get("if-none-match") == tag
        answer = Response(
            b"" if unchanged else body,
            304 if unchanged else 200,
            headers=given,
            media_type=self.parts[name].media,
        )
        await answer(scope, receive, send)

    def packed(self, name: str, encoding: str) -> tuple[bytes, str]:
        """Return a file in an encoding, or as it is for "", and its entity tag."""
        with self._lock:
            if (name, encoding) not in self._packed:
                content = self.parts[name].content()
                tag = f'"{hashlib.sha256(content).hexdigest()[:16]}{encoding}"'
                self._packed[name, encoding] = PACKERS.get(encoding, bytes)(content), tag
            return self._packed[name, encoding]


def _name(scope: dict[str, Any]) -> str:
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return ""
    path = path_within(scope)
    return path.removeprefix(PREFIX) if path.startswith(PREFIX) else ""


def script(*names: str, **shown: str) -> Part:
    """Return scripts below `demo/` as one file.

    `shown` are HTML files below `demo/`, which the scripts find in `TEMPLATES` by name.
    """

    def content() -> bytes:
        texts = {key: templates.render(name) for key, name in shown.items()}
        return "\n".join(
            [f"const TEMPLATES = {json.dumps(texts)};", *map(templates.read, names)]
        ).encode()

    return Part(SCRIPT, content)


def style(*names: str) -> Part:
    """Return style sheets below `demo/` as one file."""
    return Part(STYLE, lambda: "".join(map(templates.read, names)).encode())


def data(make: Callable[[], Any]) -> Part:
    """Return the values that a function makes, as JSON."""
    return Part(DATA, lambda: json.dumps(make(), allow_nan=False).encode())


def of_package(package: str, file: str) -> Part:
    """Return a script that an installed package ships."""

    def content() -> bytes:
        found = pkgutil.get_data(package, file)
        if found is None:
            raise FileNotFoundError(f"the package {package} has no {file}")
        return found

    return Part(SCRIPT, content)
