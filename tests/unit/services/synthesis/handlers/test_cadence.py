"""How far was searched, and a review that publishes late says so, once."""

from __future__ import annotations

from datetime import date

from services.synthesis import jobs
from shared.events.synthesis import ReviewOverdue
from tests.unit.services.synthesis.room import REVIEW, Room, protocol


def test_only_complete_runs_move_the_day_and_never_back(room: Room):
    room.searched("pubmed", date(2020, 3, 1))
    room.searched("pubmed", date(2020, 2, 1))
    room.searched("pubmed", date(2020, 4, 1), complete=False, error="timed out")
    room.searched("crossref", date(2020, 1, 1))

    assert room.lead.status(REVIEW).searched_through == {"pubmed": date(2020, 3, 1), "crossref": date(2020, 1, 1)}


def test_runs_alone_do_not_unsettle_a_draft(room: Room):
    room.settles()
    room.searched("pubmed", date(2020, 3, 1))

    assert room.lead.draft(REVIEW).settled


def test_a_review_that_misses_its_day_is_told_once_for_that_day(room_of):
    room = room_of(protocol(publish_every_days=30))
    room.bench.clock.advance(days=30)
    room.bench.runs(jobs.watch_cadence)
    assert room.lead.status(REVIEW).state == "due"
    assert room.bench.told(ReviewOverdue) == []

    for _ in range(3):
        room.bench.clock.advance(days=1)
        room.bench.runs(jobs.watch_cadence)

    [told] = room.bench.told(ReviewOverdue)
    assert (told.due, told.last_published) == (date(2020, 1, 31), None)
    assert room.lead.status(REVIEW).state == "overdue"
    assert [one.rule for one in room.lead.triggers(REVIEW)] == ["schedule_due", "cadence_breached"]


def test_publishing_sets_the_next_day_and_missing_that_is_told_again(room_of):
    room = room_of(protocol(publish_every_days=30))
    room.bench.clock.advance(days=40)
    room.bench.runs(jobs.watch_cadence)
    room.signs()
    assert room.lead.status(REVIEW).state == "active"
    assert room.lead.status(REVIEW).next_due == date(2020, 3, 11)

    room.bench.clock.advance(days=31)
    room.bench.runs(jobs.watch_cadence)

    assert [told.last_published for told in room.bench.told(ReviewOverdue)] == [None, date(2020, 2, 10)]


def test_an_amended_cadence_counts_from_the_last_publication(room_of):
    room = room_of(protocol(publish_every_days=30))
    room.bench.clock.advance(days=10)
    room.signs()
    room.adopts(protocol(publish_every_days=90), version=2)

    assert room.lead.status(REVIEW).next_due == date(2020, 4, 10)
