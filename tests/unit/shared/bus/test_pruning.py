"""What was kept for long enough is forgotten; what still counts is not, however old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import SQLModel, func, select

from shared.db import inbox
from shared.db.tables import CauseRow, CommandRow, InboxRow, OutboxRow
from shared.ids import first_id, new_id
from shared.runtime.pruning import prune
from tests.toy import NoteView, overdue
from tests.unit.shared.bus.desk import TOPIC, Desk


def test_the_journal_and_its_causes_are_never_forgotten(desk):
    with desk.bench.work("ana") as work:
        work.emit(overdue("r"), because=["evt_a"])
    long_ago = datetime.now(UTC) - timedelta(days=20 * 365)
    change(desk, OutboxRow, recorded_at=long_ago)

    desk.bench.runs(prune)

    assert (count(desk, OutboxRow), count(desk, CauseRow)) == (1, 1)


def test_answered_commands_go_after_their_days(desk):
    with desk.bench.work("ana") as work:
        work.once("old-command", "write", None, lambda: NoteView(review="r"))
        work.once("new-command", "write", None, lambda: NoteView(review="r"))
    with desk.bench.work() as work:
        old = work.session.get_one(CommandRow, ("ana", "old-command"))
        old.done_at = datetime.now(UTC) - timedelta(days=desk.bench.settings.command_days, minutes=1)

    desk.bench.runs(prune)

    assert [row.key for row in desk.rows(CommandRow)] == ["new-command"]


@pytest.mark.parametrize(("stored", "left"), [(True, 0), (False, 3)])
def test_what_was_heard_is_forgotten_only_below_the_offset_that_is_stored(desk, monkeypatch, stored, left):
    monkeypatch.setattr(inbox, "OVERLAP", 0)
    long_ago = datetime.now(UTC) - timedelta(days=desk.bench.settings.inbox_days, minutes=1)
    told = [
        desk.bench.envelope(overdue(name))._replace(id=first_id("evt", long_ago) + new_id("x")[14:])
        for name in ("a", "b", "c")
    ]
    desk.put_raw(*((envelope.subject, envelope.to_json()) for envelope in told))
    if not stored:
        monkeypatch.setattr(desk.consumer, "store", lambda deliveries: None)
    desk.listener.listen_once(timeout=1)
    change(desk, InboxRow, heard_at=long_ago)
    desk.put("young")
    if stored:
        desk.listener.listen_once(timeout=1)

    desk.bench.runs(prune)

    assert count(desk, InboxRow) == left + stored
    assert desk.bench.platform.event_log.lag("toy", [TOPIC]) == (0 if stored else 4)


def test_what_was_heard_lately_is_remembered_however_old_it_is(desk):
    id = first_id("evt", datetime(2020, 1, 1, tzinfo=UTC)) + new_id("x")[14:]
    old = desk.bench.envelope(overdue("a"))._replace(id=id)
    desk.put_raw(("a", old.to_json()))
    desk.listens()

    desk.bench.runs(prune)

    assert count(desk, InboxRow) == 1


def change(desk: Desk, table: type[SQLModel], **values: object) -> None:
    with desk.bench.running.database.session() as session:
        session.execute(update(table).values(**values))
        session.commit()


def count(desk: Desk, table: type[SQLModel]) -> int:
    with desk.bench.work(readonly=True) as work:
        return work.session.exec(select(func.count()).select_from(table)).one()
