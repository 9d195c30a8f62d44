"""Included reports are given to coders; of two, nothing counts and nobody sees the other before both have finished."""

from __future__ import annotations

import pytest

from services.synthesis import jobs, store
from services.synthesis.commands import extraction
from shared.errors import Conflict, Forbidden, NotFound
from shared.events.synthesis import (
    EvidenceLinked,
    ExtractionFinished,
    ExtractionOpened,
    ExtractionReconciled,
    TheoryChanged,
)
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, protocol


def two(**extraction):
    return protocol(extraction={"coders": 2} | extraction)


@pytest.fixture
def two_coders(rig_of) -> SynthesisRig:
    return rig_of(two())


def claims(rig: SynthesisRig, by: str) -> str | None:
    claimed = rig.person(by).claim_extraction(REVIEW).extraction
    return None if claimed is None else claimed.record


def finishes(rig: SynthesisRig, by: str, record: str = "r1") -> None:
    rig.person(by).finish_extraction(REVIEW, extraction_of(rig, record))


def extraction_of(rig: SynthesisRig, record: str = "r1") -> str:
    return next(it.extraction for it in rig.lead.extractions(REVIEW) if it.record == record)


def state_of(rig: SynthesisRig, record: str = "r1") -> str:
    return rig.lead.extraction(REVIEW, extraction_of(rig, record)).state


def seen_by(rig: SynthesisRig, by: str) -> set[str]:
    return {one.coder for one in rig.person(by).evidence(REVIEW)}


def both_code(rig: SynthesisRig, ana: dict | None, ben: dict | None, record: str = "r1") -> None:
    """Both claim a report, code one link each, or none, and finish."""
    for by, link in (("ana", ana), ("ben", ben)):
        assert claims(rig, by) == record
        if link is not None:
            rig.links(record, by=by, **link)
    finishes(rig, "ana", record)
    finishes(rig, "ben", record)


def decides(rig: SynthesisRig, by: str, keep: str, at: int = 0) -> None:
    found = rig.person(by).differences(REVIEW, extraction_of(rig))
    side = [it for it in found.differences if not it.decided][at]
    rig.person(by).reconcile(REVIEW, extraction_of(rig), side.difference, keep, "we talked about it")


# Without the protocol asking


def test_a_protocol_that_asks_for_no_coders_gives_reports_to_nobody_and_counts_at_once(rig):
    rig.includes("r1")
    rig.links("r1")

    assert list(rig.lead.extractions(REVIEW)) == []
    assert claims(rig, "ana") is None
    assert rig.support() == [1, 0]
    assert protocol().document() == protocol(extraction=None).document()
    assert "extraction" not in protocol().document()


def test_with_one_coder_there_is_a_queue_and_evidence_counts_at_once(rig_of):
    rig = rig_of(protocol(extraction={"coders": 1}))
    rig.includes("r1", "r2")

    assert (claims(rig, "ana"), claims(rig, "ben")) == ("r1", "r2")
    rig.links("r1", by="ana")
    assert rig.support() == [1, 0]
    finishes(rig, "ana")
    assert state_of(rig) == "done"
    assert claims(rig, "ana") is None


def test_coding_keeps_a_report_for_its_one_coder_too(rig_of):
    rig = rig_of(protocol(extraction={"coders": 1}))
    rig.includes("r1")
    claims(rig, "ana")
    rig.bench.clock.advance(hours=71)
    rig.links("r1", by="ana")
    rig.bench.clock.advance(hours=2)

    assert claims(rig, "ben") is None
    assert claims(rig, "ana") == "r1"


# The queue


def test_each_report_is_given_to_two_people_and_never_twice_to_one(two_coders):
    rig = two_coders
    rig.includes("r1", "r2")

    assert (claims(rig, "ana"), claims(rig, "ben"), claims(rig, "carol")) == ("r1", "r1", "r2")
    assert claims(rig, "ana") == "r1"  # What one has in hand comes first.
    finishes(rig, "ana")
    assert claims(rig, "ana") == "r2"
    finishes(rig, "ana", "r2")
    assert claims(rig, "ana") is None
    assert [event.coders for event in rig.bench.emitted(ExtractionOpened)] == [2, 2]


def test_a_coding_that_lapsed_or_was_given_back_goes_to_another(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    assert claims(rig, "carol") is None

    rig.person("ben").release_extraction(REVIEW, extraction_of(rig))
    assert claims(rig, "carol") == "r1"

    rig.bench.clock.advance(hours=71)
    rig.links("r1", by="ana")  # Keeps it anew.
    rig.bench.clock.advance(hours=2)
    rig.bench.runs(jobs.return_lapsed_codings)
    assert claims(rig, "ben") == "r1"
    with pytest.raises(Conflict, match="not in hand"):
        finishes(rig, "carol")
    finishes(rig, "ana")


def test_a_claim_gives_what_lapsed_by_itself(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    rig.bench.clock.advance(hours=73)

    assert claims(rig, "carol") == "r1"


def test_what_was_included_before_the_protocol_asked_is_opened_unless_something_is_coded_of_it(rig):
    rig.includes("r1", "r2")
    rig.links("r1")
    rig.adopts(two(), version=2)
    assert claims(rig, "ana") is None

    rig.bench.runs(jobs.open_extractions)

    assert [it.record for it in rig.lead.extractions(REVIEW)] == ["r2"]
    assert claims(rig, "ana") == "r2"
    rig.links("r1", "c2")
    assert rig.support() == [1, 1]


def test_it_ends_with_its_report_and_comes_back_with_it(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    rig.links("r1", by="ana")
    finishes(rig, "ana")

    rig.excludes("r1")
    assert state_of(rig) == "withdrawn"
    assert claims(rig, "carol") is None
    assert rig.history() == ["proposed"]

    rig.includes("r1")
    assert state_of(rig) == "open"
    assert claims(rig, "carol") == "r1"
    rig.links("r1", by="carol")
    finishes(rig, "carol")
    assert rig.support() == [1, 0]


# Blindness


@pytest.mark.parametrize("other", ["ben", "carol", "dora", "rita"])
def test_nobody_sees_what_another_codes_before_both_have_finished(two_coders, other):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana")
    coder = other if other != "rita" else "ben"
    claims(rig, coder)
    taken = rig.links("r1", by="ana")
    finishes(rig, "ana")
    one, shown = rig.person(other), rig.person(other).extraction(REVIEW, extraction_of(rig))

    assert list(one.evidence(REVIEW)) == []
    assert list(one.evidence(REVIEW, link=taken.links[0].link)) == []
    assert [it.record for it in one.reports(REVIEW, to_code=True)] == ["r1"]
    assert (shown.finished, shown.finished_by) == (1, [])
    with pytest.raises(Conflict, match="nobody sees"):
        one.differences(REVIEW, shown.extraction)
    with pytest.raises(NotFound):
        list(one.appraisals(REVIEW, taken.links[0].link))
    if other != "rita":
        with pytest.raises(NotFound) as there:
            one.withdraw(REVIEW, taken.fragment, "a guess")
        with pytest.raises(NotFound) as nowhere:
            one.withdraw(REVIEW, "frag_1", "a guess")
        assert there.value.detail.replace(taken.fragment, "frag_1") == nowhere.value.detail
        with pytest.raises(NotFound):
            one.appraise(REVIEW, taken.links[0].link, "credible", "a guess")
    assert one.coding_agreement(REVIEW).every.n == 0
    assert one.status(REVIEW).to_code == 1
    assert [row.support for row in (rig.settles() or one.support(REVIEW)).rows] == [0, 0]
    assert seen_by(rig, "ana") == {"ana"}

    rig.links("r1", by=coder)
    finishes(rig, coder)
    assert seen_by(rig, other) == {"ana", coder}


def test_a_lead_who_withdraws_a_fragment_that_is_shown_takes_back_and_learns_nothing_of_what_its_coder_codes(rig):
    rig.includes("r1")
    taken = rig.links("r1", by="ana", text="one piece")
    rig.person("ana").withdraw(REVIEW, taken.fragment, "too soon")
    rig.adopts(two(), version=2)
    rig.bench.runs(jobs.open_extractions)
    claims(rig, "ana")
    again = rig.links("r1", by="ana", text="one piece", cmoc="c2")
    assert again.fragment == taken.fragment

    assert rig.lead.withdraw(REVIEW, taken.fragment, "all of it").links == []
    assert rig.lead.withdraw(REVIEW, taken.fragment, "that one", link=again.links[0].link).links == []
    assert [it.held for it in rig.person("ana").evidence(REVIEW) if it.link == again.links[0].link] == ["coding"]
    assert rig.person("ana").withdraw(REVIEW, taken.fragment, "my own").links == [again.links[0].link]


def test_no_event_tells_what_one_of_two_coded_before_both_have_finished(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    rig.links("r1", by="ana", text="a word of ana's")
    gone = rig.links("r1", by="ana", text="another", stance="bounds")
    rig.person("ana").withdraw(REVIEW, gone.fragment, "a slip")
    finishes(rig, "ana")

    assert rig.bench.emitted(EvidenceLinked) == []
    assert [event.happened for event in rig.bench.emitted(TheoryChanged)] == ["proposed", "proposed"]
    assert [event.finished for event in rig.bench.emitted(ExtractionFinished)] == [1]
    assert all("frag_" not in str(event.data) and "link_" not in str(event.data) for event in rig.bench.journal())

    rig.links("r1", by="ben")
    finishes(rig, "ben")
    assert len(rig.bench.emitted(EvidenceLinked)) == 1


def test_who_has_finished_adds_nothing_before_the_other_has(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    finishes(rig, "ana")
    finishes(rig, "ana")

    with pytest.raises(Conflict, match="you have finished"):
        rig.links("r1", by="ana")
    with pytest.raises(Conflict, match="claim the next report"):
        rig.links("r1", by="carol")
    assert len(rig.bench.emitted(ExtractionFinished)) == 1


def test_only_links_that_are_new_and_stand_count_towards_the_most_of_one_coder(two_coders, monkeypatch):
    monkeypatch.setattr(extraction, "MOST_LINKS", 2)
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana")
    rig.links("r1", by="ana")
    slip = rig.links("r1", "c2", by="ana")
    rig.links("r1", "c2", by="ana")  # The same again.
    with pytest.raises(Conflict, match="2 links of one report at most"):
        rig.links("r1", by="ana", element="outcome")

    rig.person("ana").withdraw(REVIEW, slip.fragment, "a slip")
    rig.links("r1", by="ana", element="outcome")
    with pytest.raises(Conflict, match="at most"):
        rig.links("r1", "c2", by="ana")


def test_while_not_all_have_finished_nothing_is_weighed(two_coders, monkeypatch):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    read: list[str] = []
    real = store.coded_links
    monkeypatch.setattr(store, "coded_links", lambda work, of: read.append(of) or real(work, of))
    taken = rig.links("r1", by="ana")
    rig.person("ana").withdraw(REVIEW, taken.fragment, "a slip")
    rig.links("r1", by="ana")
    finishes(rig, "ana")
    assert read == []

    finishes(rig, "ben")
    assert len(read) == 1


# What counts


def test_what_both_say_of_one_place_counts_once_when_both_have_finished(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    rig.links("r1", by="ana")
    rig.links("r1", by="ben")
    finishes(rig, "ana")
    assert rig.support() == [0, 0]

    finishes(rig, "ben")

    assert rig.support() == [1, 0]
    assert state_of(rig) == "done"
    assert rig.draft().counts.links == 1
    assert sorted(one.stands for one in rig.lead.evidence(REVIEW)) == [False, True]
    [linked] = [one.id for one in rig.bench.journal() if one.type == EvidenceLinked.type]
    assert linked in rig.signs().content.because


@pytest.mark.parametrize(
    ("ana", "ben", "kind"),
    [
        ({}, {"stance": "refines"}, "other_stance"),
        ({}, {"inference": "inferred"}, "other_inference"),
        ({}, None, "only_first"),
        (None, {}, "only_second"),
    ],
)
def test_what_they_differ_in_is_held_back_and_laid_side_by_side(two_coders, ana, ben, kind):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, ana, ben)

    assert rig.support() == [0, 0]
    assert state_of(rig) == "differing"
    shown = rig.person("ana").differences(REVIEW, extraction_of(rig))
    assert [(it.kind, it.decided, it.first is None, it.second is None) for it in shown.differences] == [
        (kind, False, ana is None, ben is None)
    ]
    assert all(one.why_not and not one.stands for one in rig.lead.evidence(REVIEW))


@pytest.mark.parametrize(
    ("keep", "support", "stances"),
    [("first", 1, {"supports": 1}), ("second", 1, {"refines": 1}), ("neither", 0, {}),
     ("both", 1, {"refines": 1, "supports": 1})],
)  # fmt: skip
def test_a_difference_is_decided_with_why_and_nothing_is_deleted(two_coders, keep, support, stances):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, {"stance": "refines"})

    decides(rig, "ana", keep)

    assert rig.support() == [support, 0]
    assert rig.lead.cmoc(REVIEW, "c1").drafted.stances == stances
    assert state_of(rig) == "done"
    assert len(list(rig.lead.evidence(REVIEW))) == 2
    dropped = [one.why_not for one in rig.lead.evidence(REVIEW) if not one.stands]
    assert all("we talked about it" in why for why in dropped)
    [event] = rig.bench.emitted(ExtractionReconciled)
    assert (len(event.kept), len(event.dropped)) == (sum(stances.values()), 2 - sum(stances.values()))
    assert len(rig.bench.emitted(EvidenceLinked)) == sum(stances.values())
    assert [it.keep for it in rig.lead.differences(REVIEW, extraction_of(rig)).reconciliations] == [keep]


@pytest.mark.parametrize("keep", ["first", "second", "both", "neither"])
def test_what_was_decided_shows_both_sides_as_they_stood(two_coders, keep):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, {"stance": "refines"})
    [before] = rig.lead.differences(REVIEW, extraction_of(rig)).differences

    decides(rig, "ana", keep)

    [shown] = rig.lead.differences(REVIEW, extraction_of(rig)).differences
    assert (shown.difference, shown.kind, shown.decided) == (before.difference, "other_stance", True)
    assert (shown.first.link, shown.second.link) == (before.first.link, before.second.link)
    assert shown.decision.keep == keep and (before.decided, before.decision) == (False, None)
    dropped = [it.link for it in (shown.first, shown.second) if not it.stands]
    assert sorted(dropped) == sorted(shown.decision.dropped)


def test_a_difference_that_a_correction_opens_stands_beside_what_was_decided_before(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, {"stance": "refines"})
    decides(rig, "ana", "first")

    rig.links("r1", by="ben", stance="bounds")

    shown = rig.lead.differences(REVIEW, extraction_of(rig)).differences
    assert sorted((it.decided, it.second.stance) for it in shown) == [(False, "bounds"), (True, "refines")]


def test_a_link_says_how_it_stands_between_two_coders(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "ana"), claims(rig, "ben")
    rig.links("r1", by="ana")
    assert [it.held for it in rig.person("ana").evidence(REVIEW)] == ["coding"]
    rig.links("r1", by="ben")
    finishes(rig, "ana"), finishes(rig, "ben")

    assert sorted(str(it.held) for it in rig.lead.evidence(REVIEW)) == ["None", "doubled"]


def test_what_is_decided_already_or_is_not_there_is_refused(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, None)
    [side] = rig.lead.differences(REVIEW, extraction_of(rig)).differences
    with pytest.raises(Conflict, match="only one coder"):
        decides(rig, "ana", "second")
    decides(rig, "ben", "first")

    with pytest.raises(Conflict, match="nothing is left"):
        rig.lead.reconcile(REVIEW, extraction_of(rig), side.difference, "neither", "once more")
    with pytest.raises(NotFound):
        rig.lead.reconcile(REVIEW, extraction_of(rig), "difference_1", "first", "not there")


def test_who_decides_is_as_the_protocol_says(rig_of):
    rig = rig_of(two(reconciled_by="adjudicator"))
    rig.includes("r1")
    both_code(rig, {}, None)

    with pytest.raises(Forbidden):
        decides(rig, "ana", "first")
    assert not rig.person("ana").differences(REVIEW, extraction_of(rig)).decides
    assert rig.person("carol").differences(REVIEW, extraction_of(rig)).decides
    decides(rig, "carol", "first")
    assert rig.support() == [1, 0]


def test_a_third_reviewer_does_not_decide(two_coders):
    rig = two_coders
    rig._roles["eve"] = "reviewer"
    rig.includes("r1")
    both_code(rig, {}, None)

    with pytest.raises(Forbidden):
        decides(rig, "eve", "first")


def test_a_correction_by_one_coder_is_held_back_like_any_difference(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, {})
    assert rig.support() == [1, 0]

    counting = next(one for one in rig.lead.evidence(REVIEW) if one.stands)
    rig.person(counting.coder).withdraw(REVIEW, counting.fragment, "misread")

    assert rig.support() == [0, 0]
    assert state_of(rig) == "differing"
    decides(rig, "carol", "second" if counting.coder == "ana" else "first")
    assert rig.support() == [1, 0]
    rig.links("r1", "c2", by="ana")
    assert rig.support() == [1, 0]
    decides(rig, "ben", "first")
    assert rig.support() == [1, 1]


def test_what_is_held_back_is_not_appraised(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, None)
    [one] = rig.lead.evidence(REVIEW)

    with pytest.raises(Conflict, match="held back"):
        rig.lead.appraise(REVIEW, one.link, "credible", "too early")


def test_what_was_coded_by_who_gave_the_report_back_is_kept_and_counts_for_nothing(two_coders):
    rig = two_coders
    rig.includes("r1")
    claims(rig, "carol")
    rig.links("r1", by="carol")
    slip = rig.links("r1", "c2", by="carol")
    rig.person("carol").withdraw(REVIEW, slip.fragment, "a slip")
    rig.person("carol").release_extraction(REVIEW, extraction_of(rig))
    both_code(rig, {}, {})

    assert state_of(rig) == "done"
    left = [one.why_not for one in rig.lead.evidence(REVIEW) if one.coder == "carol"]
    assert left == ["its coder gave the report back", "withdrawn by carol: a slip"]
    assert rig.draft().counts.links == 1


# Mergers


def test_what_two_coded_goes_with_a_merger_and_comes_back(two_coders):
    rig = two_coders
    rig.includes("r1")
    both_code(rig, {}, {})
    rig.includes("r2")

    rig.merges("r1", into="r2")
    assert rig.support() == [1, 0]
    assert {it.record: it.state for it in rig.lead.extractions(REVIEW)} in ({"r2": "open"}, {"r2": "done"})
    rig.parts("r1", out_of="r2")
    assert rig.support() == [1, 0]
    assert {it.record: it.state for it in rig.lead.extractions(REVIEW)} == {"r1": "done", "r2": "open"}


def test_of_two_reports_that_are_one_what_nobody_finished_is_asked_once(two_coders):
    rig = two_coders
    rig.includes("r1", "r2")
    claims(rig, "ana")
    rig.links("r1", by="ana")

    rig.merges("r1", into="r2")
    assert sorted(it.state for it in rig.lead.extractions(REVIEW)) == ["open", "withdrawn"]
    assert claims(rig, "ana") == "r2"

    rig.parts("r1", out_of="r2")
    assert {it.record: it.state for it in rig.lead.extractions(REVIEW)} == {"r1": "open", "r2": "open"}
    assert rig.support() == [0, 0]


# What waits


def test_a_review_says_how_many_reports_wait_for_coders_and_how_many_are_to_be_reconciled(two_coders):
    rig = two_coders
    rig.includes("r1", "r2", "r3")
    both_code(rig, {}, None)
    both_code(rig, {}, {}, record="r2")

    status = rig.person("rita").status(REVIEW)

    assert (status.coders_differ, status.being_coded) == (1, 1)


# Agreement


def test_agreement_is_of_what_both_said_before_they_reconciled(two_coders):
    rig = two_coders
    rig.includes("r1", "r2", "r3")
    both_code(rig, {"element": "context"}, {"element": "context"})
    both_code(rig, {"stance": "contradicts"}, {"stance": "contradicts"}, record="r2")
    both_code(rig, {}, {"stance": "refines"}, record="r3")
    before = rig.person("rita").coding_agreement(REVIEW)

    assert (before.reports, before.every.n, before.every.agreed) == (3, 3, 2)
    # Values: supports 3, contradicts 2, refines 1 of 6. Alpha = 1 - 5 * 2 / (3 * 3 + 2 * 4 + 1 * 5).
    assert before.every.alpha == pytest.approx(1 - 10 / 22)
    assert (before.by_element["context"].n, before.by_element["context"].alpha) == (1, None)
    assert before.by_element["resource"].n == 2
    assert before.by_stance["contradicts"].alpha == 1
    assert before.by_stance["refines"].agreed == 2

    found = rig.lead.differences(REVIEW, extraction_of(rig, "r3"))
    rig.lead.reconcile(REVIEW, found.extraction.extraction, found.differences[0].difference, "first", "so it is")
    assert rig.lead.coding_agreement(REVIEW) == before


def test_a_report_that_is_out_again_is_none_that_its_coders_have_finished(two_coders):
    rig = two_coders
    rig.includes("r1", "r2")
    both_code(rig, {}, {})
    both_code(rig, {}, {"stance": "refines"}, record="r2")
    assert rig.lead.coding_agreement(REVIEW).reports == 2

    rig.excludes("r1")
    assert rig.lead.coding_agreement(REVIEW).reports == 1
