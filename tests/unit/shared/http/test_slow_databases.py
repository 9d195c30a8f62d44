"""A database that is slow, full of locks or gone is told as 503, and is no pile of requests that wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from shared.bus import judging
from shared.db.engine import OF_LOOKS, Database, opened
from shared.errors import Unconfirmed
from shared.http.problems import _why
from shared.ids import new_id
from tests.databases import drop_database
from tests.toy import TOY, overdue, write_note
from tests.waiting import eventually
from tests.workbench import Workbench


@pytest.fixture
def bench(workbench, real_postgres_url) -> Iterator[Workbench]:
    url = real_postgres_url.replace("{database}", new_id("slow")[:20] + "_{service}")
    yield workbench(TOY, database_url=url, requests_at_once=2, requests_waiting=4, request_patience=3)
    drop_database(url.replace("{service}", "toy"))


@pytest.mark.waits
@pytest.mark.real
def test_a_table_that_someone_else_keeps_locked_is_told_and_the_rest_goes_on(bench):
    ana = bench.person()
    with (
        opened(str(bench.settings.resolved(bench.settings.database_url, "toy"))) as other,
        ThreadPoolExecutor(12) as people,
    ):
        with other.engine.connect() as connection:
            connection.execute(text("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE"))
            asked = [
                people.submit(bench.person(f"p{number}").post, f"/toy/reviews/r{number}/notes") for number in range(12)
            ]
            answers = [answer.result() for answer in asked]
            assert {answer.status_code for answer in answers} == {503}
            assert all(answer.headers["retry-after"] for answer in answers)
            assert bench.anybody().get("/healthz").status_code == 200
            connection.rollback()

        assert ana.post("/toy/reviews/r/notes").status_code == 200


@pytest.mark.real
def test_a_statement_that_takes_too_long_is_ended_by_the_server(bench):
    with bench.running.requests.session() as session:
        limits = [
            session.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        ]

    assert limits == ["15s", "5s", "30s"]


@pytest.mark.waits
@pytest.mark.real
def test_a_connection_that_the_server_ended_is_replaced(bench):
    ana = bench.person()
    assert ana.post("/toy/reviews/r1/notes").status_code == 200
    with opened(str(bench.settings.resolved(bench.settings.database_url, "toy"))) as other, other.session() as session:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        session.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))

    eventually(lambda: ana.post("/toy/reviews/r2/notes").status_code in (200, 409))


@pytest.mark.waits
@pytest.mark.real
def test_a_transaction_that_the_server_ended_since_nothing_came_is_told_as_that(bench):
    """As it does after half a minute, when the server itself stood still for as long."""

    def rest(session: Session, *_: object) -> None:
        own = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 20"))
        with opened(str(bench.settings.resolved(bench.settings.database_url, "toy"))) as other:
            eventually(lambda: not _works(other, own))

    ana = bench.person()
    event.listen(Session, "before_flush", rest, once=True)
    ended = ana.post("/toy/reviews/r/notes")

    assert (ended.status_code, ended.json()["type"]) == (503, "urn:living:problem:unavailable")
    assert ended.headers["retry-after"]
    assert ana.post("/toy/reviews/r/notes").status_code == 200


def _works(database: Database, process: int) -> bool:
    with database.session(readonly=True) as session:
        asked = session.execute(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": process})
        return bool(asked.scalar_one())


@pytest.fixture
def cut_at_commit(bench) -> Iterator[None]:
    """The server ends the next connection that is about to commit, and has ended it before the commit is said."""

    def cut(session: Session) -> None:
        own = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with (
            opened(str(bench.settings.resolved(bench.settings.database_url, "toy"))) as other,
            other.session() as killer,
        ):
            killer.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": own})

    event.listen(Session, "before_commit", cut, once=True)
    yield
    if event.contains(Session, "before_commit", cut):
        event.remove(Session, "before_commit", cut)


@pytest.mark.real
def test_who_lost_the_answer_to_a_commit_is_not_told_that_nothing_was_changed(bench, cut_at_commit):
    ana, same = bench.person(), {"Idempotency-Key": "key-0001"}

    lost = ana.post("/toy/reviews/r/notes", headers=same)

    assert (lost.status_code, lost.json()["type"]) == (503, "urn:living:problem:unconfirmed")
    assert "nothing was changed" not in lost.text and "Idempotency-Key" in lost.json()["detail"]
    assert lost.headers["retry-after"]
    assert ana.post("/toy/reviews/r/notes", headers=same).status_code == 200
    assert len(ana.get("/toy/reviews/r/notes").json()) == 1


@pytest.mark.real
def test_a_listener_that_lost_the_answer_to_a_commit_waits_for_the_database(bench, cut_at_commit):
    with pytest.raises(Unconfirmed) as lost, bench.work() as work:
        write_note(work, overdue("r"))

    assert judging.is_down(lost.value)


def test_a_database_that_cannot_be_reached_is_told_as_that():
    nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:9/nothing", patience=OF_LOOKS)

    with pytest.raises(OperationalError) as lost:
        nowhere.ping()

    assert _why(lost.value) == ("the database cannot be reached, or takes no more connections", None)
