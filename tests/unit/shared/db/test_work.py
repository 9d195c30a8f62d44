"""One message, one transaction: rows and events are committed together or not at all."""

from __future__ import annotations

import gc
import sqlite3
import weakref
from functools import partial

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select
from structlog.testing import capture_logs

from shared.db.tables import CauseRow
from shared.db.work import Undeclared, Work
from shared.errors import Conflict, TooLarge, Unconfirmed
from shared.events.notify import DeliveryFailed
from shared.events.protocol import VersionPublished
from tests.toy import TOY, Note, NoteView, overdue, write_note
from tests.workbench import Workbench


@pytest.fixture
def bench(workbench) -> Workbench:
    return workbench(TOY)


def notes(bench: Workbench) -> list[str]:
    with bench.work(readonly=True) as work:
        return [note.review for note in work.session.exec(select(Note))]


def test_rows_and_events_are_committed_together(bench):
    with bench.work() as work:
        write_note(work, overdue("r"))

    assert notes(bench) == ["r"]
    assert [event.review for event in bench.emitted(DeliveryFailed)] == ["r"]


def test_a_rehearsal_answers_what_would_be_and_keeps_neither_rows_nor_events(bench):
    with bench.work() as work:
        write_note(work, overdue("before"))
        answer = work.rehearse(lambda: [write_note(work, overdue("r")), NoteView(review="would be")][1])
        write_note(work, overdue("after"))

    assert answer.review == "would be"
    assert sorted(notes(bench)) == ["after", "before"]
    assert [event.review for event in bench.emitted(DeliveryFailed)] == ["before", "after"]


def test_a_rehearsal_that_fails_says_so(bench):
    def fails() -> NoteView:
        raise Conflict("no")

    with bench.work() as work:
        with pytest.raises(Conflict):
            work.rehearse(fails)
        write_note(work, overdue("r"))

    assert notes(bench) == ["r"]


def test_when_the_work_fails_neither_rows_nor_events_remain(bench):
    with pytest.raises(ZeroDivisionError), bench.work() as work:
        write_note(work, overdue("r"))
        raise ZeroDivisionError

    assert notes(bench) == []
    assert bench.all_emitted() == []


def test_what_a_work_notes_is_logged_once_it_is_committed_and_else_never(bench):
    with capture_logs() as lines:
        with pytest.raises(ZeroDivisionError), bench.work() as work:
            work.note("done", review="a")
            raise ZeroDivisionError
        with bench.work() as work:
            work.note("done", review="b")
            assert lines == []

    assert [(it["event"], it["review"], it["log_level"]) for it in lines] == [("done", "b", "info")]


def test_an_event_heard_twice_is_done_once(bench):
    envelope = bench.envelope(overdue("r"))

    bench.hears_envelope(envelope)
    bench.hears_envelope(envelope)

    assert len(bench.emitted(DeliveryFailed)) == 1


def test_what_is_emitted_in_a_handler_follows_from_the_event(bench):
    (heard,) = bench.hears(overdue("r"), correlation="flow")

    (seen,) = bench.journal()
    assert (seen.correlationid, seen.causationid) == ("flow", heard.id)


def test_further_causes_of_an_event_are_kept_once_each(bench):
    with bench.work() as work:
        work.emit(overdue("r"), because=["evt_a", "evt_b", "evt_a"])

    with bench.work(readonly=True) as work:
        assert sorted(row.cause for row in work.session.exec(select(CauseRow))) == ["evt_a", "evt_b"]


def test_an_effect_before_the_commit_that_fails_leaves_nothing(bench):
    class Index:
        def flush(self) -> None:
            raise OSError("the index is down")

    with pytest.raises(OSError, match="index is down"), bench.work() as work:
        write_note(work, overdue("r"))
        work.before_commit("index", Index)

    assert notes(bench) == []


def test_one_effect_serves_all_events_of_a_work(bench):
    flushed: list[int] = []

    class Index:
        def flush(self) -> None:
            flushed.append(1)

    with bench.work() as work:
        first = work.before_commit("index", Index)
        assert work.before_commit("index", Index) is first

    assert flushed == [1]


def test_a_command_with_the_same_key_is_done_once_and_answered_twice(bench):
    done: list[int] = []

    def do() -> NoteView:
        done.append(1)
        return NoteView(review="r")

    for _ in range(2):
        with bench.work("ana") as work:
            answer = work.once("key-of-ana", "write", None, do)
            assert NoteView.model_validate(answer) == NoteView(review="r")

    assert done == [1]


def test_a_key_cannot_be_used_for_another_command(bench):
    with bench.work("ana") as work:
        work.once("key-of-ana", "write", None, lambda: NoteView(review="r"))

    with pytest.raises(Conflict, match="another command"), bench.work("ana") as work:
        work.once("key-of-ana", "erase", None, lambda: NoteView(review="r"))


def test_two_people_may_use_the_same_key(bench):
    for person in ("ana", "ben"):
        with bench.work(person) as work:
            answer = work.once("same-key", "write", None, lambda person=person: NoteView(review=person))
            assert answer == NoteView(review=person)


def test_a_reader_does_not_wait_for_a_writer(bench):
    with bench.work() as writing:
        write_note(writing, overdue("r"))
        writing.session.flush()
        assert notes(bench) == []

    assert notes(bench) == ["r"]


class _Effect:
    """What a work does before it commits; it knows its work, as most do."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def flush(self) -> None:
        self.work.note("flushed")


@pytest.mark.parametrize("readonly", [True, False])
def test_a_work_is_gone_with_its_end_and_leaves_nothing_to_the_garbage_collector(bench, readonly):
    gc.disable()
    try:
        with bench.work(readonly=readonly) as work:
            effect = weakref.ref(work.before_commit("effect", partial(_Effect, work)))
            of = weakref.ref(work)
        del work

        assert effect() is None
        assert of() is None
    finally:
        gc.enable()


def fail_as_a_disk(_: Session) -> None:
    cause = sqlite3.OperationalError("disk I/O error")
    cause.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    raise OperationalError("COMMIT", None, cause)


def test_what_a_disk_did_not_take_at_the_commit_may_be_kept_all_the_same(bench):
    event.listen(Session, "before_commit", fail_as_a_disk, once=True)
    with (
        capture_logs() as lines,
        pytest.raises(Unconfirmed, match="disk failed before it said") as lost,
        bench.work() as work,
    ):
        write_note(work, overdue("r"))

    assert not lost.value.passes, "a person must mend the disk first"
    assert any("disk I/O error" in line.get("error", "") for line in lines)


def test_whoever_met_a_disk_that_fails_at_the_commit_is_not_told_to_come_again(bench):
    event.listen(Session, "before_commit", fail_as_a_disk, once=True)
    answer = bench.person().post("/toy/reviews/r/notes")

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:living:problem:unconfirmed")
    assert "retry-after" not in answer.headers


def test_what_a_manifest_does_not_declare_cannot_be_told(bench):
    undeclared = pytest.raises(Undeclared, match="toy emits VersionPublished, which its manifest does not declare")
    with undeclared, bench.work() as work:
        work.emit(VersionPublished.model_construct(review="r"))


def test_an_event_that_no_log_takes_is_refused_where_it_is_told_and_nothing_is_kept(bench):
    with pytest.raises(TooLarge, match=r"notify\.delivery\.failed of 's' has 9\d{6} bytes"), bench.work() as work:
        write_note(work, overdue("r"))
        work.emit(DeliveryFailed(review="r", subscription="s", delivery="d", attempts=1, error="e" * 9_000_000))

    assert (notes(bench), bench.all_emitted()) == ([], [])
