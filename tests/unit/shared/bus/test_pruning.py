"""What was kept for long enough is forgotten; what still counts is not, however old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import SQLModel, func, select

from shared.bus.judging import is_down
from shared.db import inbox
from shared.db.tables import CauseRow, CommandRow, InboxRow, OutboxRow
from shared.db.work import Work
from shared.errors import LogUnavailable
from shared.ids import first_id, new_id
from shared.runtime.pruning import prune
from shared.service import Prune
from tests.toy import TOY, NoteView, overdue
from tests.unit.shared.bus.rig import TOPIC, ListenerRig


def test_the_journal_and_its_causes_are_never_forgotten(rig):
    with rig.bench.work("ana") as work:
        work.emit(overdue("r"), because=["evt_a"])
    long_ago = datetime.now(UTC) - timedelta(days=20 * 365)
    change(rig, OutboxRow, recorded_at=long_ago)

    rig.bench.runs(prune)

    assert (count(rig, OutboxRow), count(rig, CauseRow)) == (1, 1)


def test_answered_commands_go_after_their_days(rig):
    with rig.bench.work("ana") as work:
        work.once("old-command", "write", None, lambda: NoteView(review="r"))
        work.once("new-command", "write", None, lambda: NoteView(review="r"))
    with rig.bench.work() as work:
        old = work.session.get_one(CommandRow, ("ana", "old-command"))
        old.done_at = datetime.now(UTC) - timedelta(days=rig.bench.settings.command_days, minutes=1)

    rig.bench.runs(prune)

    assert [row.key for row in rig.rows(CommandRow)] == ["new-command"]


@pytest.mark.parametrize(("stored", "left"), [(True, 0), (False, 3)])
def test_what_was_heard_is_forgotten_only_below_the_offset_that_is_stored(rig, monkeypatch, stored, left):
    monkeypatch.setattr(inbox, "OVERLAP", 0)
    long_ago = datetime.now(UTC) - timedelta(days=rig.bench.settings.inbox_days, minutes=1)
    seen = [
        rig.bench.envelope(overdue(name))._replace(id=first_id("evt", long_ago) + new_id("x")[14:])
        for name in ("a", "b", "c")
    ]
    rig.put_raw(*((envelope.subject, envelope.to_json()) for envelope in seen))
    if not stored:
        monkeypatch.setattr(rig.consumer, "store", lambda deliveries: None)
    rig.listener.listen_once(timeout=1)
    change(rig, InboxRow, heard_at=long_ago)
    rig.put("young")
    if stored:
        rig.listener.listen_once(timeout=1)

    rig.bench.runs(prune)

    assert count(rig, InboxRow) == left + stored
    assert rig.bench.platform.event_log.lag("toy", [TOPIC]) == (0 if stored else 4)


def test_what_was_heard_lately_is_remembered_however_old_it_is(rig):
    id = first_id("evt", datetime(2020, 1, 1, tzinfo=UTC)) + new_id("x")[14:]
    old = rig.bench.envelope(overdue("a"))._replace(id=id)
    rig.put_raw(("a", old.to_json()))
    rig.listens()

    rig.bench.runs(prune)

    assert count(rig, InboxRow) == 1


def test_what_cannot_be_forgotten_keeps_nothing_else(make_rig):
    def fails(work: Work, before: datetime, limit: int) -> int:
        raise KeyError("no such run")

    def forgets(work: Work, before: datetime, limit: int) -> int:
        forgotten.append(before)
        return 0

    forgotten: list[datetime] = []
    rig = make_rig(replace(TOY, prunes=[Prune(fails, "lease_days"), Prune(forgets, "delivery_days")]))

    with pytest.raises(ExceptionGroup, match="1 failed: prune by lease_days: KeyError"):
        rig.bench.runs(prune)

    assert len(forgotten) == 1


def test_while_the_log_is_away_all_but_what_was_heard_is_forgotten(make_rig, monkeypatch):
    def away(*asked: object) -> None:
        raise LogUnavailable("the log does not answer")

    rig = make_rig()
    with rig.bench.work("ana") as work:
        work.once("old-command", "write", None, lambda: NoteView(review="r"))
    change(rig, CommandRow, done_at=datetime.now(UTC) - timedelta(days=rig.bench.settings.command_days, minutes=1))
    monkeypatch.setattr(rig.bench.platform.event_log, "stored", away)

    with pytest.raises(ExceptionGroup, match="the log does not answer") as failed:
        rig.bench.runs(prune)

    assert is_down(failed.value)
    assert rig.rows(CommandRow) == []


def change(rig: ListenerRig, table: type[SQLModel], **values: object) -> None:
    with rig.bench.running.database.session() as session:
        session.execute(update(table).values(**values))
        session.commit()


def count(rig: ListenerRig, table: type[SQLModel]) -> int:
    with rig.bench.work(readonly=True) as work:
        return work.session.exec(select(func.count()).select_from(table)).one()
