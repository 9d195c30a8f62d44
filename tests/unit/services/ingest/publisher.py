"""A publisher for tests: a server that answers as it is told to, also as none should."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

PDF = b"%PDF-1.7\n" + b"1 0 obj << /Type /Catalog >> endobj\n" * 50 + b"trailer\n%%EOF\n"
LANDING = b"<!DOCTYPE html><html><body>Sign in, or buy this article</body></html>"
ARTICLE = (
    b'<?xml version="1.0"?><article article-type="research-article"><front><permissions>'
    b'<license xlink:href="https://creativecommons.org/licenses/by/4.0/"/></permissions></front>'
    b"<body><p>Boards decide.</p></body></article>"
)

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    publisher: Publisher

    def do_GET(self) -> None:
        self.publisher = self.server.publisher  # type: ignore[attr-defined]
        self.publisher.asked.append(self.path)
        self.publisher.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.publisher.pages.get(self.path, refusal(404))(self)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A reader that has hung up is what some of these tests are about."""


@dataclass
class Publisher:
    """An HTTP server on 127.0.0.1: `pages` by their paths; `closing` is set when it must let go."""

    pages: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Publisher:
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.publisher = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        port: int = self._server.server_address[1]
        return port

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def refusal(code: int, **headers: str) -> Answer:
    """Answers with a status and nothing else."""
    return page(b"", code=code, **headers)


def page(body: bytes, kind: str = "application/pdf", *, code: int = 200, **headers: str) -> Answer:
    """Answers with a body; `length` in place of its own is said of it where given."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Type", kind)
        length = headers.pop("length", None)
        handler.send_header("Content-Length", length or str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def redirect(to: str, code: int = 302) -> Answer:
    return page(b"", code=code, Location=to)


def packed(body: bytes) -> Answer:
    return page(gzip.compress(body), Content_Encoding="gzip")


def bomb(megabytes: int) -> Answer:
    """A small answer that unpacks to a PDF of so many megabytes."""
    return packed(PDF + b"\0" * (megabytes * 1024 * 1024))


def endless(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n" + PDF)
    try:
        while not handler.publisher.closing.is_set():
            handler.wfile.write(b"x" * 65_536)
    except OSError:
        pass


def dripping(handler: Handler) -> None:
    """A byte at a time, for as long as anybody listens."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n" + PDF)
    while not handler.publisher.closing.wait(0.05):
        handler.wfile.write(b"x")


def silent(handler: Handler) -> None:
    handler.publisher.closing.wait()
