"""Threads of one process write to a SQLite file in the order in which they came, and another process is not waited
for without an end."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Thread

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from shared.db.engine import Database, Patience, opened
from shared.db.turns import Turn
from tests.waiting import eventually


@pytest.mark.waits
def test_the_turn_is_handed_over_in_order():
    turn, order = Turn(), []
    assert turn.take(1)

    def come(name: int) -> None:
        assert turn.take(60)
        order.append(name)
        turn.leave()

    threads = [Thread(target=come, args=[name]) for name in range(5)]
    for at, thread in enumerate(threads):
        thread.start()
        eventually(lambda at=at: len(turn._queue) == at + 1)
    turn.leave()
    for thread in threads:
        thread.join()

    assert order == [0, 1, 2, 3, 4]
    assert turn.take(0)


def test_who_gives_up_waiting_does_not_keep_the_turn_from_others():
    turn = Turn()
    assert turn.take(0)
    assert not turn.take(0.01)
    turn.leave()

    assert turn.take(0)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/toy.db"


@pytest.fixture
def table(url):
    with opened(url) as database, database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (review TEXT)"))


@pytest.mark.waits
def test_many_writers_through_two_pools_lose_nothing(url, table):
    with opened(url) as one, opened(url) as other, ThreadPoolExecutor(16) as threads:

        def write(number: int) -> None:
            with (one if number % 2 else other).session() as session:
                session.execute(text("INSERT INTO notes VALUES (:name)"), {"name": str(number)})
                session.commit()

        list(threads.map(write, range(100)))
        with one.session(readonly=True) as session:
            assert session.execute(text("SELECT count(*) FROM notes")).scalar_one() == 100


@pytest.mark.parametrize("ending", ["commit", "rollback", "close"])
def test_the_turn_is_let_go_however_the_transaction_ends(url, table, ending):
    with opened(url) as database, database.session() as session:
        session.execute(text("INSERT INTO notes VALUES ('a')"))
        getattr(session, ending)()

        with database.session() as next_one:
            next_one.execute(text("INSERT INTO notes VALUES ('b')"))
            next_one.commit()


def test_a_file_that_another_process_keeps_is_an_error_soon_and_works_again_later(url, table):
    database = Database(url, patience=Patience(connect=1, lock=0.05))
    with closing(sqlite3.connect(database.url.database, isolation_level=None)) as other, closing(database):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"), database.session() as session:
            session.execute(text("INSERT INTO notes VALUES ('a')"))
        other.execute("ROLLBACK")

        with database.session() as session:
            session.execute(text("INSERT INTO notes VALUES ('a')"))
            session.commit()
