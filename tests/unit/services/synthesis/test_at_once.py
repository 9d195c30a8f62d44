"""Several people and the synthesis at once, on either database: nothing is lost, doubled or published twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.events.synthesis import EvidenceLinked, RevisionPublished
from tests.unit.services.synthesis.room import REVIEW, Room, evidence


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result() for done in [pool.submit(act) for act in acts]]


def test_a_whole_life_is_the_same_on_either_database(either_room: Room):
    room = either_room
    room.includes("r1", "r2", "r3")
    room.shows_all_of("c1", "r1", "r2")
    room.links("r3", "c2", stance="bounds", inference="inferred", text='Ünïcode, "quotes" and 100 %')
    assert room.states() == {"c1": ("supported", 2, False), "c2": ("partially_supported", 1, False)}
    assert room.signs().content.change_class == "MAJOR"

    room.notices("r2", "retraction", drill=True)
    assert room.states()["c1"] == ("partially_supported", 1, True)
    assert room.signs().content.drill
    room.merges("r3", into="r1")
    room.notices("r2", "reinstatement", drill=True)
    assert room.states() == {"c1": ("supported", 2, False), "c2": ("partially_supported", 1, False)}
    assert room.signs().content.change_class == "MINOR"

    assert all(room.lead.verify(REVIEW, number).holds for number in (1, 2, 3))
    assert [change.what for change in room.lead.diff(REVIEW, 1, 3).changes] == []
    assert len(list(room.lead.history(REVIEW, "c1"))) == len(room.history()) > 4
    assert {report.record: report.state for report in room.lead.reports(REVIEW)} == {
        "r1": "included", "r2": "included", "r3": "merged",
    }  # fmt: skip


def test_people_who_code_while_the_synthesis_runs_lose_nothing(either_room: Room):
    room = either_room
    room.includes(*(f"r{number}" for number in range(12)))
    clients = [room.bench.person(f"coder{number}", "reviewer") for number in range(4)]

    def code(number: int) -> list[int]:
        posted = [evidence(f"r{number * 3 + place}", "c1").model_dump() for place in range(3)]
        return [clients[number].post(f"/synthesis/reviews/{REVIEW}/evidence", json=one).status_code for one in posted]

    def synthesise() -> None:
        for _ in range(5):
            room.settles()

    at_once(*(lambda number=number: code(number) for number in range(4)), synthesise)

    assert room.support() == [12, 0]
    assert len(room.bench.told(EvidenceLinked)) == 12
    linked = {one.id for one in room.bench.journal() if one.type == EvidenceLinked.type}
    assert linked <= set(room.signs().content.because)


def test_the_same_evidence_sent_at_once_is_taken_once(either_room: Room):
    room = either_room
    room.includes("r1")
    clients = [room.bench.person("ana", "reviewer") for _ in range(4)]
    body = evidence("r1", "c1").model_dump()

    answers = at_once(
        *(lambda one=one: one.post(f"/synthesis/reviews/{REVIEW}/evidence", json=body) for one in clients)
    )

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert [answer.json()["changed"] for answer in answers if answer.status_code == 200].count(True) == 1
    assert len(room.bench.told(EvidenceLinked)) == 1
    assert room.support() == [1, 0]


def test_of_two_leads_who_sign_at_once_one_publishes(either_room: Room):
    room = either_room
    draft = room.draft()
    clients = [room.bench.person(f"lead{number}", "lead") for number in range(3)]
    body = {"fragments_sha256": draft.fragments_sha256, "draft": draft.draft, "summary": "signed"}

    answers = at_once(
        *(lambda one=one: one.post(f"/synthesis/reviews/{REVIEW}/draft/sign", json=body) for one in clients)
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 2}
    assert [event.number for event in room.bench.told(RevisionPublished)] == [1]


def test_evidence_that_meets_a_retraction_is_suspended_whichever_comes_first(either_room: Room):
    room = either_room
    room.includes("r1", "r2")
    room.links("r2", "c2")
    client = room.bench.person("ana", "reviewer")

    at_once(
        lambda: room.notices("r1", "retraction"),
        lambda: client.post(f"/synthesis/reviews/{REVIEW}/evidence", json=evidence("r1").model_dump()),
        room.settles,
    )

    assert room.support() == [0, 1]
    flagged = room.states()["c1"][2]
    [link] = room.lead.evidence(REVIEW, cmoc="c1")
    assert not link.stands
    assert flagged == bool(list(room.lead.rejudgements(REVIEW)))
