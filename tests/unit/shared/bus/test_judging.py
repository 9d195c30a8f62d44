"""What a failure says about the event that met it."""

from __future__ import annotations

import errno
import socket
import sqlite3
import ssl

import psycopg.errors
import pytest
from sqlalchemy import exc

from shared.bus.judging import Outcome, judge
from shared.errors import Conflict, LogUnavailable, NotYet, Rejected, Unavailable


def of_sqlite(name: str) -> Exception:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorname = name
    return exc.OperationalError("SELECT 1", {}, error)


def of_postgresql(kind: type[psycopg.Error]) -> Exception:
    return exc.DBAPIError("SELECT 1", {}, kind("told"))


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("away"),
        LogUnavailable("away"),
        MemoryError(),
        OSError(errno.ENOSPC, "no space left on device"),
        OSError(errno.EROFS, "read-only file system"),
        ConnectionResetError(),
        TimeoutError(),
        socket.gaierror(-2, "name or service not known"),
        ssl.SSLError(1, "handshake failure"),
        exc.TimeoutError("QueuePool limit"),
        exc.OperationalError("SELECT 1", {}, Exception("connection refused")),
        exc.DBAPIError("SELECT 1", {}, Exception("gone"), connection_invalidated=True),
        of_sqlite("SQLITE_BUSY"),
        of_sqlite("SQLITE_FULL"),
        of_sqlite("SQLITE_IOERR_WRITE"),
        of_sqlite("SQLITE_READONLY"),
        of_sqlite("SQLITE_CORRUPT"),
        of_postgresql(psycopg.errors.AdminShutdown),
        of_postgresql(psycopg.errors.DeadlockDetected),
        of_postgresql(psycopg.errors.DiskFull),
        of_postgresql(psycopg.errors.TooManyConnections),
        of_postgresql(psycopg.errors.ReadOnlySqlTransaction),
        of_postgresql(psycopg.errors.LockNotAvailable),
    ],
    ids=repr,
)
def test_what_says_nothing_about_the_event_is_something_that_is_down(error):
    assert judge(error).outcome is Outcome.DOWN


@pytest.mark.parametrize(
    ("error", "slug", "certain"),
    [
        (Rejected("never", slug="bad_year"), "bad_year", True),
        (Conflict("no"), "conflict", False),
        (ValueError("year 10000 is out of range"), "value_error", False),
        (RecursionError(), "recursion_error", False),
        (FileNotFoundError(errno.ENOENT, "no such file"), "file_not_found_error", False),
        (exc.IntegrityError("INSERT", {}, Exception("twice")), "integrity_error", False),
        (of_postgresql(psycopg.errors.ProgramLimitExceeded), "dbapierror", False),
        (of_postgresql(psycopg.errors.UndefinedTable), "dbapierror", False),
        (of_sqlite("SQLITE_ERROR"), "operational_error", False),
    ],
    ids=repr,
)
def test_all_else_is_a_fault_and_only_a_refusal_is_certain(error, slug, certain):
    judged = judge(error)

    assert (judged.outcome, judged.slug, judged.certain) == (Outcome.FAULT, slug, certain)


def test_an_event_that_needs_another_one_is_not_yet_a_fault():
    assert judge(NotYet("wait")).outcome is Outcome.NOT_YET


def test_the_place_is_the_innermost_of_our_own_functions():
    with pytest.raises(Rejected) as caught:
        storable_or_refused("\0")

    assert judge(caught.value).raised_at == "tests.unit.shared.bus.test_judging:storable_or_refused"
    assert judge(ValueError("never raised")).raised_at == ""


def storable_or_refused(text: str) -> None:
    try:
        ssl.create_default_context(cadata=text)
    except ssl.SSLError as error:
        raise Rejected("no certificate") from error


def test_a_reason_is_text_that_every_database_keeps():
    seen = judge(ValueError("a\0b\ud800" + "c" * 5000)).reason

    assert seen.startswith("ValueError: a\\0b\\ud800ccc")
    assert len(seen) == 1000


def test_a_reason_leaves_out_what_was_sent_to_the_database():
    error = exc.IntegrityError("INSERT INTO notes VALUES ('secret')", {}, Exception("a note is there"))

    assert judge(error).reason == "IntegrityError: (builtins.Exception) a note is there"
