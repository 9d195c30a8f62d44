"""The scheduled work: lapsed leases go back, and moved dates are applied."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from services.screening import commands, jobs, store
from services.screening.models import ChangeRow
from shared.events.screening import RecordExcluded, RecordReopened, TaskOpened
from tests.unit.services.screening.desk import REVIEW, Desk, discovered, protocol, published
from tests.unit.services.screening.soundness import assert_sound


def test_the_job_returns_lapsed_leases_and_only_those(either_desk):
    desk = either_desk
    desk.discovers("r1", "r2")
    late = desk.claims("ana")
    desk.bench.clock.advance(minutes=40)
    desk.claims("ben")
    assert desk.claims("cy")["record"]["record"] == "r2"
    desk.bench.clock.advance(minutes=30)

    desk.bench.runs(jobs.return_lapsed_leases)

    assert desk.queue("sift")["in_hand"] == 2
    assert desk.claims("dee")["task"] == late["task"]
    assert desk.votes("ana", late["lease"], "include").json()["title"] == "lease lapsed"


def test_the_job_returns_conflicts_too(desk):
    desk.discovers("r1")
    desk.answers("ana", "include")
    desk.answers("ben", "unsure")
    desk.claims("cy", "adjudicator", kind="conflict")
    desk.bench.clock.advance(hours=2)

    desk.bench.runs(jobs.return_lapsed_leases)

    assert desk.claims("dee", "adjudicator", kind="conflict") is not None


def test_the_job_goes_on_until_nothing_has_lapsed(desk, monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 2)
    desk.discovers("r1", "r2", "r3")
    for name in ("ana", "ben", "cy", "dee", "eve"):
        desk.claims(name)
    desk.bench.clock.advance(hours=2)

    desk.bench.runs(jobs.return_lapsed_leases)

    assert {desk.claims(name)["record"]["record"] for name in ("x", "y")} == {"r1"}
    assert desk.queue("sift")["in_hand"] == 2


def test_a_lease_that_two_find_lapsed_is_returned_once(either_desk):
    desk = either_desk
    desk.discovers("r1")
    desk.claims("ana")
    desk.bench.clock.advance(hours=2)

    with desk.bench.work("one") as work:
        assert [commands.return_lapsed(work, 10), commands.return_lapsed(work, 10)] == [1, 0]

    assert_sound(desk.bench, REVIEW, set())


def test_a_task_that_came_back_keeps_its_place_in_the_queue(desk):
    desk.discovers("r1", "r2")
    desk.claims("ana")
    desk.bench.clock.advance(hours=2)

    desk.bench.runs(jobs.return_lapsed_leases)

    assert desk.claims("ben")["record"]["record"] == "r1"


@pytest.mark.parametrize("batch", [2, 200])
def test_dates_that_an_amendment_moved_are_applied_to_every_record(either_desk, monkeypatch, batch):
    monkeypatch.setattr(jobs, "BATCH", batch)
    desk = either_desk
    desk.discovers("r1", "r2", "r3", published="2019")
    desk.discovers("o1", "o2", "o3", published="2016")
    desk.answers("ana", "include")  # on r1
    moved = published(protocol(published_after="2015-12-31", published_until="2018-12-31"), version=2)
    desk.hears(moved)
    assert len(desk.bench.told(RecordReopened)) == 0

    desk.bench.runs(jobs.apply_moved_dates)

    reopened = desk.bench.told(RecordReopened)
    assert [event.record for event in reopened] == ["o1", "o2", "o3"]
    assert {event.because for event in desk.bench.told(TaskOpened) if event.record.startswith("o")} == {"dates_amended"}
    until = [event.record for event in desk.bench.told(RecordExcluded) if event.rule == "published_until"]
    assert until == ["r2", "r3"]
    assert desk.record("r1")["state"] == "screening"

    before = len(desk.bench.journal())
    desk.bench.runs(jobs.apply_moved_dates)
    assert len(desk.bench.journal()) == before


def test_what_the_check_tells_follows_from_the_publication(desk):
    desk.discovers("o1", published="2016")
    desk.hears(published(protocol(published_after="2015-12-31"), version=2))

    desk.bench.runs(jobs.apply_moved_dates)

    excluded, reopened, opened = desk.bench.journal()
    assert excluded.type == RecordExcluded.type
    assert reopened.causationid not in (None, excluded.id)
    assert opened.causationid == reopened.id
    assert reopened.correlationid == "o1"


def test_an_amendment_that_leaves_the_dates_checks_nothing(desk):
    desk.discovers("o1", published="2016")
    desk.hears(published(protocol(question="How, really?"), version=2))

    desk.bench.runs(jobs.apply_moved_dates)

    assert desk.record("o1")["state"] == "excluded"
    assert len(desk.bench.journal()) == 1


def changes(desk: Desk) -> int:
    """How many changes of counts wait to be folded."""
    with desk.bench.work(readonly=True) as work:
        return work.session.execute(select(func.count()).select_from(ChangeRow)).scalar_one()


def test_what_was_counted_is_folded_into_sums_and_reads_the_same(either_desk, monkeypatch):
    monkeypatch.setattr(jobs, "FOLDED", 4)
    desk = either_desk
    desk.discovers("r1", "r2", "r3")
    for name, answer in (("ana", "include"), ("ben", "unsure"), ("ben", "include")):
        desk.answers(name, answer, stage="sift")
    told = [desk.gets(path, "lea", "lead").json() for path in ("/queue", "/funnel", "/agreement")]
    assert changes(desk) > 8

    desk.bench.runs(jobs.fold_counts)

    assert changes(desk) == 0
    assert [desk.gets(path, "lea", "lead").json() for path in ("/queue", "/funnel", "/agreement")] == told
    desk.bench.runs(jobs.fold_counts)
    assert [desk.gets(path, "lea", "lead").json() for path in ("/queue", "/funnel", "/agreement")] == told


def test_a_fold_that_is_killed_half_way_leaves_everything_as_it_was(either_desk):
    desk = either_desk
    desk.discovers("r1", "r2")
    desk.answers("ana", "include")
    before, told = changes(desk), desk.gets("/funnel").json()

    with pytest.raises(KeyboardInterrupt), desk.bench.work("killed") as work:
        assert store.fold(work, 3) == 3
        raise KeyboardInterrupt

    assert (changes(desk), desk.gets("/funnel").json()) == (before, told)
    desk.bench.runs(jobs.fold_counts)
    assert (changes(desk), desk.gets("/funnel").json()) == (0, told)


def test_an_event_heard_again_counts_once(either_desk):
    desk = either_desk
    envelope = desk.bench.envelope(discovered("r1"))

    desk.bench.hears_envelope(envelope)
    desk.bench.hears_envelope(envelope)
    desk.bench.runs(jobs.fold_counts)
    desk.bench.hears_envelope(envelope)

    assert desk.gets("/funnel").json()["discovered"] == 1
    assert_sound(desk.bench, REVIEW, set())
