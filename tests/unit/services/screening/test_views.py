"""Who sees whose vote, and what the listings tell."""

from __future__ import annotations

import pytest

from tests.unit.services.screening.desk import REVIEW, SIFT, Desk, noticed

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


def test_agreement_is_told_with_its_counts_and_only_of_closed_tasks(desk_of):
    desk = desk_of(SIFT)
    desk.discovers(*(f"r{number}" for number in range(6)))
    for ana, ben in [("include", "include"), ("include", "include"), ("exclude", "exclude"), ("include", "exclude")]:
        desk.answers("ana", ana, **NO)
        desk.answers("ben", ben, **NO)

    (told,) = desk.gets("/agreement").json()
    assert (told["n"], told["agreed"], told["observed"], told["kappa"]) == (3, 3, 1.0, 1.0)

    desk.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")
    desk.answers("zoe", "include")  # On the next task zoe is first to vote, and yet second by name.
    desk.answers("ana", "include")

    (told,) = desk.gets("/agreement").json()
    assert told["answers"] == ["include", "unsure", "exclude"]
    assert told["pairs"] == [
        {"first": "exclude", "second": "exclude", "n": 1},
        {"first": "include", "second": "exclude", "n": 1},
        {"first": "include", "second": "include", "n": 3},
    ]
    # 5 tasks, 4 agree; by chance (4*3 + 1*2) / 25.
    assert (told["n"], told["agreed"], told["observed"], told["expected"]) == (5, 4, 0.8, 0.56)
    assert told["kappa"] == pytest.approx((0.8 - 0.56) / (1 - 0.56))


def test_a_stage_of_one_or_three_votes_has_no_pairs_to_compare(desk_of):
    desk = desk_of({**SIFT, "votes": 1})
    desk.discovers("r1")
    desk.answers("ana", "include")

    assert desk.gets("/agreement").json()[0] == {
        "stage": "sift", "answers": ["include", "unsure", "exclude"], "pairs": [],
        "n": 0, "agreed": 0, "observed": None, "expected": None, "kappa": None,
    }  # fmt: skip


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
