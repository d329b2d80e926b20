"""A web server for tests, on this machine alone."""

import contextlib
import sys
import threading
from http.server import ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Keeps what went wrong in `errors`. Printed from its threads, which a client that goes away at the very end wakes
    up, it would end the interpreter with an error."""

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.errors = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        self.errors.append(sys.exc_info()[1])


@contextlib.contextmanager
def running(server):
    """The server at work; afterwards nothing but a client that went away may have gone wrong."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert all(isinstance(error, ConnectionError) for error in server.errors), server.errors
