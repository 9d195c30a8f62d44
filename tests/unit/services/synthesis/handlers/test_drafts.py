"""The synthesis re-runs by itself, in a fixed number of queries, and tells only what is new."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from services.synthesis import jobs
from services.synthesis.handlers import drafts
from services.synthesis.manifest import SERVICE
from shared.errors import NotFound
from shared.events.synthesis import RevisionDrafted, TheoryChanged
from tests.unit.services.synthesis.room import REVIEW, Room, protocol


def test_a_review_is_due_until_what_arrived_is_taken_in(room: Room):
    room.settles()
    room.includes("r1")
    room.links("r1")

    assert not room.lead.draft(REVIEW).settled
    assert room.lead.draft(REVIEW).states[0].support == 0
    room.settles()
    assert room.lead.draft(REVIEW).settled
    assert room.lead.draft(REVIEW).states[0].support == 1


def test_before_the_first_run_there_is_no_draft(workbench):
    room = Room(workbench(SERVICE))
    with pytest.raises(NotFound):
        room.lead.draft(REVIEW)
    room.adopts()
    with pytest.raises(NotFound) as caught:
        room.lead.draft(REVIEW)
    assert caught.value.slug == "no_draft"


def test_a_draft_is_told_only_when_it_says_something_new(room: Room):
    room.settles()
    room.includes("r1")
    taken = room.links("r1")
    room.settles()
    drafts = room.bench.told(RevisionDrafted)
    assert [draft.states[0].support for draft in drafts] == [0, 1]

    room.settles()
    room.person("ana").withdraw(REVIEW, taken.fragment, "misread")
    room.links("r1")
    room.settles()

    assert room.bench.told(RevisionDrafted) == drafts


def test_a_status_is_told_when_it_changes_with_its_reason(room: Room):
    room.includes("r1", "r2")
    room.shows_all_of("c1", "r1", "r2")
    room.settles()
    room.links("r1", "c1", element="outcome", stance="contradicts")
    room.settles()

    assert room.history() == ["proposed", "supported", "contested"]
    told = [event for event in room.bench.told(TheoryChanged) if event.happened == "contested"]
    assert (told[0].before, told[0].after) == ("supported", "contested")
    assert "1 contradicts" in told[0].why


def test_doubts_and_firmer_evidence_are_logged_as_triggers_once_a_cycle(room: Room):
    room.includes("r1", "r2")
    room.links("r1", "c1", element="outcome", inference="inferred")
    room.signs()
    room.links("r2", "c1", element="outcome")
    room.links("r2", "c2", stance="bounds")
    room.settles()
    room.links("r1", "c2", stance="bounds")
    room.settles()

    fired = [(one.rule, one.subject, one.cycle) for one in room.lead.triggers(REVIEW)]
    assert fired == [
        ("inferred_element_now_explicit", "c1:outcome", 2),
        ("contradiction_or_bound_arrived", "c2", 2),
        ("set_aside_cmoc_has_evidence", "c2", 2),
    ]
    assert {one.rule for one in room.signs().content.triggers} == {rule for rule, _, _ in fired}


def test_one_review_that_fails_does_not_keep_the_others_waiting(room: Room, monkeypatch):
    other = Room(room.bench, review="zebra")
    other.adopts(protocol(review="zebra"))
    real = drafts.synthesise

    def fails_for_small(theories, wordings, *about, **more):
        if fails_for_small.first:
            fails_for_small.first = False
            raise RuntimeError("this review is broken")
        return real(theories, wordings, *about, **more)

    fails_for_small.first = True
    monkeypatch.setattr(drafts, "synthesise", fails_for_small)

    with pytest.raises(ExceptionGroup) as caught:
        room.bench.runs(jobs.resynthesise)

    assert caught.value.exceptions[0].__notes__ == [f"review {REVIEW}"]
    assert other.lead.draft("zebra").settled
    room.settles()
    assert room.lead.draft(REVIEW).settled


def test_recomputing_takes_the_same_queries_for_little_and_for_much(room: Room):
    def queries() -> int:
        seen: list[str] = []
        engine = room.bench.running.database.engine
        listen = lambda connection, cursor, statement, *rest: seen.append(statement)  # noqa: E731
        event.listen(engine, "before_cursor_execute", listen)
        room.settles()
        event.remove(engine, "before_cursor_execute", listen)
        return len(seen)

    room.settles()
    room.includes(*(f"r{number}" for number in range(30)))
    room.links("r0", "c1")
    few = queries()
    for number in range(1, 30):
        room.links(f"r{number}", "c1")
        room.links(f"r{number}", "c1", element="outcome", stance="bounds")

    assert queries() <= few + 2
