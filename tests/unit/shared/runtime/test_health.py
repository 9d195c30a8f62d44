"""Asking how a process is costs nothing and never waits, whatever hangs."""

from __future__ import annotations

import math
import sqlite3
import time
from contextlib import closing
from threading import Event, Thread

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from shared.runtime import health
from shared.runtime.health import Look
from tests.toy import TOY
from tests.waiting import eventually

pytestmark = pytest.mark.waits


class Part:
    """Something that is well, or is not, or hangs, as we say."""

    def __init__(self) -> None:
        self.state, self.asked, self.go = "ok", 0, Event()
        self.go.set()

    def look(self) -> dict[str, str]:
        self.asked += 1
        self.go.wait(300)
        if self.state == "raises":
            raise ConnectionError("nobody is there")
        return {"part": self.state}


@pytest.fixture
def part():
    part = Part()
    yield part
    part.go.set()


def test_what_was_seen_last_is_told_without_looking(part):
    look = Look("part", part.look)
    assert look.state() is None

    look.look()
    assert [look.state() for _ in range(100)] == [{"part": "ok"}] * 100
    assert part.asked == 1


def test_an_error_is_told_with_its_reason_until_it_is_over(part):
    look = Look("part", part.look)
    part.state = "raises"
    look.look()
    assert look.state() == {"part": "ConnectionError: nobody is there"}

    part.state = "ok"
    look.look()
    assert look.state() == {"part": "ok"}


def test_a_change_is_logged_with_its_service_and_a_recovery_is_no_warning(part):
    look = Look("part", part.look, of="screening")
    with capture_logs() as lines:
        for part.state in ("ok", "raises", "ok"):
            look.look()

    assert [(it["log_level"], it["service"], it["part"], it["state"]) for it in lines] == [
        ("warning", "screening", "part", "ConnectionError: nobody is there"),
        ("info", "screening", "part", "ok"),
    ]


def test_what_a_database_says_is_told_in_one_line_without_what_was_asked_of_it():
    def check() -> dict[str, str]:
        said = "connection refused\n\tIs the server running?"
        raise OperationalError("SELECT secret", {"a": "secret"}, Exception(said))

    look = Look("database", check)
    look.look()

    assert look.state() == {"database": "OperationalError: (builtins.Exception) connection refused"}


def test_what_hangs_is_told_and_not_asked_a_second_time(part, monkeypatch):
    monkeypatch.setattr(health, "_SLOW", 0.05)
    monkeypatch.setattr(health, "_PAUSE", 0.01)
    stopping, look = Event(), Look("part", part.look)
    part.go.clear()
    looking = Thread(target=look.look_on, args=[stopping], daemon=True)
    looking.start()

    eventually(lambda: "does not answer since" in (look.state() or {}).get("part", ""))
    assert part.asked == 1

    part.go.set()
    eventually(lambda: look.state() == {"part": "ok"} and part.asked > 1)
    stopping.set()
    looking.join()


def test_trouble_is_told_when_it_lasts(part, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(health.time, "monotonic", lambda: now[0])
    look = Look("part", part.look, lasting=5)
    look.look()
    part.state = "locked"

    seen = []
    for second in (0, 2, 4, 6, 8):
        now[0] = second
        look.look()
        seen.append(look.state()["part"])

    assert seen == ["ok", "ok", "ok", "locked", "locked"]


def test_a_part_that_is_not_there_any_more_is_told_no_longer(part):
    look = Look("parts", lambda: {"job tidy": "failed"} if part.state == "ok" else {})
    look.look()
    assert look.state() == {"job tidy": "failed"}

    part.state = "gone"
    look.look()
    assert look.state() == {}


def test_withdrawn_keys_that_are_not_known_are_told_as_a_part_of_each_service_and_the_reason_to_an_admin(workbench):
    bench = workbench(TOY)
    withdrawn = bench.platform.withdrawals.withdrawn
    assert bench.anybody().get("/readyz").json()["services"]["toy"]["withdrawals"] == "ok"

    withdrawn.know_all(time.monotonic() - 61)
    state = lambda asks: asks.get("/readyz").json()["services"]["toy"]["withdrawals"]  # noqa: E731
    eventually(lambda: state(bench.anybody()) == "down")
    assert "seconds old" in state(bench.person(role="admin"))

    withdrawn.know_all(math.inf)
    eventually(lambda: state(bench.anybody()) == "ok")


def test_a_file_that_another_process_keeps_locked_is_told_and_requests_are_answered(workbench, monkeypatch):
    monkeypatch.setattr(health, "_LASTING", 0.0)
    bench = workbench(TOY)
    ana, file = bench.person(), bench.running.database.url.database
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        answer = ana.post("/toy/reviews/r/notes")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert ana.get("/toy/reviews/r/notes").json() == []
        state = eventually(lambda: bench.anybody().get("/readyz").json()["services"]["toy"]["database"] == "down")
        assert state
        assert bench.anybody().get("/healthz").status_code == 200
        other.execute("ROLLBACK")

    assert ana.post("/toy/reviews/r/notes").status_code == 200
    eventually(lambda: bench.anybody().get("/readyz").json()["services"]["toy"]["database"] == "ok")
