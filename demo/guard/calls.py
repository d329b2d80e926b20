"""Validation of HTTP calls, and a limit on the results that Gradio keeps."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from gradio.data_classes import CancelBody, PredictBody, ResetBody, SimplePredictBody
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from demo.guard import uploads
from demo.guard.refusals import shown

SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
KEPT = 32  # number of unfetched results and session states that are kept
CALL = re.compile(
    r"/gradio_api/(?P<kind>queue/join|call/v2|call|run|cancel|reset)(?:/(?P<name>[^/]+))?/?"
)
ANSWER = re.compile(r"/gradio_api/call/(?:v2/)?[^/]+/(?P<event>[^/]+)")
BODIES: dict[str, type[BaseModel]] = {
    "queue/join": PredictBody,
    "call": SimplePredictBody,
    "run": PredictBody,
    "cancel": CancelBody,
    "reset": ResetBody,
}
NO_ANSWER = "the call is unknown, or its result was fetched before or is no longer kept: call again"
NO_UPLOAD = "the upload cannot be read: send multipart/form-data with a file named files"


class Wrong(NamedTuple):
    """The status and the message of an invalid call."""

    status: int
    sentence: str


class Calls:
    """ASGI middleware around Gradio's routes for calls, results and uploads."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Validate a call or an upload; pass on every other request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        handle = {"POST": self._post, "GET": self._get}.get(scope["method"], self.app)
        await handle(scope, receive, send)

    async def _get(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = path_within(scope)
        # Gradio would keep each name forever; files are small
        if path == "/gradio_api/upload_progress":
            answer = Response('data: {"msg": "done"}\n\n', media_type="text/event-stream")
        elif _is_missing(path, scope["query_string"], scope["app"].get_blocks()._queue):
            answer = PlainTextResponse(NO_ANSWER, 404)
        else:
            answer = self.app
        await answer(scope, receive, send)

    async def _post(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = path_within(scope)
        call = CALL.fullmatch(path)
        if path == "/gradio_api/upload":
            await self._upload(scope, receive, send)
        elif call:
            await self._call(call, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _upload(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if uploads.full():
            await PlainTextResponse("the disk of this server is full: upload again later", 507)(
                scope, receive, send
            )
            return
        answered: list[dict[str, Any]] = []

        async def keep(message: dict[str, Any]) -> None:
            answered.append(message)

        try:
            # Drop the query: Gradio would keep the name of each upload's progress forever.
            await self.app({**scope, "query_string": b""}, receive, keep)
        except ClientDisconnect:
            return  # the client has gone; a later sweep deletes the received data
        # Gradio fails on a malformed upload with these errors
        except (AttributeError, KeyError, TypeError, ValueError):
            answered.clear()
        if b"".join(message.get("body", b"") for message in answered) in (b"", b"[]"):
            await PlainTextResponse(NO_UPLOAD, 400)(scope, receive, send)
            return
        for message in answered:
            await send(message)

    async def _call(
        self, call: re.Match[str], scope: dict[str, Any], receive: Any, send: Any
    ) -> None:
        blocks = scope["app"].get_blocks()
        try:
            body = await Request(scope, receive).body()  # limited by `BodyLimit`
        except ClientDisconnect:
            return
        if "json" in Headers(scope=scope).get("content-type", "").lower():
            wrong = _wrong(call["kind"], call["name"], body, blocks)
        else:
            wrong = Wrong(415, "the body needs the header Content-Type: application/json")
        if wrong:
            await PlainTextResponse(wrong.sentence, wrong.status)(scope, receive, send)
            return
        forget(blocks._queue)
        sent = iter([{"type": "http.request", "body": body}])

        async def again() -> dict[str, Any]:
            return next(sent, None) or await receive()

        await self.app(scope, again, _Refused(send) if call["kind"] == "run" else send)


class _Refused:
    """A `send` that turns status 500, Gradio's status for each `gradio.Error`, into 400."""

    def __init__(self, send: Any) -> None:
        self.send = send
        self.start: dict[str, Any] | None = None

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] == 500:
            self.start = message
            return
        if self.start:
            refused = b'"error":null' not in message.get("body", b"").replace(b" ", b"")
            await self.send({**self.start, "status": 400 if refused else 500})
            self.start = None
        await self.send(message)


def path_within(scope: dict[str, Any]) -> str:
    """Return the path of a request relative to the mount point of the app."""
    path, root = scope["path"], scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def forget(queue: Any) -> None:
    """Drop the oldest unfetched results beyond `KEPT`, if nobody waits for them.

    Gradio keeps the results of 2,000 sessions, of any size, and the name of every session forever.
    """
    live = {event.session_hash for event in list(queue.event_ids_to_events.values())}
    messages, ids = queue.pending_messages_per_session, queue.pending_event_ids_session
    for session in [session for session in messages if session not in live][:-KEPT]:
        del messages[session]
    for session in [session for session in ids if session not in live and session not in messages]:
        del ids[session]


def _is_missing(path: str, query: bytes, queue: Any) -> bool:
    """Return True if a path names a result that neither exists nor is pending."""
    answer = ANSWER.fullmatch(path)
    if answer:
        return not _waits(queue, answer["event"])
    sessions = parse_qs(query.decode("latin-1")).get("session_hash", [""])
    return (
        path == "/gradio_api/queue/data" and sessions[-1] not in queue.pending_messages_per_session
    )


def _waits(queue: Any, event: str) -> bool:
    """Return True if the result of an event is pending, or exists and was not fetched."""
    return event in queue.event_ids_to_events or any(
        event in ids and session in queue.pending_messages_per_session
        for session, ids in queue.pending_event_ids_session.items()
    )


def _wrong(kind: str, name: str | None, body: bytes, blocks: Any) -> Wrong | None:
    """Return the error of an invalid call; return None for a valid call."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return Wrong(400, "the body is not valid JSON")
    if kind == "call/v2":
        return _wrong_names(name, sent, blocks)
    try:
        read: Any = BODIES[kind].model_validate(sent)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return Wrong(400, f"{where}: {first['msg']}" if where else "the body is not a JSON object")
    session = getattr(read, "session_hash", None)
    if session is not None and not SESSION.fullmatch(session):
        return Wrong(400, "session_hash is not 1 to 64 letters, digits, _ or -")
    if kind in ("cancel", "reset"):
        return None
    if kind == "queue/join" and (session is None or read.fn_index is None):
        return Wrong(400, "session_hash and fn_index are required")
    index = getattr(read, "fn_index", None)
    function = _function(name, index, blocks)
    if function is None:
        return _unknown(name if index is None else index, blocks)
    return _wrong_count(function, len(read.data), exact=kind == "call")


def _function(name: str | None, index: int | None, blocks: Any) -> Any:
    if index is not None:
        return blocks.fns.get(index)
    return next((function for function in blocks.fns.values() if function.api_name == name), None)


def _unknown(called: str | int | None, blocks: Any) -> Wrong:
    public = [
        f"/{function.api_name}"
        for function in blocks.fns.values()
        if function.api_visibility == "public"
    ]
    return Wrong(404, f"unknown function {shown(called)}; valid: {' '.join(public)}")


def _wrong_count(function: Any, count: int, *, exact: bool) -> Wrong | None:
    if function.fn is None:
        return Wrong(404, "this function runs only in the browser")
    names = _names(function)
    # Accept surplus values from a browser, but not from a program, which has made a mistake.
    if count < len(names) or (exact and count > len(names)):
        return Wrong(
            400, f"data: {len(names)} values are required ({', '.join(names)}), not {count}"
        )
    return None


def _wrong_names(name: str | None, sent: Any, blocks: Any) -> Wrong | None:
    function = _function(name, None, blocks)
    if function is None or function.fn is None or function.api_visibility != "public":
        return _unknown(name, blocks)
    names = _names(function)
    if not isinstance(sent, dict):
        return Wrong(400, f"the body is not a JSON object; valid names: {', '.join(names)}")
    unknown = [key for key in sent if key not in names]
    if unknown:
        return Wrong(400, f"unknown name {shown(unknown[0])}; valid: {', '.join(names)}")
    needed = [
        key
        for key, block in zip(names, function.inputs, strict=True)
        if getattr(block, "value", None) is None
    ]
    missing = [key for key in needed if key not in sent]
    return Wrong(400, f"missing: {', '.join(missing)}") if missing else None


def _names(function: Any) -> list[str]:
    """Return the names of a function's inputs."""
    given = list(inspect.signature(function.fn).parameters)
    return [
        given[at] if at < len(given) else f"input {at + 1}" for at in range(len(function.inputs))
    ]
