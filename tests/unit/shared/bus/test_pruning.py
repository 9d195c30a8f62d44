"""What was kept for long enough is forgotten; what still waits is not, however old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import func, select

from shared.db.tables import CauseRow, CommandRow, InboxRow, OutboxRow
from shared.runtime.pruning import prune
from tests.toy import TOY, NoteView, overdue


def test_old_rows_go_and_young_and_waiting_ones_stay(workbench):
    bench = workbench(TOY, outbox_days=30)
    bench.hears(*(overdue(f"r{number}") for number in range(3)))
    with bench.work("ana") as work:
        work.emit(overdue("r"), because=["evt_a"])
        work.once("old-command", "write", None, lambda: NoteView(review="r"))
        work.once("new-command", "write", None, lambda: NoteView(review="r"))
    long_ago = datetime.now(UTC) - timedelta(days=31)
    with bench.work() as work:
        outbox = list(work.session.exec(select(OutboxRow).order_by(OutboxRow.seq)))
        outbox[0].published_at = outbox[3].published_at = long_ago
        outbox[1].published_at = datetime.now(UTC)
        outbox[2].recorded_at = long_ago
        next(iter(work.session.exec(select(InboxRow)))).heard_at = long_ago
        work.session.get_one(CommandRow, ("ana", "old-command")).done_at = long_ago

    bench.runs(prune)

    with bench.work(readonly=True) as work:
        count = lambda table: work.session.exec(select(func.count()).select_from(table)).one()  # noqa: E731
        assert [row.seq for row in work.session.exec(select(OutboxRow))] == [outbox[1].seq, outbox[2].seq]
        assert (count(CauseRow), count(InboxRow)) == (0, 2)
        assert [row.key for row in work.session.exec(select(CommandRow))] == ["new-command"]
