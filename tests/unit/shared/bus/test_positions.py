"""How far a service has told and heard on the log is kept in one statement a batch, and never goes back."""

from __future__ import annotations

import pytest
from sqlmodel import select

from shared.bus import positions
from shared.bus.port import Delivery, Last
from shared.db import migrate
from shared.db.engine import Database
from shared.db.tables import HeardUpToRow, PublishedUpToRow
from shared.ids import new_id
from tests.databases import made
from tests.toy import TOY, overdue
from tests.workbench import Workbench


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'positions.db'}"
    else:
        url = request.getfixturevalue("real_postgres_url").replace("{database}", new_id("places")[:20])
    with made(url, migrate.merged_metadata(TOY)) as database:
        yield database


def kept(database: Database, table) -> dict:
    with database.session(readonly=True) as session:
        return {(row.topic, row.partition): (row.offset, row.event_id) for row in session.exec(select(table))}


def test_the_last_event_published_on_each_partition_is_kept(database):
    for last, ids in (
        ({("books", 0): Last(1, 7), ("books", 1): Last(2, 4)}, ["evt_a", "evt_b", "evt_c"]),
        ({("books", 1): Last(0, 5), ("loans", 0): Last(1, 0)}, ["evt_d", "evt_e"]),
        ({}, []),
    ):
        with database.session() as session:
            positions.published(session, last, ids)
            session.commit()

    assert kept(database, PublishedUpToRow) == {
        ("books", 0): (7, "evt_b"),
        ("books", 1): (5, "evt_d"),
        ("loans", 0): (0, "evt_e"),
    }


def test_the_last_message_heard_of_each_partition_is_kept_and_never_an_earlier_one(database, workbench):
    bench: Workbench = workbench(TOY)
    events = [bench.envelope(overdue(f"r{number}")) for number in range(3)]
    deliveries = [Delivery("books", 0, number, "k", event.to_json()) for number, event in enumerate(events)]
    for batch in (deliveries, deliveries[:2], [Delivery("loans", 3, 2**40, "k", b"no event")]):
        with database.session() as session:
            positions.heard(session, "toy", batch)
            session.commit()

    assert kept(database, HeardUpToRow) == {("books", 0): (2, events[2].id), ("loans", 3): (2**40, None)}


def test_what_is_rolled_back_is_not_kept(database):
    with database.session() as session:
        positions.published(session, {("books", 0): Last(0, 0)}, ["evt_a"])
        positions.heard(session, "toy", [Delivery("books", 0, 0, "k", b"")])
        session.rollback()

    assert kept(database, PublishedUpToRow) == kept(database, HeardUpToRow) == {}
