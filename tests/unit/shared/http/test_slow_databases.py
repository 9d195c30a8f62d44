"""A database that is slow, full of locks or gone is told as 503, and is no pile of requests that wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
from sqlalchemy import text

from shared.db.engine import opened
from shared.ids import new_id
from tests.databases import drop_database
from tests.toy import TOY
from tests.waiting import eventually
from tests.workbench import Workbench


@pytest.fixture
def bench(workbench, real_postgres_url) -> Iterator[Workbench]:
    url = real_postgres_url.replace("{database}", new_id("slow")[:20] + "_{service}")
    yield workbench(TOY, database_url=url, requests_at_once=2, requests_waiting=4, request_patience=3)
    drop_database(url.replace("{service}", "toy"))


@pytest.mark.real
def test_a_table_that_someone_else_keeps_locked_is_told_and_the_rest_goes_on(bench):
    ana = bench.person()
    with (
        opened(str(bench.settings.place(bench.settings.database_url, "toy"))) as other,
        ThreadPoolExecutor(12) as people,
    ):
        with other.engine.connect() as connection:
            connection.execute(text("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE"))
            began = monotonic()
            asked = [
                people.submit(bench.person(f"p{number}").post, f"/toy/reviews/r{number}/notes") for number in range(12)
            ]
            answers = [answer.result() for answer in asked]
            assert {answer.status_code for answer in answers} == {503}
            assert all(answer.headers["retry-after"] for answer in answers)
            assert bench.anybody().get("/healthz").status_code == 200
            assert monotonic() - began < 60
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


@pytest.mark.real
def test_a_connection_that_the_server_ended_is_replaced(bench):
    ana = bench.person()
    assert ana.post("/toy/reviews/r1/notes").status_code == 200
    with opened(str(bench.settings.place(bench.settings.database_url, "toy"))) as other, other.session() as session:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        session.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))

    eventually(lambda: ana.post("/toy/reviews/r2/notes").status_code in (200, 409))
