"""The scheduled work: lapsed leases go back, and moved dates are applied."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from services.screening import jobs, store
from services.screening.commands import queue, steps
from services.screening.models import ChangeRow
from shared.events.screening import RecordExcluded, RecordReopened, TaskOpened
from tests.unit.services.screening.rig import REVIEW, ScreeningRig, discovered, protocol, published
from tests.unit.services.screening.soundness import assert_sound


def test_the_job_returns_lapsed_leases_and_only_those(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    late = rig.claims("ana")
    rig.bench.clock.advance(minutes=40)
    rig.claims("ben")
    assert rig.claims("cy")["record"]["record"] == "r2"
    rig.bench.clock.advance(minutes=30)

    rig.bench.runs(jobs.return_lapsed_leases)

    assert rig.queue("sift")["in_hand"] == 2
    assert rig.claims("dee")["task"] == late["task"]
    assert rig.votes("ana", late["lease"], "include").json()["title"] == "lease lapsed"


def test_the_job_returns_conflicts_too(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "unsure")
    rig.claims("cy", "adjudicator", kind="conflict")
    rig.bench.clock.advance(hours=2)

    rig.bench.runs(jobs.return_lapsed_leases)

    assert rig.claims("dee", "adjudicator", kind="conflict") is not None


def test_the_job_goes_on_until_nothing_has_lapsed(rig, monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 2)
    rig.discovers("r1", "r2", "r3")
    for name in ("ana", "ben", "cy", "dee", "eve"):
        rig.claims(name)
    rig.bench.clock.advance(hours=2)

    rig.bench.runs(jobs.return_lapsed_leases)

    assert {rig.claims(name)["record"]["record"] for name in ("x", "y")} == {"r1"}
    assert rig.queue("sift")["in_hand"] == 2


def test_a_lease_that_two_find_lapsed_is_returned_once(either_rig):
    rig = either_rig
    rig.discovers("r1")
    rig.claims("ana")
    rig.bench.clock.advance(hours=2)

    with rig.bench.work("one") as work:
        assert [queue.return_lapsed(work, 10), queue.return_lapsed(work, 10)] == [1, 0]

    assert_sound(rig.bench, REVIEW, set())


def test_a_task_that_came_back_keeps_its_place_in_the_queue(rig):
    rig.discovers("r1", "r2")
    rig.claims("ana")
    rig.bench.clock.advance(hours=2)

    rig.bench.runs(jobs.return_lapsed_leases)

    assert rig.claims("ben")["record"]["record"] == "r1"


@pytest.mark.parametrize("batch", [2, 200])
def test_dates_that_an_amendment_moved_are_applied_to_every_record(either_rig, monkeypatch, batch):
    monkeypatch.setattr(jobs, "BATCH", batch)
    rig = either_rig
    rig.discovers("r1", "r2", "r3", published="2019")
    rig.discovers("o1", "o2", "o3", published="2016")
    rig.answers("ana", "include")  # on r1
    moved = published(protocol(published_after="2015-12-31", published_until="2018-12-31"), version=2)
    rig.hears(moved)
    assert len(rig.bench.emitted(RecordReopened)) == 0

    rig.bench.runs(jobs.apply_amendments)

    reopened = rig.bench.emitted(RecordReopened)
    assert [event.record for event in reopened] == ["o1", "o2", "o3"]
    assert {event.because for event in rig.bench.emitted(TaskOpened) if event.record.startswith("o")} == {
        "dates_amended"
    }
    until = [event.record for event in rig.bench.emitted(RecordExcluded) if event.rule == "published_until"]
    assert until == ["r2", "r3"]
    assert rig.record("r1")["state"] == "screening"

    before = len(rig.bench.journal())
    rig.bench.runs(jobs.apply_amendments)
    assert len(rig.bench.journal()) == before


def test_what_the_check_tells_follows_from_the_publication(rig):
    rig.discovers("o1", published="2016")
    rig.hears(published(protocol(published_after="2015-12-31"), version=2))

    rig.bench.runs(jobs.apply_amendments)

    excluded, reopened, opened = rig.bench.journal()
    assert excluded.type == RecordExcluded.type
    assert reopened.causationid not in (None, excluded.id)
    assert opened.causationid == reopened.id
    assert reopened.correlationid == "o1"


def test_a_review_whose_dates_cannot_be_applied_keeps_no_other_waiting(rig, monkeypatch):
    rig.discovers("o1", published="2016")
    earlier = {"review": "allotments", "published_after": "2015-12-31"}
    rig.hears(
        published(protocol(review="allotments")),
        discovered("a1", published="2016").model_copy(update={"review": "allotments"}),
        published(protocol(**earlier), version=2),
        published(protocol(published_after="2015-12-31"), version=2),
    )
    hold = steps.hold_against_dates

    def fails(work, record, plan, because):
        if record.review == "allotments":
            raise KeyError("no such stage")
        hold(work, record, plan, because)

    monkeypatch.setattr(steps, "hold_against_dates", fails)
    with pytest.raises(ExceptionGroup, match="1 failed: review allotments: KeyError"):
        rig.bench.runs(jobs.apply_amendments)
    assert [event.record for event in rig.bench.emitted(RecordReopened)] == ["o1"]

    monkeypatch.setattr(steps, "hold_against_dates", hold)
    rig.bench.runs(jobs.apply_amendments)
    assert [event.record for event in rig.bench.emitted(RecordReopened)] == ["o1", "a1"]


def test_an_amendment_that_leaves_the_dates_checks_nothing(rig):
    rig.discovers("o1", published="2016")
    rig.hears(published(protocol(question="How, really?"), version=2))

    rig.bench.runs(jobs.apply_amendments)

    assert rig.record("o1")["state"] == "excluded"
    assert len(rig.bench.journal()) == 1


def changes(rig: ScreeningRig) -> int:
    """How many changes of counts wait to be folded."""
    with rig.bench.work(readonly=True) as work:
        return work.session.execute(select(func.count()).select_from(ChangeRow)).scalar_one()


def test_what_was_counted_is_folded_into_sums_and_reads_the_same(either_rig, monkeypatch):
    monkeypatch.setattr(jobs, "FOLDED", 4)
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    for name, answer in (("ana", "include"), ("ben", "unsure"), ("ben", "include")):
        rig.answers(name, answer, stage="sift")
    seen = [rig.gets(path, "lea", "lead").json() for path in ("/queue", "/funnel", "/agreement")]
    assert changes(rig) > 8

    rig.bench.runs(jobs.fold_counts)

    assert changes(rig) == 0
    assert [rig.gets(path, "lea", "lead").json() for path in ("/queue", "/funnel", "/agreement")] == seen
    rig.bench.runs(jobs.fold_counts)
    assert [rig.gets(path, "lea", "lead").json() for path in ("/queue", "/funnel", "/agreement")] == seen


def test_a_fold_that_is_killed_half_way_leaves_everything_as_it_was(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    rig.answers("ana", "include")
    before, seen = changes(rig), rig.gets("/funnel").json()

    with pytest.raises(KeyboardInterrupt), rig.bench.work("killed") as work:
        assert store.fold(work, 3) == 3
        raise KeyboardInterrupt

    assert (changes(rig), rig.gets("/funnel").json()) == (before, seen)
    rig.bench.runs(jobs.fold_counts)
    assert (changes(rig), rig.gets("/funnel").json()) == (0, seen)


def test_an_event_heard_again_counts_once(either_rig):
    rig = either_rig
    envelope = rig.bench.envelope(discovered("r1"))

    rig.bench.hears_envelope(envelope)
    rig.bench.hears_envelope(envelope)
    rig.bench.runs(jobs.fold_counts)
    rig.bench.hears_envelope(envelope)

    assert rig.gets("/funnel").json()["discovered"] == 1
    assert_sound(rig.bench, REVIEW, set())
