"""Access control of the demo: hosts, origins, routes and security headers.

References
----------
https://owasp.org/www-project-secure-headers/
https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Status/421
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import MutableMapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from gradio.utils import get_space
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from demo.guard.calls import path_within
from demo.guard.refusals import shown

SETTING = "DENOISE_HOSTS"
"""Environment variable: further hosts of the page, separated by commas; `*` matches any text."""

KNOWN = ("huggingface.co", "*.hf.space", "*.gradio.live")  # Spaces, and share links of Gradio
FRAMES = ("https://huggingface.co", "https://*.hf.space")  # sites that may embed the page
HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::[0-9]*)?")
OPEN = {
    "GET": re.compile(
        r"/|/(config/?|theme\.css|robots\.txt|manifest\.json|favicon\.ico|preview\.png)"
        r"|/(static|assets)/.+|/benchmark/[a-z.]+|/pwa_icon(/(192|512))?"
        r"|/gradio_api/(info/?|openapi\.json|app_id/?|startup-events|theme\.css|upload_progress)"
        r"|/gradio_api/queue/(data|status)"
        r"|/gradio_api/(call/.+|file=(/|[A-Za-z]:[/\\]).+)"
    ),
    "POST": re.compile(r"/gradio_api/(upload|queue/join|cancel|reset/?|(call(/v2)?|run)/[^/]+/?)"),
}
"""Routes that the page and its clients use.

Gradio's other routes stay closed: URL fetching, editors, recordings, login.
"""

POLICY = {
    "default-src": "'self'",
    # Gradio writes its settings into the page as a script, and compiles the text of `js=` to
    # functions.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "object-src": "'none'",
    "frame-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


class Gate:
    """ASGI middleware that rejects foreign hosts and sites and closed routes, and sets headers.

    An IP address is never a foreign host. A name that an attacker points at this machine is a
    foreign host.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Reject a request or pass it on; mark the response."""
        if scope["type"] == "websocket":  # the page uses no websocket
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        del headers["x-gradio-server"]  # Gradio would take the page's address from this header
        refused = _refused(scope, headers, scope["app"].get_blocks())
        answer = PlainTextResponse(refused[1], refused[0]) if refused else self.app
        await answer(scope, receive, _Marked(send))


class _Marked:
    """A `send` that adds the headers."""

    def __init__(self, send: Any) -> None:
        self.send = send

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_headers())
        await self.send(message)


def _headers() -> dict[str, str]:
    frames = " ".join(("'self'", *FRAMES, *(host for host in _more() if host != "*")))
    policy = POLICY | {"frame-ancestors": "*" if "*" in _more() else frames}
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "referrer-policy": "same-origin",  # an address may hold a drawing
        "x-content-type-options": "nosniff",
    }


def _more() -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[,\s]+", os.environ.get(SETTING, "").strip().lower())))


def _refused(scope: dict[str, Any], headers: Headers, blocks: Any) -> tuple[int, str] | None:
    """Return the status and the message of a rejected request.

    Return None for an allowed request.
    """
    asked = [*headers.getlist("host"), *_first(headers, "x-forwarded-host")]
    if not get_space():  # in a Space, the hub's proxy checks the host
        for host in asked:
            if not _is_here(host, blocks):
                return (
                    421,
                    (
                        f"the host {shown(host)} does not serve this page: to allow it, set "
                        f"{SETTING} on the server"
                    ),
                )
    method = scope["method"]
    if method not in ("GET", "HEAD", "OPTIONS"):
        for origin in headers.getlist("origin"):
            if not _is_own(origin, asked):
                return (
                    403,
                    (
                        f"pages of {shown(origin)} may not call this page: to allow them, "
                        f"set {SETTING} on the server"
                    ),
                )
    routes = OPEN.get("GET" if method == "HEAD" else method)
    if routes is None or not routes.fullmatch(path_within(scope)):
        return 404, "not found"
    return None


def _first(headers: Headers, name: str) -> list[str]:
    """Return the first of the values that proxies have listed, because Gradio uses the first."""
    return [value.split(",")[0].strip() for value in headers.getlist(name) if value.strip()]


def _name(host: str) -> str | None:
    """Return a host in lower case without its port; return None if it is invalid."""
    found = HOST.fullmatch(host)
    return (found["six"] or found["name"]).lower().rstrip(".") if found else None


def _is_here(host: str, blocks: Any) -> bool:
    """Return True if the page is served under a host."""
    name = _name(host)
    if name is None:
        return False
    machine = socket.gethostname().lower()
    own = {
        "localhost",
        machine,
        f"{machine}.local",
        (getattr(blocks, "server_name", None) or "").lower(),
    }
    return (
        _is_address(name)
        or name in own
        or name.endswith(".localhost")
        or _matches(name, (*KNOWN, *_more()))
    )


def _is_own(origin: str, asked: list[str]) -> bool:
    """Return True if an origin is one of the requested hosts, or is allowed by the settings."""
    name = _name(urlsplit(origin).netloc) if "://" in origin else None  # the origin "null" has none
    if name is None:
        return False
    hosts = {_name(host) for host in asked}
    local = _is_loopback(name) and any(host and _is_loopback(host) for host in hosts)
    return name in hosts or local or _matches(name, (*(KNOWN if get_space() else ()), *_more()))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)
