"""Several people and the synthesis at once, on either database: nothing is lost, doubled or published twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy.event import listen

from services.synthesis import store
from services.synthesis.domain.verifying import verified_with
from services.synthesis.ports.crates import read_crate
from shared.events.synthesis import EvidenceLinked, ExtractionFinished, RevisionPublished
from tests.unit.services.synthesis.rig import REVIEW, SynthesisRig, evidence, protocol

pytestmark = pytest.mark.waits


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result() for done in [pool.submit(act) for act in acts]]


def test_a_whole_life_is_the_same_on_either_database(either_rig: SynthesisRig):
    rig = either_rig
    rig.includes("r1", "r2", "r3")
    rig.shows_all_of("c1", "r1", "r2")
    rig.links("r3", "c2", stance="bounds", inference="inferred", text='Ünïcode, "quotes" and 100 %')
    assert rig.states() == {"c1": ("supported", 2, False), "c2": ("partially_supported", 1, False)}
    assert rig.signs().content.change_class == "MAJOR"

    rig.notices("r2", "retraction", drill=True)
    assert rig.states()["c1"] == ("partially_supported", 1, True)
    assert rig.signs().content.drill
    rig.merges("r3", into="r1")
    rig.notices("r2", "reinstatement", drill=True)
    assert rig.states() == {"c1": ("supported", 2, False), "c2": ("partially_supported", 1, False)}
    assert rig.signs().content.change_class == "MINOR"

    assert all(rig.lead.verify(REVIEW, number).holds for number in (1, 2, 3))
    assert [change.what for change in rig.lead.diff(REVIEW, 1, 3).changes] == []
    assert len(list(rig.lead.history(REVIEW, "c1"))) == len(rig.history()) > 4
    assert {report.record: report.state for report in rig.lead.reports(REVIEW)} == {
        "r1": "included", "r2": "included", "r3": "merged",
    }  # fmt: skip


def test_people_who_code_while_the_synthesis_runs_lose_nothing(either_rig: SynthesisRig):
    rig = either_rig
    rig.includes(*(f"r{number}" for number in range(12)))
    clients = [rig.bench.person(f"coder{number}", "reviewer") for number in range(4)]

    def code(number: int) -> list[int]:
        posted = [evidence(f"r{number * 3 + position}", "c1").model_dump() for position in range(3)]
        return [clients[number].post(f"/synthesis/reviews/{REVIEW}/evidence", json=one).status_code for one in posted]

    def synthesise() -> None:
        for _ in range(5):
            rig.settles()

    at_once(*(lambda number=number: code(number) for number in range(4)), synthesise)

    assert rig.support() == [12, 0]
    assert len(rig.bench.emitted(EvidenceLinked)) == 12
    linked = {one.id for one in rig.bench.journal() if one.type == EvidenceLinked.type}
    assert linked <= set(rig.signs().content.because)


def test_the_same_evidence_sent_at_once_is_taken_once(either_rig: SynthesisRig):
    rig = either_rig
    rig.includes("r1")
    clients = [rig.bench.person("ana", "reviewer") for _ in range(4)]
    body = evidence("r1", "c1").model_dump()

    answers = at_once(
        *(lambda one=one: one.post(f"/synthesis/reviews/{REVIEW}/evidence", json=body) for one in clients)
    )

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert [answer.json()["changed"] for answer in answers if answer.status_code == 200].count(True) == 1
    assert len(rig.bench.emitted(EvidenceLinked)) == 1
    assert rig.support() == [1, 0]


def test_of_two_leads_who_sign_at_once_one_publishes(either_rig: SynthesisRig):
    rig = either_rig
    draft = rig.draft()
    clients = [rig.bench.person(f"lead{number}", "lead") for number in range(3)]
    body = {"fragments_sha256": draft.fragments_sha256, "draft": draft.draft, "summary": "signed"}

    answers = at_once(
        *(lambda one=one: one.post(f"/synthesis/reviews/{REVIEW}/draft/sign", json=body) for one in clients)
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 2}
    assert [event.number for event in rig.bench.emitted(RevisionPublished)] == [1]


def test_evidence_that_meets_a_retraction_is_suspended_whichever_comes_first(either_rig: SynthesisRig):
    rig = either_rig
    rig.includes("r1", "r2")
    rig.links("r2", "c2")
    client = rig.bench.person("ana", "reviewer")

    at_once(
        lambda: rig.notices("r1", "retraction"),
        lambda: client.post(f"/synthesis/reviews/{REVIEW}/evidence", json=evidence("r1").model_dump()),
        rig.settles,
    )

    assert rig.support() == [0, 1]
    flagged = rig.states()["c1"][2]
    [link] = rig.lead.evidence(REVIEW, cmoc="c1")
    assert not link.stands
    assert flagged == bool(list(rig.lead.rejudgements(REVIEW)))


def test_evidence_of_several_reports_waits_for_whoever_puts_reports_together_and_of_one_does_not(
    either_rig: SynthesisRig,
):
    rig = either_rig
    if rig.bench.running.database.sqlite:
        pytest.skip("one writer: everybody waits")
    rig.includes("r1", "r2", "r3")
    coder, several = rig.bench.person("ana", "reviewer"), [evidence(record).model_dump() for record in ("r1", "r2")]
    at = f"/synthesis/reviews/{REVIEW}/evidence"

    with ThreadPoolExecutor(1) as pool:
        with rig.bench.running.work("test") as work:
            store.hold_studies(work, REVIEW, alone=True)
            waits = pool.submit(coder.post, f"{at}/batch", json={"evidence": several})
            assert rig.bench.person("ben", "reviewer").post(at, json=evidence("r3").model_dump()).status_code == 200
            assert not waits.done()
        assert waits.result().status_code in (200, 503)  # Where this took longer than anybody waits.
    assert coder.post(f"{at}/batch", json={"evidence": several}).status_code == 200
    assert rig.support() == [3, 0]


def test_a_merger_that_is_committed_while_the_synthesis_reads_leaves_nothing_half_read(either_rig: SynthesisRig):
    rig = either_rig
    if rig.bench.running.database.sqlite:
        pytest.skip("one writer: nobody merges meanwhile")
    rig.includes("r1", "r2")
    rig.links("r1")
    rig.links("r2", "c2")
    met: list[str] = []

    def merge(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "JOIN fragments" in statement and not met:
            met.append(statement)
            rig.merges("r1", into="r2")

    listen(rig.bench.running.database.engine, "after_cursor_execute", merge)
    rig.settles()

    assert met
    assert rig.support() == [1, 1]
    rig.settles()
    [link] = rig.lead.evidence(REVIEW, cmoc="c1")
    assert (link.record, rig.support()) == ("r2", [1, 1])


def test_what_is_signed_while_people_code_is_what_its_links_give(either_rig: SynthesisRig):
    """Each revision's crate is computed anew: it was read while others committed."""
    rig = either_rig
    rig.includes(*(f"r{number}" for number in range(20)))
    coders = [rig.bench.person(f"coder{number}", "reviewer") for number in range(3)]
    lead, over = rig.bench.person("dora", "lead"), Event()

    def code(number: int) -> int:
        kept = 0
        while not over.is_set():
            element = ("context", "resource", "reasoning", "outcome")[kept % 4]
            given = evidence(f"r{kept % 20}", f"c{1 + kept % 2}", text=f"{number}: {kept}", element=element)
            sent = coders[number].post(f"/synthesis/reviews/{REVIEW}/evidence", json=given.model_dump())
            kept += sent.status_code == 200
            over.wait(0.06 * (kept % 4))  # Else there is hardly ever a draft that can be signed.
        return kept

    def sign() -> int:
        signed, tries = 0, 0
        while signed < 25 and tries < 200:
            tries += 1
            rig.settles()
            seen = lead.get(f"/synthesis/reviews/{REVIEW}/draft").json()
            asked = {"fragments_sha256": seen["fragments_sha256"], "draft": seen["draft"], "summary": "so"}
            signed += lead.post(f"/synthesis/reviews/{REVIEW}/draft/sign", json=asked).status_code == 200
        over.set()
        return signed

    *kept, signed = at_once(*(lambda number=number: code(number) for number in range(3)), sign)
    rig.signs("the last")

    assert sum(kept) > 0 and signed > 0
    for one in rig.lead.revisions(REVIEW):
        pieces: list[bytes] = []
        rig.lead.crate(REVIEW, one.number, pieces.append)
        crate = read_crate(b"".join(pieces))
        assert verified_with(crate.signed, rig.bench.platform.ring, crate.matrix).faults == []


def test_many_who_claim_at_once_are_each_given_a_coding_and_no_report_has_three(either_rig: SynthesisRig):
    rig = either_rig
    rig.adopts(protocol(extraction={"coders": 2}), version=2)
    rig.includes(*(f"r{number}" for number in range(6)))
    people = [f"coder{number}" for number in range(14)]
    clients = {name: rig.bench.person(name, "reviewer") for name in people}

    def claim(name: str) -> tuple[str, str | None]:
        answer = clients[name].post(f"/synthesis/reviews/{REVIEW}/extraction-claims")
        given = answer.json()["extraction"]
        return name, None if given is None else given["record"]

    # Each twice at once, as by a double press.
    given = at_once(*(lambda name=name: claim(name) for name in people * 2))

    of = {name: {record for one, record in given if one == name} for name in people}
    assert all(len(records) == 1 for records in of.values())
    assert Counter(next(iter(it)) for it in of.values()) == {None: 2} | {f"r{number}": 2 for number in range(6)}


def test_two_who_finish_at_once_are_weighed_once(either_rig: SynthesisRig):
    rig = either_rig
    rig.adopts(protocol(extraction={"coders": 2}), version=2)
    rig.includes("r1")
    for by in ("ana", "ben"):
        rig.person(by).claim_extraction(REVIEW)
        rig.links("r1", by=by)
        rig.links("r1", "c2", by=by, stance="bounds" if by == "ana" else "supports")
    [extraction] = [it.extraction for it in rig.lead.extractions(REVIEW)]

    at_once(
        *(lambda by=by: rig.person(by).finish_extraction(REVIEW, extraction) for by in ("ana", "ben", "ana", "ben")),
        rig.settles,
    )

    assert rig.support() == [1, 0]
    assert len(rig.bench.emitted(ExtractionFinished)) == 2
    assert len(rig.bench.emitted(EvidenceLinked)) == 1
    assert rig.lead.coding_agreement(REVIEW).every.n == 2

    [side] = [it for it in rig.lead.differences(REVIEW, extraction).differences if not it.decided]
    bodies = [{"difference": side.difference, "keep": keep, "why": "so it is"} for keep in ("first", "second")]
    posts = [rig.bench.person(by, role) for by, role in (("ana", "reviewer"), ("carol", "adjudicator"))]
    path = f"/synthesis/reviews/{REVIEW}/extraction/{extraction}/reconciliations"
    answers = at_once(
        *(lambda one=one, body=body: one.post(path, json=body) for one, body in zip(posts, bodies, strict=True))
    )
    assert sorted(one.status_code for one in answers) in ([200, 404], [200, 409])
    assert rig.support() == [1, 1]


def test_judging_links_of_several_reports_while_others_code_and_merge_them_waits_for_nobody_for_ever(
    either_rig: SynthesisRig,
):
    rig = either_rig
    rig.adopts(protocol(extraction={"coders": 2}), version=2)
    records = [f"r{number}" for number in range(4)]
    rig.includes(*records)
    for by in ("ana", "ben"):
        for _ in records:
            claimed = rig.person(by).claim_extraction(REVIEW).extraction
            assert claimed is not None
            rig.links(claimed.record, by=by)
            rig.person(by).finish_extraction(REVIEW, claimed.extraction)
    rig.adopts(protocol(extraction={"coders": 2}, wording={"c1": {"resource": "otherwise"}}), version=3)
    counting = [it.link for it in rig.lead.evidence(REVIEW) if it.stands]

    at_once(
        lambda: rig.lead.judge_links(REVIEW, counting[:3], "withdraw", "does not hold"),
        lambda: rig.lead.judge_links(REVIEW, counting[:2:-1], "withdraw", "does not hold"),
        lambda: [rig.links(record, "c2", by="ana") for record in reversed(records)],
        lambda: [rig.links(record, "c2", by="ben") for record in records],
        lambda: rig.merges("r3", into="r0"),
    )

    assert rig.support() == [0, 3]
    assert {it.state for it in rig.lead.extractions(REVIEW)} == {"differing"}
