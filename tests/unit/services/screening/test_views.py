"""Who sees whose vote, and what the listings tell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.services.screening.rig import REASONS, REVIEW, SIFT, ScreeningRig, merged, noticed, revision_published

NO = {"reason": "no garden"}


def seen_by(rig: ScreeningRig, name: str, role: str = "reviewer") -> list[str]:
    """Whose votes on r1's first task someone sees."""
    history = rig.gets("/records/r1", name, role).json()
    return [vote["person"] for vote in history["stages"][0]["votes"]]


def test_nobody_sees_anothers_vote_before_their_own(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.claims("ben")

    assert seen_by(rig, "ana") == ["ana"]
    assert seen_by(rig, "ben") == []
    assert [seen_by(rig, "x", role) for role in ("reader", "adjudicator", "lead", "admin")] == [[], [], [], []]

    rig.answers("ben", "unsure")

    assert seen_by(rig, "ben") == ["ana", "ben"]
    assert seen_by(rig, "ana") == ["ana", "ben"]
    assert [seen_by(rig, "x", role) for role in ("reader", "adjudicator", "lead", "admin")] == [[], [], [], []]


def test_the_adjudicator_sees_the_votes_while_the_lease_lives(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "unsure")

    held = rig.claims("cy", "adjudicator", kind="conflict")
    assert seen_by(rig, "cy", "adjudicator") == []
    rig.looks("cy", held["lease"], "include")
    assert seen_by(rig, "cy", "adjudicator") == ["ana", "ben"]
    assert seen_by(rig, "dee", "adjudicator") == []

    rig.bench.clock.advance(hours=2)
    assert seen_by(rig, "cy", "adjudicator") == []


def test_everyone_sees_the_votes_of_a_closed_task(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "include")

    assert seen_by(rig, "rea", "reader") == ["ana", "ben"]
    assert rig.record("r1", "rea")["stages"][0]["judgement"]["answer"] == "include"


def test_no_listing_tells_an_answer_before_the_task_is_closed(rig):
    rig.discovers("r1")
    rig.answers("ana", "exclude", reason="SECRET")
    rig.claims("ben")

    paths = ["/queue", "/funnel", "/agreement", "/stages/sift/tasks", "/conflicts", "/records/r1"]
    answers = [rig.gets(path, "ben", "lead") for path in paths]
    answers.append(rig.gets("/records", "ben", "lead", state="screening"))
    answers.append(rig.person("ben", "lead").get(f"/screening/reviews/{REVIEW}/events"))
    answers.append(rig.asks("/claims", {}, "ben"))

    assert {answer.status_code for answer in answers} == {200}
    assert not [answer.url for answer in answers if "SECRET" in answer.text or "ana" in answer.text]


def test_the_queue_tells_how_each_stage_stands(rig):
    rig.discovers("r1", "r2", "r3", "r4")
    rig.answers("ana", "include")
    rig.answers("ben", "include")
    rig.answers("ana", "unsure", stage="sift")
    rig.answers("ben", "unsure", stage="sift")
    rig.claims("cy", "adjudicator", kind="conflict")
    rig.claims("ana", stage="sift")
    rig.claims("ben", stage="sift")

    assert rig.gets("/queue").json() == [
        {"stage": "sift", "open": 2, "in_hand": 2, "conflicts": 1, "conflicts_in_hand": 1, "decided": 1, "parked": 0},
        {"stage": "depth", "open": 1, "in_hand": 0, "conflicts": 0, "conflicts_in_hand": 0, "decided": 0, "parked": 0},
    ]

    rig.bench.clock.advance(hours=2)
    assert (rig.queue("sift")["in_hand"], rig.queue("sift")["conflicts_in_hand"]) == (0, 0)


def test_the_funnel_accounts_for_every_record(rig):
    rig.discovers("r1", "r2", "r3")
    rig.discovers("old", published="2010")
    for name in ("ana", "ben"):
        rig.answers(name, "include")
    for name in ("ana", "ben"):
        rig.answers(name, "exclude", stage="sift", **NO)

    funnel = rig.gets("/funnel").json()

    none = {"conflicts": 0, "withdrawn": 0, "parked": 0}
    assert funnel == {
        "identified": 4, "duplicates": 0,
        "discovered": 4, "merged": 0, "by_rule": {"published_after": 1}, "screening": 2, "included": 0, "excluded": 1,
        "stages": [
            {"stage": "sift", "entered": 3, "advanced": 1, "excluded": 1, "open": 1, **none},
            {"stage": "depth", "entered": 1, "advanced": 0, "excluded": 0, "open": 1, **none},
        ],
    }  # fmt: skip


def both_vote(rig: ScreeningRig, *answers: tuple[str, str]) -> None:
    """Ana and ben vote on one record after the other."""
    for ana, ben in answers:
        rig.answers("ana", ana, stage="sift", **NO)
        rig.answers("ben", ben, stage="sift", **NO)


def agreement(rig: ScreeningRig, name: str, role: str = "reviewer") -> dict[str, Any]:
    """What someone is told of the first stage."""
    answer = rig.gets("/agreement", name, role)
    assert answer.status_code == 200, answer.text
    return answer.json()[0]


def test_a_task_counts_the_moment_its_last_vote_is_in_adjudicated_or_not(rig_of):
    rig = rig_of(SIFT)
    rig.discovers(*(f"r{number}" for number in range(14)))
    agreed = [("include", "include")] * 7 + [("exclude", "exclude")]
    parted = [("include", "exclude")] * 2 + [("exclude", "include")] * 2 + [("unsure", "include")]
    both_vote(rig, *agreed, *parted)
    rig.answers("ana", "include")
    pairs = [
        {"first": "exclude", "second": "exclude", "n": 1},
        {"first": "exclude", "second": "include", "n": 2},
        {"first": "include", "second": "exclude", "n": 2},
        {"first": "include", "second": "include", "n": 7},
        {"first": "unsure", "second": "include", "n": 1},
    ]

    waiting = agreement(rig, "ana")

    assert len(rig.gets("/conflicts").json()["items"]) == 5
    assert (waiting["n"], waiting["agreed"], waiting["pairs"]) == (13, 8, pairs)
    # By chance, of 13 * 13: include 9 * 10, exclude 3 * 3, unsure 1 * 0.
    assert waiting["expected"] == 99 / 169
    assert waiting["kappa"] == pytest.approx((8 / 13 - 99 / 169) / (1 - 99 / 169)) == pytest.approx(0.0714, abs=1e-4)
    assert (waiting["one_vote"], waiting["withheld"]) == (1, 0)

    for _ in range(5):
        rig.answers("cy", "exclude", "adjudicator", "conflict", reason="a balcony")

    assert agreement(rig, "ana") == waiting
    assert agreement(rig, "cy", "adjudicator") == {**waiting, "between": []}, "none of these votes is Cy's"


def test_who_comes_first_in_a_pair_is_who_comes_first_by_name(rig_of):
    rig = rig_of(SIFT)
    rig.discovers("r1")
    rig.answers("zoe", "include")
    rig.answers("ana", "unsure")

    shown = agreement(rig, "ana")

    assert shown["answers"] == ["include", "unsure", "exclude"]
    assert shown["pairs"] == [{"first": "unsure", "second": "include", "n": 1}]


def test_agreement_is_for_leads_and_for_those_whose_own_votes_are_in(rig):
    rig.discovers("r1", "r2")
    both_vote(rig, ("include", "include"))
    rig.answers("cy", "include", stage="sift")

    assert [shown["stage"] for shown in rig.gets("/agreement", "lea", "lead").json()] == ["sift", "depth"]
    assert [shown["stage"] for shown in rig.gets("/agreement", "ana").json()] == ["sift"]
    # Cy's vote waits for a second one: what others answered could still lead that one.
    for name, role in (("cy", "reviewer"), ("dee", "adjudicator"), ("rea", "reader")):
        refused = rig.gets("/agreement", name, role)
        assert (refused.status_code, refused.json()["title"]) == (403, "votes first")
        assert ("vote first" in refused.json()["detail"]) == (role != "reader"), "a reader cannot vote"

    rig.answers("dee", "exclude", stage="sift", **NO)
    assert agreement(rig, "cy")["n"] == 2


def test_an_adjudicator_sees_nothing_of_a_conflict_before_their_own_look(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    rig.answers("cy", "include", "adjudicator", stage="sift")
    rig.answers("ana", "include", stage="sift")
    both_vote(rig, ("unsure", "include"), ("exclude", "include"))
    seen = {"first": "include", "second": "include", "n": 1}
    unsure = {"first": "unsure", "second": "include", "n": 1}
    parted = {"first": "exclude", "second": "include", "n": 1}

    blind = agreement(rig, "cy", "adjudicator")
    assert (blind["n"], blind["agreed"], blind["withheld"], blind["pairs"]) == (1, 1, 2, [seen])
    assert agreement(rig, "lea", "lead")["pairs"] == agreement(rig, "ana")["pairs"] == [parted, seen, unsure]

    conflict = rig.claims("cy", "adjudicator", kind="conflict")
    assert agreement(rig, "cy", "adjudicator") == blind
    rig.looks("cy", conflict["lease"], "unsure")
    looking = agreement(rig, "cy", "adjudicator")
    assert (looking["withheld"], looking["pairs"]) == (1, [seen, unsure])

    rig.asks(f"/leases/{conflict['lease']}/release", None, "cy", "adjudicator")
    assert agreement(rig, "cy", "adjudicator")["withheld"] == 2
    rig.answers("dee", "include", "adjudicator", "conflict", reason="it fits")
    assert agreement(rig, "cy", "adjudicator")["withheld"] == 1
    assert agreement(rig, "dee", "adjudicator")["withheld"] == 1


def test_an_adjudicator_sees_no_pair_that_a_merge_brought_into_an_open_conflict(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    both_vote(rig, ("include", "unsure"))
    rig.answers("cy", "include", "adjudicator", stage="sift")
    rig.answers("ana", "include", stage="sift")
    rig.discovers("r3")

    rig.hears(merged("r1", into="r3"))

    # The two votes were compared on r1; they are a conflict of r3 now.
    assert [task["record"] for task in rig.gets("/conflicts").json()["items"]] == ["r3"]
    assert agreement(rig, "lea", "lead")["n"] == agreement(rig, "ana")["n"] == 2
    blind = agreement(rig, "cy", "adjudicator")
    assert (blind["withheld"], blind["pairs"]) == (1, [{"first": "include", "second": "include", "n": 1}])


def test_a_stage_of_one_vote_has_nothing_to_compare(rig_of):
    rig = rig_of({**SIFT, "votes": 1})
    rig.discovers("r1")
    rig.answers("ana", "include")

    assert rig.gets("/agreement").json()[0] == {
        "stage": "sift", "answers": ["include", "unsure", "exclude"], "pairs": [], "n": 0, "agreed": 0,
        "observed": None, "expected": None, "kappa": None, "kappa_interval": None, "ac1": None, "alpha": None,
        "between": [], "reasons": None, "one_vote": 1, "withheld": 0,
    }  # fmt: skip


def test_three_votes_on_a_task_are_compared_too_all_together_and_two_by_two(rig_of):
    rig = rig_of({**SIFT, "votes": 3})
    rig.discovers("r1", "r2")
    for name, *answers in (("ana", "include", "exclude"), ("ben", "include", "include"), ("cy", "include", "include")):
        for answer in answers:
            rig.answers(name, answer, **NO)

    shown = agreement(rig, "lea", "lead")

    assert (shown["n"], shown["agreed"], shown["observed"]) == (2, 1, pytest.approx((1 + 1 / 3) / 2))
    assert (shown["pairs"], shown["kappa"]) == ([], None), "these are of two votes"
    assert [(pair["first"], pair["second"], pair["n"], pair["agreed"]) for pair in shown["between"]] == [
        ("ana", "ben", 2, 1), ("ana", "cy", 2, 1), ("ben", "cy", 2, 2),
    ]  # fmt: skip
    assert [(pair["first"], pair["second"]) for pair in agreement(rig, "ben")["between"]] == [
        ("ana", "ben"), ("ben", "cy"),
    ], "others' pairs are for leads"  # fmt: skip


def test_agreement_is_told_of_the_reasons_too_where_all_named_one(rig_of):
    rig = rig_of({**SIFT, "reasons": REASONS})
    named = [("no-garden", "no-garden"), ("no-garden", "no-people"), ("opinion", "opinion"), ("opinion", None)]
    for number, (ana, ben) in enumerate(named):
        rig.discovers(f"r{number}")
        rig.answers("ana", "exclude", excluded_for=ana, **NO)
        rig.answers("ben", "exclude" if ben else "include", **({"excluded_for": ben, **NO} if ben else {}))

    shown = agreement(rig, "lea", "lead")

    assert (shown["n"], shown["agreed"]) == (4, 3), "answers agree whatever they are for"
    assert [(pair["first"], pair["second"], pair["n"]) for pair in shown["pairs"]] == [
        ("exclude", "exclude", 3), ("exclude", "include", 1),
    ]  # fmt: skip
    assert (shown["reasons"]["n"], shown["reasons"]["agreed"]) == (3, 2)
    assert 0 < shown["reasons"]["ac1"]["value"] < 1


def test_agreement_is_told_of_days_and_of_cycles(rig_of):
    rig = rig_of(SIFT)
    rig.discovers("r1", "r2", "r3")
    both_vote(rig, ("include", "include"))
    rig.hears(revision_published(cycle=1))
    rig.bench.clock.advance(days=1)
    both_vote(rig, ("include", "exclude"), ("exclude", "exclude"))

    def n(**asked: Any) -> int:
        return rig.gets("/agreement", "lea", "lead", **asked).json()[0]["n"]

    today = rig.bench.clock.now().date()
    assert [n(), n(cycle=1), n(cycle=2), n(cycle=3)] == [3, 1, 2, 2]
    assert [n(since=today), n(until=today - timedelta(days=1)), n(since=today, until=today)] == [2, 1, 2]
    backwards = rig.gets("/agreement", "lea", "lead", since=today, until=today - timedelta(days=1))
    assert (backwards.status_code, backwards.json()["errors"][0]["at"]) == (422, "until")
    both = rig.gets("/agreement", "lea", "lead", since=today, cycle=1)
    assert (both.status_code, both.json()["errors"][0]["at"]) == (422, "cycle")


def pages(rig: ScreeningRig, path: str, **params: object) -> list[list[str]]:
    """The records of each page of a listing."""
    found, cursor = [], None
    while True:
        page = rig.gets(path, limit=2, cursor=cursor, **params).json()
        found.append([item["record"] for item in page["items"]])
        cursor = page["next"]
        if cursor is None:
            return found


def test_listings_come_in_pages_and_in_order(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(5)))
    rig.discovers("old1", "old2", "old3", published="2010")
    for name, answer in (("ana", "include"), ("ben", "unsure")):
        for _ in range(3):
            rig.answers(name, answer)

    assert pages(rig, "/stages/sift/tasks") == [["r3", "r4"]]
    assert pages(rig, "/stages/sift/tasks", state="conflict") == [["r0", "r1"], ["r2"]]
    assert pages(rig, "/conflicts") == [["r0", "r1"], ["r2"]]
    assert pages(rig, "/conflicts", stage="sift") == [["r0", "r1"], ["r2"]]
    assert pages(rig, "/conflicts", stage="depth") == [[]]
    assert pages(rig, "/records", state="screening") == [["r0", "r1"], ["r2", "r3"], ["r4"]]
    assert pages(rig, "/records", state="excluded") == [["old1", "old2"], ["old3"]]
    assert rig.gets("/records", state="excluded").json()["items"][0]["rule"] == "published_after"


def test_a_records_history_tells_its_stages_notices_and_dates(rig):
    rig.discovers("r1")
    rig.hears(noticed("r1", "correction"))
    rig.answers("ana", "include")
    rig.bench.clock.advance(days=1)
    rig.answers("ben", "include")

    history = rig.record("r1")

    assert (history["state"], history["stage"], history["rule"]) == ("screening", "depth", None)
    assert [(stage["stage"], stage["state"]) for stage in history["stages"]] == [
        ("sift", "advanced"),
        ("depth", "open"),
    ]
    assert history["stages"][0]["opened_at"] == "2020-01-01T00:00:00Z"
    assert history["stages"][0]["closed_at"] == "2020-01-02T00:00:00Z"
    assert [notice["kind"] for notice in history["notices"]] == ["correction"]
    assert (history["merge"], history["absorbed"]) == (None, [])


def test_an_unknown_review_is_not_found(rig):
    paths = "/queue /funnel /agreement /stages/sift/tasks /conflicts /records?state=screening /records/r1"

    for path in paths.split():
        answer = rig.person("ana").get(f"/screening/reviews/moon{path}")
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


def test_bad_questions_get_a_clear_problem(either_rig):
    for path, status in BAD_QUESTIONS.items():
        answer = either_rig.person("ana").get(f"/screening/reviews/{REVIEW}{path}")

        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"


def events_seen(rig, name: str, role: str, **more) -> list[dict]:
    """The events of the review's journal, as somebody sees them."""
    answer = rig.bench.person(name, role, **more).get(f"/screening/reviews/{REVIEW}/events", params={"limit": 100})
    assert answer.status_code == 200, answer.text
    return [entry["event"] for entry in answer.json()["items"]]


def test_a_reader_of_events_sees_who_voted_once_the_task_is_over_and_a_lead_at_once(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "exclude", reason="no")

    def conflict(name: str, role: str) -> dict:
        return next(event for event in events_seen(rig, name, role) if event["type"] == "screening.conflict.opened")

    assert conflict("eve", "adjudicator")["actor"] == conflict("cleo", "reader")["actor"] == "hidden"
    assert conflict("lea", "lead")["actor"] == "ben"

    rig.answers("eve", "include", "adjudicator", kind="conflict", reason="yes")

    closed = [event for event in events_seen(rig, "cleo", "reader") if event["type"] == "screening.task.closed"]
    assert [vote["person"] for vote in closed[0]["data"]["judgement"]["votes"]] == ["ana", "ben", "eve"]
    assert conflict("cleo", "reader")["actor"] == "ben"


def test_votes_of_a_task_that_was_opened_again_are_shown_to_leads_alone(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "include")
    with rig.bench.work() as work:
        work.session.connection().exec_driver_sql("UPDATE tasks SET state = 'open' WHERE stage = 'sift'")

    seen, whole = (
        next(event for event in events_seen(rig, name, role) if event["type"] == "screening.task.closed")
        for name, role in (("cleo", "reader"), ("lea", "lead"))
    )

    assert seen["data"]["judgement"]["votes"] == [] and seen["actor"] == "hidden"
    assert len(whole["data"]["judgement"]["votes"]) == 2


def test_a_program_reads_events_by_a_key_for_them_and_by_no_other(rig):
    rig.discovers("r1")

    assert events_seen(rig, "key_1", "reader", key="key_1", scopes=frozenset({"events"}))
    program = rig.bench.person("key_2", "reader", key="key_2", scopes=frozenset({"records"}))
    assert program.get(f"/screening/reviews/{REVIEW}/events").status_code == 403
