"""How far was searched, and a review that publishes late says so, once."""

from __future__ import annotations

from datetime import date

from services.synthesis import jobs
from shared.events.synthesis import ReviewOverdue
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol


def test_only_complete_runs_move_the_day_and_never_back(rig: SynthesisRig):
    rig.searched("pubmed", date(2020, 3, 1))
    rig.searched("pubmed", date(2020, 2, 1))
    rig.searched("pubmed", date(2020, 4, 1), complete=False, error="timed out")
    rig.searched("crossref", date(2020, 1, 1))

    assert rig.lead.status(REVIEW).searched_through == {"pubmed": date(2020, 3, 1), "crossref": date(2020, 1, 1)}


def test_runs_alone_do_not_unsettle_a_draft(rig: SynthesisRig):
    rig.settles()
    rig.searched("pubmed", date(2020, 3, 1))

    assert rig.lead.draft(REVIEW).settled


def test_a_review_that_misses_its_day_is_told_once_for_that_day(rig_of):
    rig = rig_of(protocol(publish_every_days=30))
    rig.bench.clock.advance(days=30)
    rig.bench.runs(jobs.watch_cadence)
    assert rig.lead.status(REVIEW).state == "due"
    assert rig.bench.emitted(ReviewOverdue) == []

    for _ in range(3):
        rig.bench.clock.advance(days=1)
        rig.bench.runs(jobs.watch_cadence)

    [seen] = rig.bench.emitted(ReviewOverdue)
    assert (seen.due, seen.last_published) == (date(2020, 1, 31), None)
    assert rig.lead.status(REVIEW).state == "overdue"
    assert [one.rule for one in rig.lead.triggers(REVIEW)] == ["schedule_due", "cadence_breached"]


def test_publishing_sets_the_next_day_and_missing_that_is_told_again(rig_of):
    rig = rig_of(protocol(publish_every_days=30))
    rig.bench.clock.advance(days=40)
    rig.bench.runs(jobs.watch_cadence)
    rig.signs()
    assert rig.lead.status(REVIEW).state == "active"
    assert rig.lead.status(REVIEW).next_due == date(2020, 3, 11)

    rig.bench.clock.advance(days=31)
    rig.bench.runs(jobs.watch_cadence)

    assert [seen.last_published for seen in rig.bench.emitted(ReviewOverdue)] == [None, date(2020, 2, 10)]


def test_an_amended_cadence_counts_from_the_last_publication(rig_of):
    rig = rig_of(protocol(publish_every_days=30))
    rig.bench.clock.advance(days=10)
    rig.signs()
    rig.adopts(protocol(publish_every_days=90), version=2)

    assert rig.lead.status(REVIEW).next_due == date(2020, 4, 10)
