"""Who sees whose vote, and what the listings tell."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.services.screening.desk import REVIEW, SIFT, Desk, merged, noticed

NO = {"reason": "no garden"}


def seen_by(desk: Desk, name: str, role: str = "reviewer") -> list[str]:
    """Whose votes on r1's first task someone sees."""
    history = desk.gets("/records/r1", name, role).json()
    return [vote["person"] for vote in history["stages"][0]["votes"]]


def test_nobody_sees_anothers_vote_before_their_own(desk):
    desk.discovers("r1")
    desk.answers("ana", "include")
    desk.claims("ben")

    assert seen_by(desk, "ana") == ["ana"]
    assert seen_by(desk, "ben") == []
    assert [seen_by(desk, "x", role) for role in ("reader", "adjudicator", "lead", "admin")] == [[], [], [], []]

    desk.answers("ben", "unsure")

    assert seen_by(desk, "ben") == ["ana", "ben"]
    assert seen_by(desk, "ana") == ["ana", "ben"]
    assert [seen_by(desk, "x", role) for role in ("reader", "adjudicator", "lead", "admin")] == [[], [], [], []]


def test_the_adjudicator_sees_the_votes_while_the_lease_lives(desk):
    desk.discovers("r1")
    desk.answers("ana", "include")
    desk.answers("ben", "unsure")

    desk.claims("cy", "adjudicator", kind="conflict")
    assert seen_by(desk, "cy", "adjudicator") == ["ana", "ben"]
    assert seen_by(desk, "dee", "adjudicator") == []

    desk.bench.clock.advance(hours=2)
    assert seen_by(desk, "cy", "adjudicator") == []


def test_everyone_sees_the_votes_of_a_closed_task(desk):
    desk.discovers("r1")
    desk.answers("ana", "include")
    desk.answers("ben", "include")

    assert seen_by(desk, "rea", "reader") == ["ana", "ben"]
    assert desk.record("r1", "rea")["stages"][0]["judgement"]["answer"] == "include"


def test_no_listing_tells_an_answer_before_the_task_is_closed(desk):
    desk.discovers("r1")
    desk.answers("ana", "exclude", reason="SECRET")
    desk.claims("ben")

    paths = ["/queue", "/funnel", "/agreement", "/stages/sift/tasks", "/conflicts", "/records/r1"]
    answers = [desk.gets(path, "ben", "lead") for path in paths]
    answers.append(desk.gets("/records", "ben", "lead", state="screening"))
    answers.append(desk.person("ben", "lead").get(f"/screening/reviews/{REVIEW}/events"))
    answers.append(desk.asks("/claims", {}, "ben"))

    assert {answer.status_code for answer in answers} == {200}
    assert not [answer.url for answer in answers if "SECRET" in answer.text or "ana" in answer.text]


def test_the_queue_tells_how_each_stage_stands(desk):
    desk.discovers("r1", "r2", "r3", "r4")
    desk.answers("ana", "include")
    desk.answers("ben", "include")
    desk.answers("ana", "unsure", stage="sift")
    desk.answers("ben", "unsure", stage="sift")
    desk.claims("cy", "adjudicator", kind="conflict")
    desk.claims("ana", stage="sift")
    desk.claims("ben", stage="sift")

    assert desk.gets("/queue").json() == [
        {"stage": "sift", "open": 2, "in_hand": 2, "conflicts": 1, "conflicts_in_hand": 1, "decided": 1},
        {"stage": "depth", "open": 1, "in_hand": 0, "conflicts": 0, "conflicts_in_hand": 0, "decided": 0},
    ]

    desk.bench.clock.advance(hours=2)
    assert (desk.queue("sift")["in_hand"], desk.queue("sift")["conflicts_in_hand"]) == (0, 0)


def test_the_funnel_accounts_for_every_record(desk):
    desk.discovers("r1", "r2", "r3")
    desk.discovers("old", published="2010")
    for name in ("ana", "ben"):
        desk.answers(name, "include")
    for name in ("ana", "ben"):
        desk.answers(name, "exclude", stage="sift", **NO)

    funnel = desk.gets("/funnel").json()

    assert funnel == {
        "discovered": 4, "merged": 0, "by_rule": {"published_after": 1}, "screening": 2, "included": 0, "excluded": 1,
        "stages": [
            {"stage": "sift", "entered": 3, "advanced": 1, "excluded": 1, "open": 1, "conflicts": 0, "withdrawn": 0},
            {"stage": "depth", "entered": 1, "advanced": 0, "excluded": 0, "open": 1, "conflicts": 0, "withdrawn": 0},
        ],
    }  # fmt: skip


def both_vote(desk: Desk, *answers: tuple[str, str]) -> None:
    """Ana and ben vote on one record after the other."""
    for ana, ben in answers:
        desk.answers("ana", ana, stage="sift", **NO)
        desk.answers("ben", ben, stage="sift", **NO)


def agreement(desk: Desk, name: str, role: str = "reviewer") -> dict[str, Any]:
    """What someone is told of the first stage."""
    answer = desk.gets("/agreement", name, role)
    assert answer.status_code == 200, answer.text
    return answer.json()[0]


def test_a_task_counts_the_moment_its_last_vote_is_in_adjudicated_or_not(desk_of):
    desk = desk_of(SIFT)
    desk.discovers(*(f"r{number}" for number in range(14)))
    agreed = [("include", "include")] * 7 + [("exclude", "exclude")]
    parted = [("include", "exclude")] * 2 + [("exclude", "include")] * 2 + [("unsure", "include")]
    both_vote(desk, *agreed, *parted)
    desk.answers("ana", "include")
    pairs = [
        {"first": "exclude", "second": "exclude", "n": 1},
        {"first": "exclude", "second": "include", "n": 2},
        {"first": "include", "second": "exclude", "n": 2},
        {"first": "include", "second": "include", "n": 7},
        {"first": "unsure", "second": "include", "n": 1},
    ]

    waiting = agreement(desk, "ana")

    assert len(desk.gets("/conflicts").json()["items"]) == 5
    assert (waiting["n"], waiting["agreed"], waiting["pairs"]) == (13, 8, pairs)
    # By chance, of 13 * 13: include 9 * 10, exclude 3 * 3, unsure 1 * 0.
    assert waiting["expected"] == 99 / 169
    assert waiting["kappa"] == pytest.approx((8 / 13 - 99 / 169) / (1 - 99 / 169)) == pytest.approx(0.0714, abs=1e-4)
    assert (waiting["one_vote"], waiting["withheld"]) == (1, 0)

    for _ in range(5):
        desk.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")

    assert agreement(desk, "ana") == agreement(desk, "cy", "adjudicator") == waiting


def test_who_comes_first_in_a_pair_is_who_comes_first_by_name(desk_of):
    desk = desk_of(SIFT)
    desk.discovers("r1")
    desk.answers("zoe", "include")
    desk.answers("ana", "unsure")

    told = agreement(desk, "ana")

    assert told["answers"] == ["include", "unsure", "exclude"]
    assert told["pairs"] == [{"first": "unsure", "second": "include", "n": 1}]


def test_agreement_is_for_leads_and_for_those_whose_own_votes_are_in(desk):
    desk.discovers("r1", "r2")
    both_vote(desk, ("include", "include"))
    desk.answers("cy", "include", stage="sift")

    assert [told["stage"] for told in desk.gets("/agreement", "lea", "lead").json()] == ["sift", "depth"]
    assert [told["stage"] for told in desk.gets("/agreement", "ana").json()] == ["sift"]
    # Cy's vote waits for a second one: what others answered could still lead that one.
    for name, role in (("cy", "reviewer"), ("dee", "adjudicator"), ("rea", "reader")):
        refused = desk.gets("/agreement", name, role)
        assert (refused.status_code, refused.json()["title"]) == (403, "votes first")
        assert "vote first" in refused.json()["detail"]

    desk.answers("dee", "exclude", stage="sift", **NO)
    assert agreement(desk, "cy")["n"] == 2


def test_an_adjudicator_sees_nothing_of_a_conflict_before_their_own_look(either_desk):
    desk = either_desk
    desk.discovers("r1", "r2", "r3")
    desk.answers("cy", "include", "adjudicator", stage="sift")
    desk.answers("ana", "include", stage="sift")
    both_vote(desk, ("unsure", "include"), ("exclude", "include"))
    seen = {"first": "include", "second": "include", "n": 1}
    unsure = {"first": "unsure", "second": "include", "n": 1}
    parted = {"first": "exclude", "second": "include", "n": 1}

    blind = agreement(desk, "cy", "adjudicator")
    assert (blind["n"], blind["agreed"], blind["withheld"], blind["pairs"]) == (1, 1, 2, [seen])
    assert agreement(desk, "lea", "lead")["pairs"] == agreement(desk, "ana")["pairs"] == [parted, seen, unsure]

    conflict = desk.claims("cy", "adjudicator", kind="conflict")
    looking = agreement(desk, "cy", "adjudicator")
    assert (looking["withheld"], looking["pairs"]) == (1, [seen, unsure])

    desk.asks(f"/leases/{conflict['lease']}/release", None, "cy", "adjudicator")
    assert agreement(desk, "cy", "adjudicator")["withheld"] == 2
    desk.answers("dee", "include", "adjudicator", "conflict", reason="it fits")
    assert agreement(desk, "cy", "adjudicator")["withheld"] == 1
    assert agreement(desk, "dee", "adjudicator")["withheld"] == 1


def test_an_adjudicator_sees_no_pair_that_a_merge_brought_into_an_open_conflict(either_desk):
    desk = either_desk
    desk.discovers("r1", "r2")
    both_vote(desk, ("include", "unsure"))
    desk.answers("cy", "include", "adjudicator", stage="sift")
    desk.answers("ana", "include", stage="sift")
    desk.discovers("r3")

    desk.hears(merged("r1", into="r3"))

    # The two votes were compared on r1; they are a conflict of r3 now.
    assert [task["record"] for task in desk.gets("/conflicts").json()["items"]] == ["r3"]
    assert agreement(desk, "lea", "lead")["n"] == agreement(desk, "ana")["n"] == 2
    blind = agreement(desk, "cy", "adjudicator")
    assert (blind["withheld"], blind["pairs"]) == (1, [{"first": "include", "second": "include", "n": 1}])


def test_a_stage_of_one_or_three_votes_has_no_pairs_to_compare(desk_of):
    desk = desk_of({**SIFT, "votes": 1})
    desk.discovers("r1")
    desk.answers("ana", "include")
    nothing = {
        "stage": "sift", "answers": ["include", "unsure", "exclude"], "pairs": [],
        "n": 0, "agreed": 0, "observed": None, "expected": None, "kappa": None,
    }  # fmt: skip

    assert desk.gets("/agreement").json()[0] == {**nothing, "one_vote": 1, "withheld": 0}

    three = desk_of({**SIFT, "votes": 3})
    three.discovers("r1")
    for name in ("ana", "ben", "cy"):
        three.answers(name, "include")

    assert three.gets("/agreement").json()[0] == {**nothing, "one_vote": 0, "withheld": 0}


def pages(desk: Desk, path: str, **params: object) -> list[list[str]]:
    """The records of each page of a listing."""
    found, cursor = [], None
    while True:
        page = desk.gets(path, limit=2, cursor=cursor, **params).json()
        found.append([item["record"] for item in page["items"]])
        cursor = page["next"]
        if cursor is None:
            return found


def test_listings_come_in_pages_and_in_order(either_desk):
    desk = either_desk
    desk.discovers(*(f"r{number}" for number in range(5)))
    desk.discovers("old1", "old2", "old3", published="2010")
    for name, answer in (("ana", "include"), ("ben", "unsure")):
        for _ in range(3):
            desk.answers(name, answer)

    assert pages(desk, "/stages/sift/tasks") == [["r3", "r4"]]
    assert pages(desk, "/stages/sift/tasks", state="conflict") == [["r0", "r1"], ["r2"]]
    assert pages(desk, "/conflicts") == [["r0", "r1"], ["r2"]]
    assert pages(desk, "/conflicts", stage="sift") == [["r0", "r1"], ["r2"]]
    assert pages(desk, "/conflicts", stage="depth") == [[]]
    assert pages(desk, "/records", state="screening") == [["r0", "r1"], ["r2", "r3"], ["r4"]]
    assert pages(desk, "/records", state="excluded") == [["old1", "old2"], ["old3"]]
    assert desk.gets("/records", state="excluded").json()["items"][0]["rule"] == "published_after"


def test_a_records_history_tells_its_stages_notices_and_dates(desk):
    desk.discovers("r1")
    desk.hears(noticed("r1", "correction"))
    desk.answers("ana", "include")
    desk.bench.clock.advance(days=1)
    desk.answers("ben", "include")

    history = desk.record("r1")

    assert (history["state"], history["stage"], history["rule"]) == ("screening", "depth", None)
    assert [(stage["stage"], stage["state"]) for stage in history["stages"]] == [
        ("sift", "advanced"),
        ("depth", "open"),
    ]
    assert history["stages"][0]["opened_at"] == "2020-01-01T00:00:00Z"
    assert history["stages"][0]["closed_at"] == "2020-01-02T00:00:00Z"
    assert [notice["kind"] for notice in history["notices"]] == ["correction"]
    assert (history["merge"], history["absorbed"]) == (None, [])


def test_an_unknown_review_is_not_found(desk):
    paths = "/queue /funnel /agreement /stages/sift/tasks /conflicts /records?state=screening /records/r1"

    for path in paths.split():
        answer = desk.person("ana").get(f"/screening/reviews/moon{path}")
        assert (answer.status_code, answer.json()["title"]) == (404, "unknown review"), path


BAD_QUESTIONS = {
    "/stages/polish/tasks": 404,
    "/conflicts?stage=polish": 404,
    "/conflicts?stage=%00": 422,
    "/stages/sift/tasks?state=lost": 422,
    "/stages/sift/tasks?limit=0": 422,
    "/stages/sift/tasks?limit=501": 422,
    "/stages/sift/tasks?cursor=nonsense": 422,
    "/stages/sift/tasks?cursor=WyJhIiwiYiJd": 422,  # ["a","b"]
    "/stages/sift/tasks?cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5LCJiIl0": 422,  # [99999999999999999999,"b"]
    "/records": 422,
    "/records?state=screening&cursor=WzFd": 422,  # [1]
    "/records?state=screening&cursor=WyJcdTAwMDAiXQ": 422,  # a NUL
    "/records/%00": 422,
    "/records/r%20x": 422,
}


def test_bad_questions_get_a_clear_problem(either_desk):
    for path, status in BAD_QUESTIONS.items():
        answer = either_desk.person("ana").get(f"/screening/reviews/{REVIEW}{path}")

        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
