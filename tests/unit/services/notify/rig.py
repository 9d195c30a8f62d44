"""What the tests of notify play with: events as synthesis tells them, and a receiver that really listens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from shared.events.ingest import RunCounts, RunFinished, SourceParked, SweepFinished, WatchStopped
from shared.events.synthesis import Change, CmocState, ReviewOverdue, RevisionPublished

REVIEW = "garden"


def revision_published(number: int = 1, **different: Any) -> RevisionPublished:
    """A revision in which CMOC `a` gained a study and `b` was proposed."""
    seen: dict[str, Any] = {
        "review": REVIEW, "revision": f"rev_{number}", "number": number, "cycle": number, "title": "How gardens work",
        "change_class": "MINOR", "summary": "One more study; a new CMOC.",
        "states": [
            CmocState(cmoc="a", theory="Growing", status="supported", support=3),
            CmocState(cmoc="b", theory="Resting", status="partially_supported", support=1, flagged=True),
        ],
        "changes": [
            Change(cmoc="a", what="support", before=2, after=3, change_class="PATCH"),
            Change(cmoc="b", what="status", before=None, after="partially_supported", change_class="MINOR"),
            Change(cmoc="a", what="outcome", before="calm", after="calm & focus", change_class="MINOR"),
        ],
        "fragments_sha256": "f" * 64, "content_sha256": "c" * 64, "preceding": None,
        "searched_through": {"openalex": date(2020, 1, 1)}, "signed_by": "lea", "signature": "x.y.z",
        "because": ["evt_1"],
    }  # fmt: skip
    return RevisionPublished(**{**seen, **different})


def review_overdue(**different: Any) -> ReviewOverdue:
    return ReviewOverdue(**{"review": REVIEW, "due": date(2020, 6, 1), "last_published": None, **different})


def run_finished(run: str, *, source: str = "openalex", error: str | None = None, **different: Any) -> RunFinished:
    """A run that is over: complete, unless it has an error; `failing` watches of its source then fail in all."""
    failing, counts = different.pop("failing", 0 if error is None else 1), different.pop("counts", {})
    seen: dict[str, Any] = {
        "review": REVIEW, "run": run, "watch": f"watch_{source}", "source": source, "query": "gardens",
        "protocol_version": 1, "window_from": date(2020, 1, 1), "searched_through": date(2020, 1, 1),
        "counts": RunCounts(**counts), "complete": error is None, "error": error, "still_failing": failing,
    }  # fmt: skip
    return RunFinished(**{**seen, **different})


def sweep_finished(run: str, *, error: str | None = None, failing: int = 0) -> SweepFinished:
    return SweepFinished(
        review=REVIEW, run=run, watch="sweep_openalex", source="openalex", since=date(2020, 1, 1), counts=RunCounts(),
        complete=error is None, error=error, still_failing=failing,
    )  # fmt: skip


def watch_stopped(watch: str = "watch_openalex", *, failing: int = 0, **different: Any) -> WatchStopped:
    seen = {"review": REVIEW, "watch": watch, "source": "openalex", "state": "retired", "still_failing": failing}
    return WatchStopped(**{**seen, **different})


def source_parked(source: str = "openalex") -> SourceParked:
    return SourceParked(review=REVIEW, source=source, until=datetime(2020, 1, 2, tzinfo=UTC), why="the budget is spent")


@dataclass
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[["Handler"], None]


def status(code: int, **headers: str) -> Answer:
    """Answers with a status and no body."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.receiver.take(self, body)  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A sender that has hung up is what some of these tests are about."""


@dataclass
class Receiver:
    """An HTTP server on 127.0.0.1. `answer` may be changed at any time; `closing` is set when it must let go."""

    answer: Answer = field(default_factory=lambda: status(200))
    received: list[Received] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Receiver:
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.receiver = self  # type: ignore[attr-defined]
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [received.id for received in self.received]

    def take(self, handler: Handler, body: bytes) -> None:
        with self._came:
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.received.append(Received(handler.path, headers, body))
            self._came.notify_all()
        self.answer(handler)

    def wait_for(self, count: int, timeout: float = 300) -> None:
        """Waits until so many requests have come."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.received) >= count, timeout), f"only {len(self.received)} came"
