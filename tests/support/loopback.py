"""Web server for tests, reachable only from this machine."""

import contextlib
import sys
import threading
from http.server import ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """A server that collects its exceptions in `errors`.

    Printing an exception from a server thread, woken by a client that leaves at exit, would crash
    the interpreter.
    """

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
    """Run the server; afterwards, check that only disconnected clients caused errors."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert all(isinstance(error, ConnectionError) for error in server.errors), server.errors
