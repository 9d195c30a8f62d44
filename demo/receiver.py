"""The receiver: a subscriber's end of a webhook, which trusts no notification whose signature does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from shared.client.notify import verify
from shared.errors import Invalid
from shared.wire.notify import Notification

_LARGEST = 1_000_000


class Receiver:
    """Listens on a free loopback port; keeps each notification once, by its `webhook-id`, and every refusal.

    Set `secret` to what the subscription showed at its creation; a notification before that is refused and will
    be sent again.
    """

    def __init__(self) -> None:
        self.secret: str | None = None
        self.notifications: dict[str, Notification] = {}
        self.refused: list[str] = []
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/notices"

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The HTTP status for one attempt: 204 when it is ours and kept, 401 when it is not to be trusted."""
        try:
            if self.secret is None:
                raise Invalid("no secret yet")
            notification = verify(headers, body, self.secret)
        except Invalid as error:
            with self._lock:
                self.refused.append(error.detail)
            return 401
        with self._lock:
            self.notifications.setdefault(headers["webhook-id"], notification)
        return 204

    @contextmanager
    def listening(self) -> Iterator[Receiver]:
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("content-length", "0")), _LARGEST)
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(receiver.take(headers, self.rfile.read(length)))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: what was taken and refused is kept, and the demo tells it."""

    return Handler
