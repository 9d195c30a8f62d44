"""What the bench says of a contention run can be believed: it counts what happened, all of it and once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from bench import bare, clients
from bench.clients import Orders, Tally
from bench.contention import conserved, percentile
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import Person, issue_token


def test_votes_are_conserved_when_the_stored_are_the_acknowledged():
    seen = Tally(votes=[("task-1", "ana"), ("task-1", "ben")])

    assert conserved([("task-1", "ben"), ("task-1", "ana")], seen)
    assert not conserved([("task-1", "ana")], seen), "one was lost"
    assert not conserved([("task-1", "ana"), ("task-1", "ben"), ("task-1", "ben")], seen), "one was doubled"
    assert not conserved([("task-1", "ana"), ("task-1", "ben"), ("task-2", "ben")], seen), "one came from nowhere"


def test_a_vote_whose_request_had_no_answer_may_be_stored_or_not():
    seen = Tally(votes=[("task-1", "ana")], doubtful=[("task-2", "ana")])

    assert conserved([("task-1", "ana")], seen)
    assert conserved([("task-1", "ana"), ("task-2", "ana")], seen)


def test_a_percentile_is_a_value_that_occurred():
    values = [float(n) for n in range(1, 101)]

    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50, 99, 100]
    assert percentile([3.0], 0.99) == 3.0
    assert percentile([], 0.5) == float("inf"), "what never came took for ever"


def test_the_bare_route_keeps_what_its_clients_were_told_it_keeps(tmp_path):
    key = open_ring(Settings(data_dir=tmp_path, _env_file=None))
    people = {
        name: issue_token(
            key, Person.member(name, "reviewer", ("*",)), now=datetime.now(UTC), valid_for=timedelta(hours=1)
        )
        for name in ("ana", "ben")
    }
    url = f"sqlite:///{tmp_path}/raw.db"

    with bare.serving(url, 5, tmp_path) as (port, _):
        met = clients.run(Orders(port, people, 0.5, "insert"))

    assert not met.errors and not met.shed
    assert bare.kept(url) == len(met.decisions) == met.requests > 0


@pytest.mark.waits
def test_who_is_shed_waits_as_told_and_tries_the_same_again():
    with _shedding_every_second_request() as (port, keys):
        met = clients.run(Orders(port, {"ana": "token"}, 0.3, "insert"))

    assert met.shed == {"503 busy": len(met.decisions)}
    assert met.requests == 2 * len(met.decisions) > 0
    assert min(met.decisions) >= 0.1, "the wait belongs to the decision"
    assert keys[0::2] == keys[1::2], "a second try has the first one's key"
    assert len(set(keys)) == len(met.decisions)


@contextmanager
def _shedding_every_second_request() -> Iterator[tuple[int, list[str]]]:
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            shed = len(keys) % 2 == 1
            body = json.dumps({"type": "urn:living:problem:busy"} if shed else {"kept": True}).encode()
            self.send_response(503 if shed else 200)
            if shed:
                self.send_header("Retry-After", "0.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], keys
        server.shutdown()
