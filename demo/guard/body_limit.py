"""Limit on the size of a request: Gradio limits one file, but neither ten files nor JSON."""

from __future__ import annotations

from typing import Any

LARGEST_BODY = 6_000_000  # bytes
LARGEST_FILE = 25_000_000  # bytes of an upload: the size of a smartphone photograph
FRAME = 10_000  # bytes of a request around its file
UPLOAD = "/upload"  # end of the path that takes files


class BodyLimit:
    """ASGI middleware that rejects a body above `LARGEST_BODY` or a file above `LARGEST_FILE`."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass on a request; reject it as soon as its size is known."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        largest = LARGEST_FILE + FRAME if scope["path"].endswith(UPLOAD) else LARGEST_BODY
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > largest:
            await _refuse(send, largest)
            return
        seen, started = 0, False

        async def counted() -> dict[str, Any]:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > largest:  # a chunked body announces no length
                raise _TooLarge
            return message

        async def watched(message: dict[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except _TooLarge:
            if not started:
                await _refuse(send, largest)


class _TooLarge(Exception):
    pass


async def _refuse(send: Any, largest: int) -> None:
    text = f"the request is too large: at most {largest:,} bytes are valid".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": text})
