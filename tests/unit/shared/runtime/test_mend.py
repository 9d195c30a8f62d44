"""A lost log is made anew from the journals with the same events, and everybody goes on as if nothing had been."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import APIRouter
from sqlmodel import Session, SQLModel, select

from shared.bus.port import Message
from shared.db import inbox
from shared.db.tables import DeadLetter, HeardUpTo, OutboxRow, ParkedEvent, PublishedUpTo, WaitingRow, table_base
from shared.errors import Conflict, Unavailable
from shared.events.base import Envelope
from shared.events.synthesis import ReviewOverdue
from shared.ids import new_id
from shared.runtime import checks, mend
from shared.runtime.running import Running
from shared.service import Service
from tests.databases import drop_database
from tests.toy import TOY, overdue
from tests.unit.shared.runtime.ground import Ground, heard, notes, rows, unpublished
from tests.unit.shared.runtime.test_checks import drop_topics
from tests.waiting import eventually

#: Tells what the toy hears, so that everything on the log is in a journal.
TELLER = Service(
    name="teller", summary="Tells of overdue reviews.", package=Path(__file__).parent,
    tables=table_base().metadata, routes=APIRouter(), emits=[ReviewOverdue],
)  # fmt: skip
REVIEWS = [f"review{number}" for number in range(30)]


@pytest.fixture
def ground(tmp_path, workbench) -> Ground:
    return Ground(tmp_path / "data", workbench, [TELLER, TOY])


def tell(ground: Ground, *reviews: str) -> None:
    """Starts, tells of these reviews, and stops when all is told and done."""
    with ground.platform() as platform:
        teller, toy = platform.running["teller"], platform.running["toy"]
        with teller.work("test") as work:
            for review in reviews:
                work.emit(overdue(review))
        settle(teller, toy)


def settle(teller: Running, toy: Running) -> None:
    eventually(lambda: unpublished(teller) == 0)
    eventually(lambda: toy.event_log.lag("toy", TOY.topics) == 0)
    eventually(lambda: unpublished(toy) == 0)


def mended(ground: Ground) -> mend.Mended:
    return mend.mend(ground.settings, ground.services)


def at_rest(ground: Ground, table: type[SQLModel], service: Service = TOY) -> list:
    """The rows of a database while nothing runs."""
    with checks.opened_if_there(ground.settings, service, PublishedUpTo) as database, database.session() as session:
        return list(session.exec(select(table)))


def change(ground: Ground, do: Callable[[Session], object], service: Service = TOY) -> None:
    with checks.opened_if_there(ground.settings, service, PublishedUpTo) as database, database.session() as session:
        do(session)
        session.commit()


def by_key(told: list[tuple[str, str, bytes]]) -> dict[tuple[str, str], list[bytes]]:
    flows = defaultdict(list)
    for topic, key, value in told:
        if value not in flows[topic, key]:  # An event that was appended twice counts once.
            flows[topic, key].append(value)
    return flows


def lose(ground: Ground) -> None:
    ground.remove(ground.log_file)


def damage(ground: Ground) -> None:
    ground.remove(ground.log_file)
    ground.log_file.write_bytes(b"SQLite format 3\0" + b"\xff" * 9000)


def take_one_out(ground: Ground) -> None:
    with closing(sqlite3.connect(ground.log_file, isolation_level=None)) as log:
        log.execute('DELETE FROM message WHERE "offset" = (SELECT max("offset") / 2 FROM message)')


@pytest.mark.parametrize("harm", [lose, damage, take_one_out])
def test_a_mended_log_has_the_same_events_each_key_in_order(ground, harm):
    for start in range(0, 30, 10):
        tell(ground, *REVIEWS[start : start + 10])
    before = by_key(ground.on_the_log())
    harm(ground)

    report = mended(ground)

    assert by_key(ground.on_the_log()) == before
    assert report.events == {"teller": 30, "toy": 30}
    assert report.remarks == []


def test_after_mending_everything_starts_and_goes_on_and_nothing_is_done_twice(ground):
    tell(ground, *REVIEWS[:20])
    lose(ground)
    with pytest.raises(Unavailable), ground.platform():
        pass
    mended(ground)

    tell(ground, *REVIEWS[20:])

    with ground.started() as toy:
        assert notes(toy) == set(REVIEWS)
        assert heard(toy) == 30
        assert len(rows(toy, OutboxRow)) == 30


def test_what_waited_in_an_outbox_is_told_after_the_mending(ground):
    tell(ground, "a")
    lose(ground)
    waiting = ground.envelope(overdue("b"))
    change(
        ground,
        lambda session: session.add_all([
            OutboxRow(
                event_id=waiting.id, correlation="flow", review="b", type=ReviewOverdue.type,
                topic=ReviewOverdue.topic, key="b", payload=waiting.to_json().decode(), recorded_at=datetime.now(UTC),
            ),
            WaitingRow(event_id=waiting.id),
        ]),
        TELLER,
    )  # fmt: skip
    assert mended(ground).events == {"teller": 1, "toy": 1}
    tell(ground, "c")
    assert [key for topic, key, _ in ground.on_the_log() if topic == ReviewOverdue.topic].count("b") == 1


def test_the_lost_file_is_kept_aside(ground):
    tell(ground, "a")
    damage(ground)
    damaged = ground.log_file.read_bytes()

    aside = mended(ground).aside

    assert aside is not None and aside.read_bytes() == damaged
    assert not list(ground.folder.glob("*.mending*"))


def test_a_group_goes_on_near_its_last_event_and_not_at_the_beginning(ground, monkeypatch):
    monkeypatch.setattr(inbox, "OVERLAP", 2)
    tell(ground, *REVIEWS)
    lose(ground)
    mended(ground)
    with ground.log() as log:
        ends, stored = log.ends(TOY.topics), log.stored("toy", TOY.topics)
    assert stored == {place: end - 2 for place, end in ends.items()}
    assert {(row.topic, row.partition): row.offset + 1 for row in at_rest(ground, HeardUpTo)} == ends


def test_what_is_parked_or_dead_has_its_new_place(ground):
    tell(ground, *REVIEWS[:4])
    told = {key: Envelope.from_json(value).id for topic, key, value in ground.on_the_log() if topic == TOY.topics[0]}

    def set_aside(session: Session) -> None:
        about = {"consumer": "toy", "topic": TOY.topics[0], "value": b"", "type": None}
        for offset, (key, event_id) in enumerate(told.items()):
            session.add(
                DeadLetter(
                    id=new_id("dead"), partition=0, offset=7000 + offset, key=key, event_id=event_id, slug="rejected",
                    reason="r", set_aside_at=datetime.now(UTC), **about,
                )
            )  # fmt: skip
            parked = {**about, "type": "t", "key": key, "event_id": event_id, "parked_at": datetime.now(UTC)}
            session.add(ParkedEvent(partition=0, offset=7000 + offset, **parked))
        for offset in (7, 3):
            session.add(
                DeadLetter(
                    id=new_id("dead"), partition=0, offset=offset, slug="not_json", reason="r",
                    set_aside_at=datetime.now(UTC), **about,
                )
            )  # fmt: skip

    change(ground, set_aside)
    lose(ground)
    mended(ground)

    with ground.log() as log:
        now = {Envelope.from_json(it.value).id: (it.partition, it.offset) for it in log.read(TOY.topics)}
    letters = at_rest(ground, DeadLetter)
    assert {it.event_id: (it.partition, it.offset) for it in letters if it.event_id} == now
    assert {it.event_id: (it.partition, it.offset) for it in at_rest(ground, ParkedEvent)} == now
    unknown = sorted(it.offset for it in letters if it.event_id is None)
    assert unknown[1] - unknown[0] == 4 and unknown[1] < 0, "before everything else, in their order"


def test_a_whole_log_is_left_alone(ground):
    tell(ground, "a")
    before = ground.on_the_log()
    with pytest.raises(Conflict, match="nothing to mend"):
        mended(ground)
    assert ground.on_the_log() == before


def test_a_running_platform_is_not_mended(ground):
    tell(ground, "a")
    with ground.platform() as platform:
        eventually(lambda: platform.running["teller"].relay.leading)
        with pytest.raises(Conflict, match="stop the platform first"):
            mended(ground)


def test_a_mending_that_is_cut_short_is_begun_again(ground, monkeypatch):
    tell(ground, *REVIEWS[:5])
    # As after a crash between append and mark: the log has these twice, so that the mended one has other offsets.
    change(ground, make_all_wait, TELLER)
    tell(ground, *REVIEWS[5:8])
    before = by_key(ground.on_the_log())
    lose(ground)
    for step in ("_swap", "_rewrite"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(mend, step, interrupted)
            mended(ground)
        with pytest.raises(Unavailable), ground.platform():
            pass

    mended(ground)

    assert by_key(ground.on_the_log()) == before
    tell(ground, "more")


def make_all_wait(session: Session) -> None:
    for event_id in session.execute(select(OutboxRow.event_id).order_by(OutboxRow.seq)).scalars().all():
        session.add(WaitingRow(event_id=event_id))
        session.flush()


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_journal_that_was_pruned_is_told(ground):
    tell(ground, "a", "b")
    change(ground, lambda session: session.delete(session.get(OutboxRow, 1)), TELLER)
    lose(ground)
    assert "begins at its event 2" in mended(ground).remarks[0]


# Rewinding


def test_a_database_that_was_put_back_hears_again_what_it_missed(ground):
    tell(ground, "a", "b")
    copy = ground.copy(ground.database_file)
    tell(ground, "c", "d", "e")
    ground.put_back(copy, ground.database_file)
    with pytest.raises(Conflict, match="living log rewind toy"), ground.platform():
        pass

    with ground.log() as log, checks.opened_if_there(ground.settings, TOY, PublishedUpTo) as database:
        moved = mend.rewind(TOY, database, log).moved

    assert sum(was - now for was, now in moved.values()) == 3
    with ground.started() as toy:
        eventually(lambda: notes(toy) == set("abcde"))
        assert heard(toy) == 5


def test_an_emptied_database_may_be_rewound_to_the_beginning(ground):
    tell(ground, *REVIEWS)
    ground.remove(ground.database_file)
    with pytest.raises(Conflict), ground.platform():
        pass
    with ground.log() as log, checks.opened_if_there(ground.settings, TOY, PublishedUpTo) as database:
        mend.rewind(TOY, database, log)
    with ground.started() as toy:
        eventually(lambda: notes(toy) == set(REVIEWS))


def test_a_running_service_is_not_rewound(ground):
    tell(ground, "a")
    with ground.started() as toy:
        eventually(lambda: toy.event_log.readers("toy"))
        change(ground, lambda session: [session.delete(row) for row in session.exec(select(HeardUpTo))])
        with pytest.raises(Conflict, match="stop the platform first"):
            mend.rewind(TOY, toy.database, toy.event_log)


# On real servers


@pytest.fixture
def real_ground(tmp_path, workbench, real_kafka_url, real_postgres_url):
    mark = new_id("ground")[:24]
    url = real_postgres_url.replace("{database}", f"{mark}_{{service}}")
    about = {"log_url": real_kafka_url, "topic_prefix": f"{mark}.", "database_url": url}
    ground = Ground(tmp_path / "data", workbench, [TELLER, TOY], **about)
    yield ground
    drop_topics(ground)
    for service in ground.services:
        drop_database(url.replace("{service}", service.name))


@pytest.mark.real
def test_lost_topics_are_filled_anew_from_the_journals(real_ground):
    tell(real_ground, *REVIEWS[:10])
    before = by_key(real_ground.on_the_log())
    drop_topics(real_ground)
    with pytest.raises(Unavailable), real_ground.platform():
        pass

    assert mended(real_ground).events == {"teller": 10, "toy": 10}

    assert by_key(real_ground.on_the_log()) == before
    tell(real_ground, *REVIEWS[10:])
    with real_ground.started() as toy:
        assert notes(toy) == set(REVIEWS)
        assert heard(toy) == 30


@pytest.mark.real
def test_topics_that_hold_messages_are_not_filled(real_ground):
    tell(real_ground, "a")
    drop_topics(real_ground)
    with real_ground.log() as log:
        log.create_topics()
        log.append([Message(ReviewOverdue.topic, "x", b"another platform's")])
    with pytest.raises(Conflict, match="delete them"):
        mended(real_ground)


@pytest.mark.real
def test_a_database_of_a_server_is_rewound(real_ground):
    tell(real_ground, "a", "b", "c")
    drop_database(real_ground.settings.place(real_ground.settings.database_url, "toy"))
    with pytest.raises(Conflict), real_ground.platform():
        pass
    with real_ground.log() as log, checks.opened_if_there(real_ground.settings, TOY, PublishedUpTo) as database:
        mend.rewind(TOY, database, log)
    with real_ground.started() as toy:
        eventually(lambda: notes(toy) == set("abc"))
