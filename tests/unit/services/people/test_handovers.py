"""A review changes hands in two steps, so that nobody is handed one unasked; and there is a lead throughout."""

from __future__ import annotations

import pytest

from shared.events.people import HandoverAccepted, HandoverClosed, HandoverProposed, RoleChanged
from tests.unit.services.people.rig import REVIEW, PeopleBench, Someone, done, refused

AT = f"/people/reviews/{REVIEW}/handovers"


@pytest.fixture
def lea(bench: PeopleBench) -> Someone:
    return bench.comes_in("Lea", "lead")


@pytest.fixture
def ana(bench: PeopleBench) -> Someone:
    return bench.comes_in("Ana", "reviewer")


def proposes(by: Someone, to: Someone, **more: str) -> str:
    return done(by.asks.post(AT, json={"to": to.id, "why": "I leave the hospital.", **more}))["handover"]


def roles(bench: PeopleBench) -> dict[str, str]:
    found = done(bench.owner().get(f"/people/reviews/{REVIEW}/members"))["items"]
    return {it["name"]: it["role"] for it in found}


def test_it_changes_hands_once_whom_it_names_accepts_and_not_before(bench, lea, ana):
    handover = proposes(lea, ana)
    assert roles(bench) == {"Lea": "lead", "Ana": "reviewer"}

    said = done(ana.asks.post(f"{AT}/{handover}/accept"))

    assert (said["state"], said["by"], said["to"], said["why"]) == (
        "accepted", lea.id, ana.id, "I leave the hospital.",
    )  # fmt: skip
    assert roles(bench) == {"Lea": "adjudicator", "Ana": "lead"}
    assert [it.to for it in bench.emitted(HandoverProposed)] == [ana.id]
    (seen,) = bench.emitted(HandoverAccepted)
    assert (seen.before, seen.to, seen.why) == (lea.id, ana.id, "I leave the hospital.")
    # First one more lead, then one less.
    assert [(it.person, it.role) for it in bench.emitted(RoleChanged)] == [(ana.id, "lead"), (lea.id, "adjudicator")]
    refused(lea.asks.post(AT, json={"to": ana.id, "why": "again"}), 403, "role_needed")


def test_whoever_proposes_it_says_what_they_are_from_then_on(bench, lea, ana):
    done(ana.asks.post(f"{AT}/{proposes(lea, ana, stays_as='reader')}/accept"))

    assert roles(bench) == {"Lea": "reader", "Ana": "lead"}


@pytest.mark.parametrize(("how", "who"), [("declined", "ana"), ("taken_back", "lea")])
def test_one_that_is_declined_or_taken_back_changes_nothing_and_another_may_be_proposed(bench, lea, ana, how, who):
    handover, by = proposes(lea, ana), {"ana": ana, "lea": lea}[who]
    refused(lea.asks.post(AT, json={"to": ana.id, "why": "again"}), 409, "handover_open")

    assert done(by.asks.post(f"{AT}/{handover}/close", json={"how": how}))["state"] == how

    refused(ana.asks.post(f"{AT}/{handover}/accept"), 409, "handover_closed")
    refused(by.asks.post(f"{AT}/{handover}/close", json={"how": how}), 409, "handover_closed")
    assert roles(bench) == {"Lea": "lead", "Ana": "reviewer"}
    assert [it.how for it in bench.emitted(HandoverClosed)] == [how]
    assert proposes(lea, ana) != handover
    assert [it["state"] for it in done(ana.asks.get(AT))["items"]] == ["open", how]


def test_nobody_else_accepts_declines_proposes_or_takes_back(bench, lea, ana):
    ben, handover = bench.comes_in("Ben", "adjudicator"), proposes(lea, ana)

    for somebody in (ben, lea):
        refused(somebody.asks.post(f"{AT}/{handover}/accept"), 403, "not_named")
        refused(somebody.asks.post(f"{AT}/{handover}/close", json={"how": "declined"}), 403, "not_named")
    refused(ana.asks.post(f"{AT}/{handover}/close", json={"how": "taken_back"}), 403, "role_needed")
    refused(ben.asks.post(AT, json={"to": ana.id, "why": "so"}), 403, "role_needed")
    refused(ana.asks.post(f"{AT}/handover_none/accept"), 404, "unknown_handover")


def test_it_goes_to_a_member_who_is_somebody_else(bench, lea, ana):
    other = bench.comes_in("Oda", "reviewer", review="orchard")

    refused(lea.asks.post(AT, json={"to": lea.id, "why": "so"}), 422, "invalid", "to")
    refused(lea.asks.post(AT, json={"to": other.id, "why": "so"}), 422, "unknown_member", "to")
    assert lea.asks.post(AT, json={"to": ana.id, "why": " "}).status_code == 422


def test_it_lapses_where_whoever_proposed_it_leads_no_more_or_whom_it_names_has_left(bench, lea, ana):
    dora, handover = bench.comes_in("Dora", "lead"), proposes(lea, ana)
    done(dora.asks.put(f"/people/reviews/{REVIEW}/members/{lea.id}", json={"role": "reviewer"}))
    refused(ana.asks.post(f"{AT}/{handover}/accept"), 409, "handover_lapsed")
    done(dora.asks.post(f"{AT}/{handover}/close", json={"how": "taken_back"}))

    again = proposes(dora, ana)
    done(dora.asks.delete(f"/people/reviews/{REVIEW}/members/{ana.id}"))

    assert ana.asks.post(f"{AT}/{again}/accept").status_code == 403
    assert roles(bench) == {"Lea": "reviewer", "Dora": "lead"}


def test_who_leads_the_platform_may_hand_over_a_review_that_has_no_lead(bench, ana):
    handover = done(bench.owner().post(AT, json={"to": ana.id, "why": "Its lead is gone."}))["handover"]

    done(ana.asks.post(f"{AT}/{handover}/accept"))

    assert roles(bench) == {"Ana": "lead"}


def test_accepting_twice_by_the_same_key_is_accepting_once(bench, lea, ana):
    handover, key = proposes(lea, ana), {"Idempotency-Key": "taken-over-once"}
    asks = ana.asks

    first, second = (asks.post(f"{AT}/{handover}/accept", headers=key) for _ in range(2))

    # The second is by a token of before, which counts no more.
    assert first.status_code == 200 and second.status_code in (200, 401)
    assert done(ana.asks.post(f"{AT}/{handover}/accept", headers=key)) == first.json()
    assert len(bench.emitted(HandoverAccepted)) == 1


@pytest.mark.parametrize("leaves", ["ana", "lea"])
def test_it_is_over_once_either_leaves_also_where_they_come_back(bench, lea, ana, leaves):
    dora, handover = bench.comes_in("Dora", "lead"), proposes(lea, ana)
    gone = {"ana": ana, "lea": lea}[leaves]
    done(gone.asks.delete(f"/people/reviews/{REVIEW}/members/{gone.id}"))

    link = bench.link(role="lead" if leaves == "lea" else "reader")
    done(bench.with_token(gone.token()).post("/people/invitations/join", json={"invitation": link}))

    refused(ana.asks.post(f"{AT}/{handover}/accept"), 409, "handover_closed")
    [closed] = bench.emitted(HandoverClosed)
    assert (closed.how, closed.by) == ("declined" if leaves == "ana" else "taken_back", gone.id)
    assert proposes(dora, ana) != handover
