"""Claims, leases and votes: who gets what, and what is refused."""

from __future__ import annotations

from typing import Any

from tests.unit.services.screening.rig import DEPTH, REVIEW, SIFT, ScreeningRig, merged, protocol, published
from tests.unit.services.screening.soundness import assert_sound

NO = {"reason": "no garden"}


def test_tasks_come_in_the_order_of_arrival(either_rig):
    either_rig.discovers("r1", "r2", "r3")

    seen = []
    for _ in range(3):
        seen.append(either_rig.claims("ana")["record"]["record"])
        either_rig.votes("ana", either_rig.claims("ana")["lease"], "include")

    assert seen == ["r1", "r2", "r3"]
    assert either_rig.claims("ana") is None


def test_a_claim_brings_all_that_is_needed_to_answer(rig_of):
    rig = rig_of(DEPTH)
    rig.discovers("r1", authors=["Ada Byron"], venue="Plots", identifiers={"doi": "10.1/r1"})

    task = rig.claims("ana")

    assert task["question"] == "Is it rich enough?"
    assert [answer["value"] for answer in task["answers"]] == ["thin", "moderate", "rich"]
    assert [field["name"] for field in task["fields"]] == ["cmocs", "setting", "designs", "note"]
    assert [cmoc["id"] for cmoc in task["cmocs"]] == ["c1", "c2"]
    assert task["definitions"]["context"] == "before it"
    assert (task["record"]["title"], task["record"]["abstract"]) == ("On r1", "Gardens.")
    assert (task["record"]["authors"], task["record"]["venue"]) == (["Ada Byron"], "Plots")
    assert (task["record"]["published"], task["record"]["identifiers"]) == ("2019", {"doi": "10.1/r1"})
    assert task["votes"] == []


def test_a_restricted_record_shows_that_more_is_known_of_it(either_rig):
    either_rig.discovers("r1", restricted=True)
    either_rig.discovers("r2")

    tasks = either_rig.claims_many("ana", count=2)

    assert {task["record"]["record"]: task["record"]["restricted"] for task in tasks} == {"r1": True, "r2": False}
    either_rig.votes("ana", tasks[0]["lease"], "include")
    assert either_rig.record("r1")["record"]["restricted"] is True


def test_asking_twice_takes_one_place(rig):
    rig.discovers("r1", "r2")

    assert rig.claims("ana") == rig.claims("ana")
    assert rig.queue("sift")["in_hand"] == 1


def records_of(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["record"]["record"] for task in tasks]


def test_several_tasks_are_claimed_at_once_in_queue_order(either_rig):
    either_rig.discovers(*(f"r{number:02d}" for number in range(12)))

    taken = either_rig.claims_many("ana", count=10)

    assert records_of(taken) == [f"r{number:02d}" for number in range(10)]
    assert len({task["lease"] for task in taken}) == 10
    assert either_rig.claims_many("ana", count=10) == taken
    assert either_rig.queue("sift")["in_hand"] == 10


def test_what_one_holds_is_filled_up_to_what_one_asks_for(either_rig):
    rig = either_rig
    rig.discovers(*(f"r{number}" for number in range(7)))
    three = rig.claims_many("ana", count=3)

    assert records_of(rig.claims_many("ana", count=5)) == ["r0", "r1", "r2", "r3", "r4"]
    assert rig.claims_many("ana", count=2) == three[:2]
    rig.votes("ana", three[1]["lease"], "include")
    assert records_of(rig.claims_many("ana", count=4)) == ["r0", "r2", "r3", "r4"]
    rig.votes("ana", three[0]["lease"], "include")
    assert records_of(rig.claims_many("ana", count=5)) == ["r2", "r3", "r4", "r5", "r6"]
    assert records_of(rig.claims_many("ana", count=50)) == ["r2", "r3", "r4", "r5", "r6"]
    assert_sound(rig.bench, REVIEW, {(three[0]["task"], "ana"), (three[1]["task"], "ana")})


def test_a_claim_of_several_looks_at_every_stage_and_every_first_taker(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3", "r4")
    rig.answers("ana", "include")
    rig.answers("ben", "include")
    rig.answers("ana", "include", stage="sift")
    rig.claims("dee", stage="sift")
    rig.claims("eve", stage="sift")

    taken = rig.claims_many("cy", count=10)

    assert [(task["stage"], task["record"]["record"]) for task in taken] == [
        ("depth", "r1"), ("sift", "r3"), ("sift", "r4"),
    ]  # fmt: skip


def test_how_many_are_claimed_has_limits(rig):
    for count in (0, 51, -1, "many"):
        refused = rig.asks("/claims", {"count": count})
        assert (refused.status_code, refused.json()["title"]) == (422, "invalid")


def test_several_conflicts_are_claimed_and_each_shows_its_votes_after_a_look_at_it(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    for name, answer in (("ana", "include"), ("ben", "unsure")):
        for _ in range(3):
            rig.answers(name, answer)

    conflicts = rig.claims_many("cy", "adjudicator", kind="conflict", count=2)

    assert records_of(conflicts) == ["r1", "r2"]
    assert [task["votes"] for task in conflicts] == [[], []]
    rig.looks("cy", conflicts[1]["lease"], "include")
    seen = rig.claims_many("cy", "adjudicator", kind="conflict", count=2)
    assert [[vote["person"] for vote in task["votes"]] for task in seen] == [[], ["ana", "ben"]]
    assert records_of(rig.claims_many("dee", "adjudicator", kind="conflict", count=2)) == ["r3"]


def test_several_leases_lapse_and_are_claimed_again(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2", "r3")
    before = rig.claims_many("ana", count=3)
    rig.asks(f"/leases/{before[1]['lease']}/renew", None)
    rig.bench.clock.advance(minutes=59)
    rig.asks(f"/leases/{before[1]['lease']}/renew", None)
    rig.bench.clock.advance(minutes=2)

    after = rig.claims_many("ana", count=3)

    assert after[0]["lease"] == before[1]["lease"]
    assert records_of(after) == ["r2", "r1", "r3"]
    assert not {task["lease"] for task in after[1:]} & {task["lease"] for task in before}
    assert_sound(rig.bench, REVIEW, set())


def test_tasks_of_a_stage_that_an_amendment_dropped_are_still_claimed_and_first(either_rig):
    rig = either_rig
    rig.discovers("r1")
    rig.hears(published(protocol({**SIFT, "name": "sort"}, DEPTH), version=2))
    rig.discovers("r2")

    assert [(task["stage"], task["record"]["record"]) for task in rig.claims_many("ana", count=2)] == [
        ("sift", "r1"), ("sort", "r2"),
    ]  # fmt: skip
    assert rig.claims("ben", stage="sift")["record"]["record"] == "r1"


def test_two_people_get_one_task_and_a_third_the_next(either_rig):
    either_rig.discovers("r1", "r2")

    first, second, third = (either_rig.claims(name) for name in ("ana", "ben", "cy"))

    assert first["task"] == second["task"] != third["task"]


def test_nobody_gets_a_task_they_have_voted_on(either_rig):
    either_rig.discovers("r1")
    either_rig.answers("ana", "include")

    assert either_rig.claims("ana") is None
    assert either_rig.claims("ben")["record"]["record"] == "r1"


def test_a_lapsed_lease_returns_to_the_queue_by_itself(either_rig):
    either_rig.discovers("r1")
    ana, ben = either_rig.claims("ana"), either_rig.claims("ben")
    assert either_rig.claims("cy") is None

    either_rig.bench.clock.advance(hours=2)

    assert either_rig.claims("cy")["task"] == ana["task"]
    refused = either_rig.votes("ana", ana["lease"], "include")
    assert (refused.status_code, refused.json()["title"]) == (409, "lease lapsed")
    assert either_rig.votes("ben", ben["lease"], "include").json()["title"] == "lease lapsed"
    assert either_rig.record("r1")["stages"][0]["votes_cast"] == 0


def test_a_lapsed_lease_cannot_vote_even_before_anyone_returned_it(rig):
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]

    rig.bench.clock.advance(minutes=60)

    assert rig.votes("ana", lease, "include").json()["title"] == "lease lapsed"
    assert rig.asks(f"/leases/{lease}/renew", None).json()["title"] == "lease lapsed"
    assert rig.asks(f"/leases/{lease}/release", None).json()["title"] == "lease lapsed"


def test_whose_lease_lapsed_gets_a_new_one(rig):
    rig.discovers("r1")
    before = rig.claims("ana")

    rig.bench.clock.advance(hours=2)
    after = rig.claims("ana")

    assert (after["task"], after["lease"] != before["lease"]) == (before["task"], True)
    assert rig.votes("ana", after["lease"], "include").status_code == 200


def test_what_is_in_hand_is_looked_at_again_without_taking_more(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    task = rig.claims("ana")

    assert rig.gets(f"/leases/{task['lease']}").json() == task
    assert rig.queue("sift")["in_hand"] == 1


def test_only_whoever_holds_a_live_lease_looks_at_it(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "unsure")
    lease = rig.claims("cy", "adjudicator", kind="conflict")["lease"]

    rig.looks("cy", lease, "include")

    assert rig.gets(f"/leases/{lease}", "dee", "adjudicator").json()["title"] == "not your lease"
    assert rig.gets("/leases/lease_of_nobody").status_code == 404
    assert len(rig.gets(f"/leases/{lease}", "cy", "adjudicator").json()["votes"]) == 2

    rig.bench.clock.advance(hours=2)
    assert rig.gets(f"/leases/{lease}", "cy", "adjudicator").json()["title"] == "lease lapsed"


def test_a_conflict_in_hand_has_the_answers_that_decide_it(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    assert [answer["value"] for answer in rig.claims("ben")["answers"]] == ["include", "unsure", "exclude"]
    rig.answers("ben", "unsure")

    task = rig.claims("cy", "adjudicator", kind="conflict")
    assert [answer["value"] for answer in task["answers"]] == ["include", "unsure", "exclude"]
    task = rig.looks("cy", task["lease"], "unsure")

    assert [(answer["value"], answer["reason_required"]) for answer in task["answers"]] == [
        ("include", True),
        ("exclude", True),
    ]


def test_a_renewed_lease_lives_on(rig):
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]
    rig.bench.clock.advance(minutes=50)

    renewed = rig.asks(f"/leases/{lease}/renew", None).json()
    rig.bench.clock.advance(minutes=50)

    assert renewed["expires_at"] == "2020-01-01T01:50:00Z"
    assert rig.votes("ana", lease, "include").status_code == 200


def test_how_long_a_lease_lives_is_a_setting(rig_of):
    rig = rig_of(settings={"lease_minutes": 5})
    rig.discovers("r1")

    assert rig.claims("ana")["expires_at"] == "2020-01-01T00:05:00Z"


def test_a_released_task_goes_to_the_end_of_the_queue(either_rig):
    either_rig.discovers("r1", "r2")
    first = either_rig.claims("ana")

    released = either_rig.asks(f"/leases/{first['lease']}/release", None)

    assert released.json()["ended"] == "released"
    assert either_rig.claims("ana")["record"]["record"] == "r2"
    assert either_rig.claims("ben")["record"]["record"] == "r2"
    assert either_rig.claims("cy")["record"]["record"] == "r1"
    assert either_rig.votes("ana", first["lease"], "include").json()["title"] == "lease released"


def test_the_furthest_stage_comes_first_unless_one_is_named(rig):
    rig.discovers("r1", "r2")
    rig.answers("ana", "include")
    rig.answers("ben", "include")

    assert rig.claims("cy")["stage"] == "depth"
    assert rig.claims("dee", stage="sift")["stage"] == "sift"


def test_two_equal_votes_decide_and_the_record_goes_on(either_rig):
    either_rig.discovers("r1")

    first = either_rig.answers("ana", "include")
    second = either_rig.answers("ben", "include")

    assert (first["state"], first["judgement"]) == ("open", None)
    assert second["state"] == "advanced"
    assert second["judgement"]["decided_by"] == "agreement"
    assert either_rig.record("r1")["stage"] == "depth"


def test_an_adjudicator_decides_a_conflict_with_a_reason(either_rig):
    either_rig.discovers("r1")
    either_rig.answers("ana", "include")
    assert either_rig.answers("ben", "exclude", **NO)["state"] == "conflict"

    conflict = either_rig.claims("cy", "adjudicator", kind="conflict")
    conflict = either_rig.looks("cy", conflict["lease"], "unsure")
    seen = {vote["person"]: vote["answer"] for vote in conflict["votes"]}
    without = either_rig.votes("cy", conflict["lease"], "include", "adjudicator")
    decided = either_rig.votes("cy", conflict["lease"], "include", "adjudicator", reason="it fits")

    assert seen == {"ana": "include", "ben": "exclude"}
    assert (without.status_code, without.json()["title"]) == (422, "missing reason")
    assert decided.json()["state"] == "advanced"
    assert decided.json()["judgement"]["decided_by"] == "adjudication"
    assert [vote["person"] for vote in decided.json()["judgement"]["votes"]] == ["ana", "ben", "cy"]


def test_who_voted_on_a_task_does_not_decide_its_conflict(rig):
    rig.discovers("r1")
    rig.answers("cy", "include", "adjudicator")
    rig.answers("ben", "exclude", **NO)

    assert rig.claims("cy", "adjudicator", kind="conflict") is None
    assert rig.claims("dee", "adjudicator", kind="conflict") is not None
    assert rig.claims("eve", "adjudicator", kind="conflict") is None


def test_an_adjudicator_gets_the_first_conflict_they_had_no_part_in(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    rig.answers("ana", "include")
    rig.answers("ana", "include")
    rig.answers("cy", "unsure", "adjudicator")
    rig.answers("ben", "unsure")

    assert [task["record"] for task in rig.gets("/conflicts").json()["items"]] == ["r1", "r2"]
    assert rig.claims("cy", "adjudicator", kind="conflict")["record"]["record"] == "r2"
    assert rig.claims("dee", "adjudicator", kind="conflict")["record"]["record"] == "r1"


def test_a_doubtful_answer_alone_calls_for_an_adjudicator(rig):
    rig.discovers("r1")
    rig.answers("ana", "unsure")

    assert rig.answers("ben", "unsure")["state"] == "conflict"


def test_a_conflict_whose_lease_lapsed_is_claimed_by_another(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "unsure")
    late = rig.claims("cy", "adjudicator", kind="conflict")

    rig.bench.clock.advance(hours=2)

    assert rig.claims("dee", "adjudicator", kind="conflict")["task"] == late["task"]
    assert rig.votes("cy", late["lease"], "include", "adjudicator", reason="x").json()["title"] == "lease lapsed"


def test_the_stage_says_who_may_adjudicate(rig_of):
    rig = rig_of({**SIFT, "adjudicators": "lead"})
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "unsure")

    assert rig.asks("/claims", {"kind": "conflict"}, "ana").json()["title"] == "role needed"
    assert rig.claims("cy", "adjudicator", kind="conflict") is None
    named = rig.asks("/claims", {"kind": "conflict", "stage": "sift"}, "cy", "adjudicator")
    assert (named.status_code, named.json()["title"]) == (403, "role needed")
    assert rig.claims("lea", "lead", kind="conflict") is not None


def test_who_lost_the_role_meanwhile_does_not_decide(rig):
    rig.discovers("r1")
    rig.answers("ana", "include")
    rig.answers("ben", "unsure")
    lease = rig.claims("cy", "adjudicator", kind="conflict")["lease"]

    refused = rig.votes("cy", lease, "include", "reviewer", reason="I was one")

    assert (refused.status_code, refused.json()["title"]) == (403, "role needed")


def test_one_vote_is_enough_where_the_stage_says_so(rig_of):
    rig = rig_of({**SIFT, "votes": 1})
    rig.discovers("r1", "r2")

    assert rig.answers("ana", "include")["state"] == "advanced"
    assert rig.answers("ana", "unsure")["state"] == "conflict"


def test_three_votes_are_waited_for_where_the_stage_says_so(either_rig):
    either_rig.hears(published(protocol({**SIFT, "votes": 3}), version=2))
    either_rig.discovers("r1")

    assert either_rig.answers("ana", "include")["state"] == "open"
    assert either_rig.claims("ana") is None
    assert either_rig.answers("ben", "include")["state"] == "open"
    assert either_rig.claims("ben") is None
    assert either_rig.answers("cy", "exclude", **NO)["state"] == "conflict"


def test_a_retried_vote_is_answered_and_not_cast_again(rig):
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]
    path, headers = f"/screening/reviews/gardens/leases/{lease}/vote", {"Idempotency-Key": "key-of-ana-1"}

    first = rig.person("ana").post(path, json={"answer": "include"}, headers=headers)
    again = rig.person("ana").post(path, json={"answer": "include"}, headers=headers)
    other = rig.person("ana").post(path, json={"answer": "unsure"}, headers=headers)

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert (other.status_code, other.json()["title"]) == (409, "key reused")
    assert rig.record("r1")["stages"][0]["votes_cast"] == 1


BAD_BALLOTS = [
    ({"answer": "great"}, "unknown answer"),
    ({"answer": "rich"}, "missing field"),
    ({"answer": "rich", "fields": {"cmocs": ["c1"], "colour": "red"}}, "unknown field"),
    ({"answer": "rich", "fields": {"cmocs": ["c1"], "colour": "", "sizes": []}}, "unknown field"),
    ({"answer": "rich", "fields": {"cmocs": ["c9"]}}, "unknown cmoc"),
    ({"answer": "rich", "fields": {"cmocs": ["c1"], "setting": "moon"}}, "unknown option"),
    ({"answer": "rich", "fields": {"cmocs": "c1"}}, "wrong kind"),
    ({"answer": "rich", "fields": {"cmocs": {"c1": True}}}, "invalid"),
    ({"answer": "rich", "fields": {"cmocs": ["c1"], "note": "x" * 5001}}, "invalid"),
    ({"answer": "rich", "reason": "\x00"}, "invalid"),
    ({"reason": "none"}, "invalid"),
    ([], "invalid"),
]


def test_a_ballot_with_faults_is_refused_and_the_lease_stays(rig_of):
    rig = rig_of(DEPTH)
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]

    for body, slug in BAD_BALLOTS:
        refused = rig.asks(f"/leases/{lease}/vote", body)
        assert (refused.status_code, refused.json()["title"]) == (422, slug), body
        assert refused.json()["errors"]
    assert rig.votes("ana", lease, "rich", fields={"cmocs": ["c1"]}).status_code == 200


def test_half_a_character_is_refused(rig):
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]

    refused = rig.person("ana").post(
        f"/screening/reviews/gardens/leases/{lease}/vote",
        content=b'{"answer": "include", "reason": "\\ud800"}',
        headers={"Content-Type": "application/json"},
    )

    assert refused.status_code == 422


def test_a_field_left_empty_counts_as_not_given(rig_of):
    rig = rig_of({**DEPTH, "votes": 1})
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]

    given = {"cmocs": ["c2"], "setting": "", "designs": [], "note": "  "}
    decided = rig.votes("ana", lease, "rich", fields=given).json()

    assert decided["judgement"]["votes"][0]["fields"] == {"cmocs": ["c2"]}


def test_an_option_may_be_a_long_sentence(rig_of):
    wordy = "where " + "very " * 100 + "many people dig"
    rig = rig_of({**SIFT, "fields": [{"name": "who", "label": "Who?", "kind": "choices", "options": [wordy]}]})
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]

    assert rig.votes("ana", lease, "include", fields={"who": [wordy]}).status_code == 200


def test_a_second_vote_is_refused(rig):
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]
    rig.votes("ana", lease, "include")

    refused = rig.votes("ana", lease, "exclude", reason="on second thoughts")

    assert (refused.status_code, refused.json()["title"]) == (409, "already voted")


def test_anothers_lease_is_not_yours(rig):
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]

    for path, body in (("vote", {"answer": "include"}), ("release", None), ("renew", None)):
        refused = rig.asks(f"/leases/{lease}/{path}", body, "ben")
        assert (refused.status_code, refused.json()["title"]) == (403, "not your lease")


def test_what_does_not_exist_is_not_found(rig):
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]

    answers = {
        "unknown lease": rig.votes("ana", "lease_0", "include"),
        "unknown stage": rig.asks("/claims", {"stage": "polish"}),
        "unknown record": rig.gets("/records/r9"),
        "unknown review": rig.person("ana").post("/screening/reviews/moon/claims", json={}),
    }
    elsewhere = rig.person("ana").post(f"/screening/reviews/moon/leases/{lease}/vote", json={"answer": "include"})

    assert {answer.status_code for answer in answers.values()} == {404}
    assert {slug: answer.json()["title"] for slug, answer in answers.items()} == {slug: slug for slug in answers}
    assert elsewhere.status_code == 404


def test_a_reader_takes_no_part(rig):
    rig.discovers("r1")
    lease = rig.claims("ana")["lease"]

    for path, body in (
        ("/claims", {}),
        (f"/leases/{lease}/vote", {"answer": "include"}),
        (f"/leases/{lease}/release", None),
        (f"/leases/{lease}/renew", None),
    ):
        assert rig.asks(path, body, "rea", "reader").status_code == 403
    assert rig.gets("/queue", "rea", "reader").status_code == 200
    assert rig.bench.anybody().get("/screening/reviews/gardens/queue").status_code == 401


def test_a_token_for_another_review_does_not_hold_here(rig):
    stranger = rig.bench.person("sam", reviews=("moon",))

    assert stranger.get("/screening/reviews/gardens/queue").status_code == 403


def test_a_task_that_was_closed_under_a_lease_says_so(rig):
    rig.discovers("r1", "r2")
    lease = rig.claims("ana")["lease"]

    rig.hears(merged("r1", into="r2"))

    refused = rig.votes("ana", lease, "include")
    assert (refused.status_code, refused.json()["title"]) == (409, "task closed")
    assert rig.claims("ana")["record"]["record"] == "r2"


def test_an_amendment_leaves_open_tasks_their_question(rig: ScreeningRig):
    rig.discovers("r1")
    later = {**SIFT, "question": "Is it about gardens at all?", "votes": 1}
    rig.hears(published(protocol(later, DEPTH), version=2))
    rig.discovers("r2")

    old = rig.claims("ana")
    rig.votes("ana", old["lease"], "include")
    new = rig.claims("ana")

    assert (old["question"], old["votes_needed"], old["protocol_version"]) == ("Could it inform a theory?", 2, 1)
    assert (new["question"], new["votes_needed"], new["protocol_version"]) == ("Is it about gardens at all?", 1, 2)
    assert rig.record("r1")["stages"][0]["protocol_version"] == 1
