"""HTTP server that shows the first view while Python imports the page.

Gradio and PyTorch take seconds to import. Until Gradio opens its own port, this server answers
there. The module imports the standard library only.
"""

from __future__ import annotations

import os
import socketserver
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from demo import opening

HOST, PORT, PORTS = "127.0.0.1", 7860, 100  # Gradio's own defaults
POLL = 0.02  # seconds
PATIENCE = 5  # seconds for a visitor's request
STARTING = "the page starts: ask again in a second"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Early:
    """A server in a thread of its own, from its construction until `close`."""

    def __init__(self, host: str, port: int) -> None:
        self._server = _Server((host, port), _Handler)
        self.port: int = self._server.server_address[1]
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(POLL,), name="early", daemon=True).start()

    def close(self) -> int:
        """Free the port; return its number."""
        self._server.shutdown()
        self._server.server_close()
        return self.port


def start() -> Early | None:
    """Start the server where Gradio will open its port; return None if no such port is free."""
    host = os.environ.get("GRADIO_SERVER_NAME", HOST)
    given = os.environ.get("GRADIO_SERVER_PORT")
    for port in [int(given)] if given else range(PORT, PORT + PORTS):
        try:
            return Early(host, port)
        except OSError:  # Gradio reports a port that is not free
            continue
    return None


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Send the first view; reject every other path until the page is there."""
        if self.path.partition("?")[0] == "/":
            self._send(HTTPStatus.OK, "text/html", opening.document())
        else:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", STARTING)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Reject a call until the page is there."""
        self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", STARTING)

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing, as the page itself."""
