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
from sqlalchemy import MetaData
from sqlmodel import Session, SQLModel, select

from shared.bus.port import Message
from shared.db import inbox
from shared.db.tables import DeadLetterRow, HeardUpToRow, OutboxRow, ParkedEventRow, PublishedUpToRow, WaitingRow
from shared.errors import Conflict, Unavailable
from shared.events.base import Envelope
from shared.events.synthesis import ReviewOverdue
from shared.ids import new_id
from shared.runtime import checks, mend
from shared.runtime.running import Running
from shared.service import Service
from tests.databases import drop_database
from tests.toy import TOY, overdue
from tests.unit.shared.runtime.rig import PlatformRig, heard, notes, rows, unpublished
from tests.unit.shared.runtime.test_checks import drop_topics
from tests.waiting import eventually

pytestmark = pytest.mark.waits

#: Tells what the toy hears, so that everything on the log is in a journal.
TELLER = Service(
    name="teller", summary="Tells of overdue reviews.", package=Path(__file__).parent,
    tables=MetaData(), routes=APIRouter(), emits=[ReviewOverdue],
)  # fmt: skip
REVIEWS = [f"review{number}" for number in range(30)]


@pytest.fixture
def rig(tmp_path, workbench) -> PlatformRig:
    return PlatformRig(tmp_path / "data", workbench, [TELLER, TOY])


def tell(rig: PlatformRig, *reviews: str) -> None:
    """Starts, tells of these reviews, and stops when all is told and done."""
    with rig.platform() as platform:
        teller, toy = platform.running["teller"], platform.running["toy"]
        with teller.work("test") as work:
            for review in reviews:
                work.emit(overdue(review))
        settle(teller, toy)


def settle(teller: Running, toy: Running) -> None:
    eventually(lambda: unpublished(teller) == 0)
    eventually(lambda: toy.event_log.lag("toy", TOY.topics) == 0)
    eventually(lambda: unpublished(toy) == 0)


def mended(rig: PlatformRig) -> mend.Mended:
    return mend.mend(rig.settings, rig.services)


def at_rest(rig: PlatformRig, table: type[SQLModel], service: Service = TOY) -> list:
    """The rows of a database while nothing runs."""
    with checks.opened_if_there(rig.settings, service, PublishedUpToRow) as database, database.session() as session:
        return list(session.exec(select(table)))


def change(rig: PlatformRig, do: Callable[[Session], object], service: Service = TOY) -> None:
    with checks.opened_if_there(rig.settings, service, PublishedUpToRow) as database, database.session() as session:
        do(session)
        session.commit()


def by_key(seen: list[tuple[str, str, bytes]]) -> dict[tuple[str, str], list[bytes]]:
    flows = defaultdict(list)
    for topic, key, value in seen:
        if value not in flows[topic, key]:  # An event that was appended twice counts once.
            flows[topic, key].append(value)
    return flows


def lose(rig: PlatformRig) -> None:
    rig.remove(rig.log_file)


def damage(rig: PlatformRig) -> None:
    rig.remove(rig.log_file)
    rig.log_file.write_bytes(b"SQLite format 3\0" + b"\xff" * 9000)


def take_one_out(rig: PlatformRig) -> None:
    with closing(sqlite3.connect(rig.log_file, isolation_level=None)) as log:
        log.execute('DELETE FROM message WHERE "offset" = (SELECT max("offset") / 2 FROM message)')


@pytest.mark.parametrize("harm", [lose, damage, take_one_out])
def test_a_mended_log_has_the_same_events_each_key_in_order(rig, harm):
    for start in range(0, 30, 10):
        tell(rig, *REVIEWS[start : start + 10])
    before = by_key(rig.on_the_log())
    harm(rig)

    report = mended(rig)

    assert by_key(rig.on_the_log()) == before
    assert report.events == {"teller": 30, "toy": 30}
    assert report.remarks == []


def test_after_mending_everything_starts_and_goes_on_and_nothing_is_done_twice(rig):
    tell(rig, *REVIEWS[:20])
    lose(rig)
    with pytest.raises(Unavailable), rig.platform():
        pass
    mended(rig)

    tell(rig, *REVIEWS[20:])

    with rig.started() as toy:
        assert notes(toy) == set(REVIEWS)
        assert heard(toy) == 30
        assert len(rows(toy, OutboxRow)) == 30


def test_what_waited_in_an_outbox_is_told_after_the_mending(rig):
    tell(rig, "a")
    lose(rig)
    waiting = rig.envelope(overdue("b"))
    change(
        rig,
        lambda session: session.add_all([
            OutboxRow(
                event_id=waiting.id, correlation="flow", review="b", type=ReviewOverdue.type,
                topic=ReviewOverdue.topic, key="b", payload=waiting.to_json().decode(), recorded_at=datetime.now(UTC),
            ),
            WaitingRow(event_id=waiting.id),
        ]),
        TELLER,
    )  # fmt: skip
    assert mended(rig).events == {"teller": 1, "toy": 1}
    tell(rig, "c")
    assert [key for topic, key, _ in rig.on_the_log() if topic == ReviewOverdue.topic].count("b") == 1


def test_the_lost_file_is_kept_aside(rig):
    tell(rig, "a")
    damage(rig)
    damaged = rig.log_file.read_bytes()

    aside = mended(rig).aside

    assert aside is not None and aside.read_bytes() == damaged
    assert not list(rig.folder.glob("*.mending*"))


def test_what_is_left_of_a_lost_file_is_kept_aside_by_the_name_that_is_told(rig):
    tell(rig, "a")
    rig.remove(rig.log_file)
    left = rig.log_file.with_name(f"{rig.log_file.name}-wal")
    left.write_bytes(b"what was written last")

    aside = mended(rig).aside

    assert aside is not None and aside.read_bytes() == b"what was written last"


def test_a_group_goes_on_near_its_last_event_and_not_at_the_beginning(rig, monkeypatch):
    monkeypatch.setattr(inbox, "OVERLAP", 2)
    tell(rig, *REVIEWS)
    lose(rig)
    mended(rig)
    with rig.log() as log:
        ends, stored = log.ends(TOY.topics), log.stored("toy", TOY.topics)
    assert stored == {partition: end - 2 for partition, end in ends.items()}
    assert {(row.topic, row.partition): row.offset + 1 for row in at_rest(rig, HeardUpToRow)} == ends


def test_what_is_parked_or_dead_has_its_new_place(rig):
    tell(rig, *REVIEWS[:4])
    seen = {key: Envelope.from_json(value).id for topic, key, value in rig.on_the_log() if topic == TOY.topics[0]}

    def set_aside(session: Session) -> None:
        about = {"consumer": "toy", "topic": TOY.topics[0], "value": b"", "type": None}
        for offset, (key, event_id) in enumerate(seen.items()):
            session.add(
                DeadLetterRow(
                    id=new_id("dead"), partition=0, offset=7000 + offset, key=key, event_id=event_id, slug="rejected",
                    reason="r", set_aside_at=datetime.now(UTC), **about,
                )
            )  # fmt: skip
            parked = {**about, "type": "t", "key": key, "event_id": event_id, "parked_at": datetime.now(UTC)}
            session.add(ParkedEventRow(partition=0, offset=7000 + offset, **parked))
        for offset in (7, 3):
            session.add(
                DeadLetterRow(
                    id=new_id("dead"), partition=0, offset=offset, slug="not_json", reason="r",
                    set_aside_at=datetime.now(UTC), **about,
                )
            )  # fmt: skip

    change(rig, set_aside)
    lose(rig)
    mended(rig)

    with rig.log() as log:
        now = {Envelope.from_json(it.value).id: (it.partition, it.offset) for it in log.read(TOY.topics)}
    letters = at_rest(rig, DeadLetterRow)
    assert {it.event_id: (it.partition, it.offset) for it in letters if it.event_id} == now
    assert {it.event_id: (it.partition, it.offset) for it in at_rest(rig, ParkedEventRow)} == now
    unknown = sorted(it.offset for it in letters if it.event_id is None)
    assert unknown[1] - unknown[0] == 4 and unknown[1] < 0, "before everything else, in their order"


def test_a_whole_log_is_left_alone(rig):
    tell(rig, "a")
    before = rig.on_the_log()
    with pytest.raises(Conflict, match="nothing to mend"):
        mended(rig)
    assert rig.on_the_log() == before


def test_a_running_platform_is_not_mended(rig):
    tell(rig, "a")
    with rig.platform() as platform:
        eventually(lambda: platform.running["teller"].relay.leading)
        with pytest.raises(Conflict, match="stop the platform first"):
            mended(rig)


def test_a_mending_that_is_cut_short_is_begun_again(rig, monkeypatch):
    tell(rig, *REVIEWS[:5])
    # As after a crash between append and mark: the log has these twice, so that the mended one has other offsets.
    change(rig, make_all_wait, TELLER)
    tell(rig, *REVIEWS[5:8])
    before = by_key(rig.on_the_log())
    lose(rig)
    for step in ("_swap", "_rewrite"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(mend, step, interrupted)
            mended(rig)
        with pytest.raises(Unavailable), rig.platform():
            pass

    mended(rig)

    assert by_key(rig.on_the_log()) == before
    tell(rig, "more")


def make_all_wait(session: Session) -> None:
    for event_id in session.execute(select(OutboxRow.event_id).order_by(OutboxRow.seq)).scalars().all():
        session.add(WaitingRow(event_id=event_id))
        session.flush()


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_journal_that_was_pruned_is_told(rig):
    tell(rig, "a", "b")
    change(rig, lambda session: session.delete(session.get(OutboxRow, 1)), TELLER)
    lose(rig)
    assert "begins at its event 2" in mended(rig).remarks[0]


# Rewinding


def test_a_database_that_was_put_back_hears_again_what_it_missed(rig):
    tell(rig, "a", "b")
    copy = rig.copy(rig.database_file)
    tell(rig, "c", "d", "e")
    rig.put_back(copy, rig.database_file)
    with pytest.raises(Conflict, match="living log rewind toy"), rig.platform():
        pass

    with rig.log() as log, checks.opened_if_there(rig.settings, TOY, PublishedUpToRow) as database:
        moved = mend.rewind(TOY, database, log).moved

    assert sum(was - now for was, now in moved.values()) == 3
    with rig.started() as toy:
        eventually(lambda: notes(toy) == set("abcde"))
        assert heard(toy) == 5


def test_an_emptied_database_may_be_rewound_to_the_beginning(rig):
    tell(rig, *REVIEWS)
    rig.remove(rig.database_file)
    with pytest.raises(Conflict), rig.platform():
        pass
    with rig.log() as log, checks.opened_if_there(rig.settings, TOY, PublishedUpToRow) as database:
        mend.rewind(TOY, database, log)
    with rig.started() as toy:
        eventually(lambda: notes(toy) == set(REVIEWS))


def test_a_running_service_is_not_rewound(rig):
    tell(rig, "a")
    with rig.started() as toy:
        eventually(lambda: toy.event_log.readers("toy"))
        change(rig, lambda session: [session.delete(row) for row in session.exec(select(HeardUpToRow))])
        with pytest.raises(Conflict, match="stop the platform first"):
            mend.rewind(TOY, toy.database, toy.event_log)


# On real servers


@pytest.fixture
def real_rig(tmp_path, workbench, real_kafka_url, real_postgres_url):
    mark = new_id("ground")[:24]
    url = real_postgres_url.replace("{database}", f"{mark}_{{service}}")
    about = {"log_url": real_kafka_url, "topic_prefix": f"{mark}.", "database_url": url}
    rig = PlatformRig(tmp_path / "data", workbench, [TELLER, TOY], **about)
    yield rig
    drop_topics(rig)
    for service in rig.services:
        drop_database(url.replace("{service}", service.name))


@pytest.mark.real
def test_lost_topics_are_filled_anew_from_the_journals(real_rig):
    tell(real_rig, *REVIEWS[:10])
    before = by_key(real_rig.on_the_log())
    drop_topics(real_rig)
    with pytest.raises(Unavailable), real_rig.platform():
        pass

    assert mended(real_rig).events == {"teller": 10, "toy": 10}

    assert by_key(real_rig.on_the_log()) == before
    tell(real_rig, *REVIEWS[10:])
    with real_rig.started() as toy:
        assert notes(toy) == set(REVIEWS)
        assert heard(toy) == 30


@pytest.mark.real
def test_topics_that_hold_messages_are_not_filled(real_rig):
    tell(real_rig, "a")
    drop_topics(real_rig)
    with real_rig.log() as log:
        log.create_topics()
        log.append([Message(ReviewOverdue.topic, "x", b"another platform's")])
    with pytest.raises(Conflict, match="delete them"):
        mended(real_rig)


@pytest.mark.real
def test_a_database_of_a_server_is_rewound(real_rig):
    tell(real_rig, "a", "b", "c")
    drop_database(real_rig.settings.resolved(real_rig.settings.database_url, "toy"))
    with pytest.raises(Conflict), real_rig.platform():
        pass
    with real_rig.log() as log, checks.opened_if_there(real_rig.settings, TOY, PublishedUpToRow) as database:
        mend.rewind(TOY, database, log)
    with real_rig.started() as toy:
        eventually(lambda: notes(toy) == set("abc"))
