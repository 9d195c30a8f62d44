"""The synthesis re-runs by itself, in a fixed number of queries, and tells only what is new."""

from __future__ import annotations

import pytest
from sqlalchemy import event, update

from services.synthesis import jobs
from services.synthesis.commands import drafts
from services.synthesis.manifest import SERVICE
from services.synthesis.models import DraftRow, StatementRow
from shared.errors import NotFound
from shared.events.synthesis import RevisionDrafted, TheoryChanged
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, judged, protocol


def test_a_review_is_due_until_what_arrived_is_taken_in(rig: SynthesisRig):
    rig.settles()
    rig.includes("r1")
    rig.links("r1")

    assert not rig.lead.draft(REVIEW).settled
    assert rig.lead.draft(REVIEW).states[0].support == 0
    rig.settles()
    assert rig.lead.draft(REVIEW).settled
    assert rig.lead.draft(REVIEW).states[0].support == 1


def test_before_the_first_run_there_is_no_draft(workbench):
    rig = SynthesisRig(workbench(SERVICE))
    with pytest.raises(NotFound):
        rig.lead.draft(REVIEW)
    rig.adopts()
    with pytest.raises(NotFound) as caught:
        rig.lead.draft(REVIEW)
    assert caught.value.slug == "no_draft"


def test_a_draft_is_told_only_when_it_says_something_new(rig: SynthesisRig):
    rig.settles()
    rig.includes("r1")
    taken = rig.links("r1")
    rig.settles()
    drafts = rig.bench.emitted(RevisionDrafted)
    assert [draft.states[0].support for draft in drafts] == [0, 1]

    rig.settles()
    rig.person("ana").withdraw(REVIEW, taken.fragment, "misread")
    rig.links("r1")
    rig.settles()

    assert rig.bench.emitted(RevisionDrafted) == drafts


def test_a_status_is_told_when_it_changes_with_its_reason(rig: SynthesisRig):
    rig.includes("r1", "r2")
    rig.shows_all_of("c1", "r1", "r2")
    rig.settles()
    rig.links("r1", "c1", element="outcome", stance="contradicts")
    rig.settles()

    assert rig.history() == ["proposed", "supported", "contested"]
    shown = [event for event in rig.bench.emitted(TheoryChanged) if event.happened == "contested"]
    assert (shown[0].before, shown[0].after) == ("supported", "contested")
    assert "1 contradicts" in shown[0].why


def test_doubts_and_firmer_evidence_are_logged_as_triggers_once_a_cycle(rig: SynthesisRig):
    rig.includes("r1", "r2")
    rig.links("r1", "c1", element="outcome", inference="inferred")
    rig.signs()
    rig.links("r2", "c1", element="outcome")
    rig.links("r2", "c2", stance="bounds")
    rig.settles()
    rig.links("r1", "c2", stance="bounds")
    rig.settles()

    fired = [(one.rule, one.subject, one.cycle) for one in rig.lead.triggers(REVIEW)]
    suggested = fired.pop(0)  # c2 was signed without any evidence.
    assert (suggested[0], suggested[2]) == ("theory_change_proposed", 2)
    assert fired == [
        ("inferred_element_now_explicit", "c1:outcome", 2),
        ("contradiction_or_bound_arrived", "c2", 2),
        ("set_aside_cmoc_has_evidence", "c2", 2),
    ]
    signed = {one.rule for one in rig.signs().content.triggers}
    assert signed == {suggested[0], *(rule for rule, _, _ in fired)}


def test_one_review_that_fails_does_not_keep_the_others_waiting(rig: SynthesisRig, monkeypatch):
    other = SynthesisRig(rig.bench, review="zebra")
    other.adopts(protocol(review="zebra"))
    real = drafts.statement_of

    def fails_for_small(*about):
        if fails_for_small.first:
            fails_for_small.first = False
            raise RuntimeError("this review is broken")
        return real(*about)

    fails_for_small.first = True
    monkeypatch.setattr(drafts, "statement_of", fails_for_small)

    with pytest.raises(ExceptionGroup) as caught:
        rig.bench.runs(jobs.resynthesise)

    assert caught.value.exceptions[0].__notes__ == [f"review {REVIEW}"]
    assert other.lead.draft("zebra").settled
    rig.settles()
    assert rig.lead.draft(REVIEW).settled


def test_recomputing_takes_the_same_queries_for_little_and_for_much(rig: SynthesisRig):
    def queries() -> int:
        seen: list[str] = []
        engine = rig.bench.running.database.engine
        listen = lambda connection, cursor, statement, *rest: seen.append(statement)  # noqa: E731
        event.listen(engine, "before_cursor_execute", listen)
        rig.settles()
        event.remove(engine, "before_cursor_execute", listen)
        return len(seen)

    rig.settles()
    rig.includes(*(f"r{number}" for number in range(30)))
    rig.links("r0", "c1")
    few = queries()
    for number in range(1, 30):
        rig.links(f"r{number}", "c1")
        rig.links(f"r{number}", "c1", element="outcome", stance="bounds")

    assert queries() <= few + 2


def test_what_arrives_is_taken_in_by_the_cmocs_it_speaks_to_alone(rig: SynthesisRig, monkeypatch):
    taken_in: list[str] = []
    real = drafts.statement_of
    monkeypatch.setattr(drafts, "statement_of", lambda *about: taken_in.append(about[0].cmoc) or real(*about))
    rig.settles()
    rig.includes("r1", "r2")
    assert taken_in == ["c1", "c2"]

    rig.links("r1", "c2")
    rig.settles()
    assert taken_in[2:] == ["c2"]
    rig.adopts(protocol(wording={"c1": {"outcome": "another"}}), 2)
    rig.settles()
    assert taken_in[3:] == ["c1", "c2"]


def test_a_draft_that_was_made_by_other_rules_is_made_anew_by_itself(rig: SynthesisRig):
    rig.includes("r1", "r2")
    rig.shows_all_of("c1", "r1", "r2")
    before, drafts = rig.draft(), rig.bench.emitted(RevisionDrafted)
    with rig.bench.running.work("test") as work:
        work.session.execute(update(DraftRow).values(rules=0))
        work.session.execute(update(StatementRow).values(sha256="0", links_sha256="", status="no_evidence"))

    assert not rig.lead.draft(REVIEW).settled
    after = rig.draft()
    assert after.model_copy(update={"made_at": before.made_at}) == before
    assert rig.bench.emitted(RevisionDrafted) == drafts


def test_a_report_that_is_judged_otherwise_is_taken_in_wherever_it_speaks(rig: SynthesisRig):
    rig.includes("r1", "r2")
    rig.shows_all_of("c1", "r1", "r2")
    rig.shows_all_of("c2", "r1", "r2")
    assert {status for status, _, _ in rig.states().values()} == {"supported"}

    rig.includes("r2", judgements=[judged("exclude")])

    assert {status for status, _, _ in rig.states().values()} == {"partially_supported"}
    rig.links("r1", "c1", element="outcome", stance="bounds")
    assert {status for status, _, _ in rig.states().values()} == {"partially_supported"}


def test_studies_that_become_one_by_a_merger_are_counted_anew_wherever_they_speak(rig: SynthesisRig):
    rig.includes("r1", "r2", "r3")
    rig.lead.join_study(REVIEW, "r3", "one study", same_as="r1")
    rig.links("r3", "c2")
    rig.links("r2", "c2")
    assert rig.states()["c2"][1] == 2

    rig.merges("r1", "r2")  # r1 says nothing itself; r3 is of its study.

    assert rig.states()["c2"][1] == 1
