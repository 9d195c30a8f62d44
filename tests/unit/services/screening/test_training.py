"""Training sets: whoever votes at a stage answers its items first, which are neither records nor votes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.services.screening.rig import (
    DEPTH,
    REASONS,
    REVIEW,
    SIFT,
    ScreeningRig,
    make_bench,
    protocol,
    published,
)
from tests.unit.services.screening.soundness import assert_sound

ITEMS: list[dict[str, Any]] = [
    {
        "id": "roof", "title": "A garden on a roof", "abstract": "Tenants tend it.", "identifier": "10.1000/roof",
        "answer": "include", "why": "Its account says how pride came of tools.",
    },
    {"id": "park", "title": "A park", "answer": "exclude", "excluded_for": "no-garden", "why": "A park is none."},
    {"id": "poem", "title": "A poem", "answer": "exclude"},
]  # fmt: skip
TRAINS = {**SIFT, "reasons": REASONS, "training": ITEMS}


@pytest.fixture
def trained_rig(settings, tmp_path) -> Any:
    made = ScreeningRig(make_bench(tmp_path / "training", **settings), TRAINS, DEPTH)
    yield made
    made.bench.close()


def next_item(rig: ScreeningRig, name: str, **asked: str) -> dict[str, Any] | None:
    answered = rig.gets("/training/next", name, **asked)
    assert answered.status_code == 200, answered.text
    return answered.json()["item"]


def trains(rig: ScreeningRig, name: str, item: str, answer: str, **more: Any) -> Any:
    return rig.asks("/stages/sift/training", {"item": item, "answer": answer, **more}, name)


def finishes(rig: ScreeningRig, name: str) -> None:
    """Answers every item that is asked, all of them rightly."""
    right = {it["id"]: it for it in ITEMS}
    while (item := next_item(rig, name)) is not None:
        gold = right.get(item["item"], {"answer": "include"})
        reason = {"excluded_for": gold.get("excluded_for", "opinion")} if gold["answer"] == "exclude" else {}
        assert trains(rig, name, item["item"], gold["answer"], **reason).status_code == 200


def figures(rig: ScreeningRig, name: str, role: str = "reviewer") -> dict[str, dict[str, Any]]:
    (stage,) = rig.gets("/training", name, role).json()
    assert (stage["stage"], stage["size"]) == ("sift", 3)
    return {it["person"]: it for it in stage["people"]}


def refusal(rig: ScreeningRig, name: str, **asked: Any) -> tuple[int, str]:
    refused = rig.asks("/claims", asked, name)
    return refused.status_code, refused.json()["title"]


def test_a_stage_is_closed_to_whoever_has_not_finished_its_training(trained_rig):
    rig = trained_rig
    rig.discovers("r1", "r2")

    assert refusal(rig, "ana", stage="sift") == (409, "training first")
    assert refusal(rig, "ana") == (409, "training first")
    assert refusal(rig, "ana", records=["r1"]) == (409, "training first")
    for item, answer, reason in (("roof", "include", None), ("park", "exclude", "opinion")):
        assert trains(rig, "ana", item, answer, excluded_for=reason).status_code == 200
        assert refusal(rig, "ana") == (409, "training first")
    assert trains(rig, "ana", "poem", "include").json()["left"] == 0

    assert rig.claims("ana")["record"]["record"] == "r1"
    assert refusal(rig, "ben") == (409, "training first")


def test_an_item_is_asked_without_what_is_right_and_answered_with_it(trained_rig):
    rig = trained_rig

    item = next_item(rig, "ana", stage="sift")
    assert (item["item"], item["left"], item["of"], item["abstract"]) == ("roof", 3, 3, "Tenants tend it.")
    assert [it["value"] for it in item["reasons"]] == [it["value"] for it in REASONS]
    assert "pride came of tools" not in str(item) and "right" not in item and "excluded_for" not in item
    receipt = trains(rig, "ana", "roof", "unsure").json()
    assert (receipt["is_right"], receipt["right"], receipt["left"]) == (False, "include", 2)
    assert receipt["why"] == "Its account says how pride came of tools."

    assert next_item(rig, "ana")["item"] == "park"
    receipt = trains(rig, "ana", "park", "exclude", excluded_for="opinion").json()
    assert (receipt["is_right"], receipt["reason_is_right"], receipt["right_excluded_for"]) == (
        True,
        False,
        "no-garden",
    )
    trains(rig, "ana", "poem", "exclude", excluded_for="opinion")
    assert next_item(rig, "ana") is None
    assert next_item(rig, "ben")["item"] == "roof"


def test_the_first_answer_counts_and_there_is_no_second(trained_rig):
    rig = trained_rig
    at = f"/screening/reviews/{REVIEW}/stages/sift/training"
    sent = [
        rig.person("ana").post(
            at, json={"item": "roof", "answer": "exclude", "excluded_for": "opinion"}, headers={"Idempotency-Key": key}
        )
        for key in ("key-of-ana-1", "key-of-ana-1", "key-of-ana-2")
    ]

    assert [it.status_code for it in sent] == [200, 200, 409]
    assert sent[0].json() == sent[1].json()
    assert sent[2].json()["title"] == "already answered"
    assert figures(rig, "ana")["ana"]["answered"] == 1


@pytest.mark.parametrize(
    ("item", "given", "status", "slug"),
    [
        ("moon", {"answer": "include"}, 404, "unknown item"),
        ("roof", {"answer": "perhaps"}, 422, "unknown answer"),
        ("roof", {"answer": "exclude"}, 422, "missing reason"),
        ("roof", {"answer": "exclude", "excluded_for": "moon"}, 422, "unknown reason"),
        ("roof", {"answer": "include", "excluded_for": "opinion"}, 422, "needless reason"),
        ("roof", {"answer": "include", "reason": "so"}, 422, "invalid"),
    ],
)
def test_an_answer_that_the_stage_has_not_is_refused_and_nothing_is_kept(trained_rig, item, given, status, slug):
    rig = trained_rig

    refused = rig.asks("/stages/sift/training", {"item": item, **given})

    assert (refused.status_code, refused.json()["title"]) == (status, slug)
    assert next_item(rig, "ana")["left"] == 3


def test_how_right_people_were_is_shown_to_leads_of_all_and_to_each_of_themselves(trained_rig):
    rig = trained_rig
    finishes(rig, "ana")
    trains(rig, "ben", "roof", "unsure")
    trains(rig, "ben", "park", "include")
    trains(rig, "ben", "poem", "exclude", excluded_for="opinion")

    of_all = figures(rig, "lea", "lead")
    assert set(of_all) == {"ana", "ben"}
    of_ben = of_all["ben"]
    assert (of_ben["answered"], of_ben["right"]) == (3, 1)
    # An include that somebody is unsure of is not lost; of two to be excluded they let one on.
    assert (of_ben["sensitivity"], of_ben["specificity"]) == (1.0, 0.5)
    assert [(it["right"], it["answer"], it["n"]) for it in of_ben["answers"]] == [
        ("exclude", "exclude", 1), ("exclude", "include", 1), ("include", "unsure", 1),
    ]  # fmt: skip
    assert (of_all["ana"]["right"], of_all["ana"]["reasons"], of_all["ana"]["reasons_right"]) == (3, 1, 1)
    assert figures(rig, "ben") == {"ben": of_ben}
    assert figures(rig, "cy") == {}


def test_what_is_answered_in_training_is_no_vote_and_no_record(trained_rig):
    rig = trained_rig
    rig.discovers("r1")
    before = [rig.gets(path, "lea", "lead").json() for path in ("/queue", "/funnel", "/flow", "/agreement")]
    emitted = len(rig.bench.journal())

    finishes(rig, "ana")
    finishes(rig, "ben")

    assert [rig.gets(path, "lea", "lead").json() for path in ("/queue", "/funnel", "/flow", "/agreement")] == before
    assert len(rig.bench.journal()) == emitted
    cast = {(rig.answers(name, "include")["task"], name) for name in ("ana", "ben")}
    assert_sound(rig.bench, REVIEW, cast)


def test_an_amendment_asks_only_the_items_that_are_new_or_other(trained_rig):
    rig = trained_rig
    rig.discovers("r1")
    finishes(rig, "ana")
    again = [
        {**ITEMS[0], "why": "In other words."},
        {**ITEMS[1], "excluded_for": "opinion"},
        {**ITEMS[0], "id": "yard"},
    ]
    rig.hears(published(protocol({**TRAINS, "training": again}, DEPTH), version=2))

    assert refusal(rig, "ana") == (409, "training first")
    assert (next_item(rig, "ana")["item"], next_item(rig, "ana")["left"]) == ("park", 2)
    trains(rig, "ana", "park", "exclude", excluded_for="opinion")
    trains(rig, "ana", "yard", "include")
    assert rig.claims("ana")["record"]["record"] == "r1"
    assert figures(rig, "ana")["ana"]["answered"] == 3


def test_what_one_holds_when_a_training_set_comes_is_still_answered(either_rig):
    rig = either_rig
    rig.discovers("r1", "r2")
    held = rig.claims("ana")
    rig.hears(published(protocol(TRAINS, DEPTH), version=2))

    assert refusal(rig, "ana", stage="sift") == (409, "training first")
    assert [it["lease"] for it in rig.claims_many("ana", mode="mine")] == [held["lease"]]
    assert rig.claims_many("ana", count=2) == rig.claims_many("ana", mode="mine")
    assert rig.votes("ana", held["lease"], "include").status_code == 200
    assert refusal(rig, "ana") == (409, "training first")


def test_a_claim_without_a_stage_passes_over_a_stage_that_one_is_not_trained_for(rig_of):
    rig = rig_of(SIFT, {**DEPTH, "fields": [], "training": [{"id": "one", "title": "On one", "answer": "rich"}]})
    rig.discovers("r1", "r2")
    for name in ("ana", "ben"):
        rig.answers(name, "include")

    assert rig.claims("cy")["stage"] == "sift"
    assert refusal(rig, "cy", stage="depth") == (409, "training first")
    rig.votes("cy", rig.claims("cy")["lease"], "include")
    assert refusal(rig, "cy") == (409, "training first")
    rig.asks("/stages/depth/training", {"item": "one", "answer": "rich"}, "cy")
    assert rig.claims("cy")["stage"] == "depth"


def test_whoever_decides_a_conflict_needs_no_training(trained_rig):
    rig = trained_rig
    rig.discovers("r1")
    for name, answer in (("ana", "include"), ("ben", "unsure")):
        finishes(rig, name)
        rig.answers(name, answer)

    assert rig.claims("cy", "adjudicator", kind="conflict") is not None


def test_who_only_reads_is_not_trained(rig):
    assert rig.gets("/training", "rea", "reader").status_code == 403
    assert rig.gets("/training/next", "rea", "reader").status_code == 403
    assert rig.gets("/training").json() == []
    assert rig.gets("/training/next", stage="moon").json()["title"] == "unknown stage"
