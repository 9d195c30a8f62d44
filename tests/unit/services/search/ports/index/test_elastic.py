"""What the Elasticsearch adapter says of servers that are not what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import orjson
import pytest

from services.search.domain import Document
from services.search.ports.index import SearchIndex, open_index
from shared.errors import Invalid, Unavailable

pytestmark = pytest.mark.waits

Answer = tuple[int, object]


@pytest.fixture
def server() -> Iterator[Callable[[dict[str, Answer]], SearchIndex]]:
    """Starts a server that answers each path's beginning as told, and opens an index on it."""
    running: list[tuple[ThreadingHTTPServer, SearchIndex]] = []

    def start(answers: dict[str, Answer]) -> SearchIndex:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = next(answer for path, answer in answers.items() if self.path.startswith(path))
                self.send_response(status)
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(orjson.dumps(body))

            do_POST = do_PUT = do_HEAD = do_GET

            def log_message(self, *seen: object) -> None:
                """Says nothing."""

        web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=web.serve_forever, daemon=True).start()
        index = open_index(f"http://127.0.0.1:{web.server_port}")
        running.append((web, index))
        return index

    yield start
    for web, index in running:
        index.close()
        web.shutdown()
        web.server_close()


def refusal(reason: str) -> dict[str, object]:
    return {"error": {"type": "some_exception", "reason": reason}}


def test_a_server_of_another_major_version_is_named(server: Callable[..., SearchIndex]) -> None:
    index = server({"/_nodes": (200, {"nodes": {"a": {"version": "9.2.0"}, "b": {"version": "8.19.1"}}})})

    with pytest.raises(Invalid, match=r"8\.19\.1.*needs 9"):
        index.ready()


def test_a_server_that_does_not_speak_our_version_is_named(server: Callable[..., SearchIndex]) -> None:
    index = server({"/_nodes": (400, refusal("A compatible version is required on Accept"))})

    with pytest.raises(Invalid, match="does not speak version 9: A compatible version"):
        index.ready()


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_server_that_cannot_answer_now_is_unavailable(server: Callable[..., SearchIndex], status: int) -> None:
    index = server({"/": (status, refusal("not now"))})

    for ask in (index.ready, index.ping, index.count, lambda: index.get(["a"]), index.fresh):
        with pytest.raises(Unavailable, match=f"{status}, not now"):
            ask()


def test_an_item_that_cannot_be_stored_now_is_unavailable(server: Callable[..., SearchIndex]) -> None:
    item = {"create": {"_id": "r", "_index": "living-records", "status": 429, "error": {"type": "busy", "reason": "x"}}}
    index = server({"/living-records/_bulk": (200, {"errors": True, "items": [item]})})

    with pytest.raises(Unavailable, match="record r: busy, x"):
        index.put([Document(record="r", review="v")])


@pytest.mark.parametrize("url", ["http://", "http://nowhere", "https:///x"])
def test_a_url_without_host_and_port_is_invalid(url: str) -> None:
    with pytest.raises(Invalid, match="HOST:PORT"):
        open_index(url)
