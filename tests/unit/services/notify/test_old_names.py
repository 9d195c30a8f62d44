"""Names of before people had ids: whose subscriptions bear one, and that they become their person's."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from services.notify import store
from shared.events.people import NameMapped
from shared.ids import new_id
from tests.unit.services.notify.rig import REVIEW, revision_published

HOOK = "http://127.0.0.1:9/hook"
ANA = new_id("person")


def old_names(bench, by: str = "lea", role: str = "lead", review: str = REVIEW) -> dict[str, int]:
    answer = bench.person(by, role).get(f"/notify/reviews/{review}/old-names")
    assert answer.status_code == 200, answer.text
    return {it["name"]: it["acts"] for it in answer.json()["names"]}


def of(bench, owner: str) -> list[dict[str, Any]]:
    return bench.person(owner, "reader").get(f"/notify/reviews/{REVIEW}/subscriptions").json()["items"]


def mapped(name: str = "Ana", person: str = ANA, review: str = REVIEW) -> NameMapped:
    return NameMapped(review=review, name=name, person=person)


def test_the_names_of_before_are_listed_with_how_many_subscriptions_each_has(bench):
    for owner in ("Ana", "Ana", "ana", new_id("person"), new_id("key"), "owner:root"):
        bench.subscribe(HOOK, by=owner)

    assert old_names(bench) == {"Ana": 2, "ana": 1}
    assert old_names(bench, review="orchard") == {}


def test_a_subscription_that_has_ended_bears_its_name_still(bench):
    ended = bench.subscribe(HOOK, by="Ana")
    bench.person("Ana", "reader").delete(f"/notify/reviews/{REVIEW}/subscriptions/{ended['id']}")

    assert old_names(bench) == {"Ana": 1}


def test_only_who_leads_sees_the_names_of_before(bench):
    path = f"/notify/reviews/{REVIEW}/old-names"

    assert bench.person("ana", "adjudicator").get(path).status_code == 403
    assert bench.person("lea", "lead", scopes=frozenset({"subscribe"})).get(path).status_code == 403
    assert bench.person("eve", "lead", reviews=("orchard",)).get(path).status_code == 403


def test_the_subscriptions_of_an_old_name_become_its_persons_and_go_on(bench):
    made, ended, others = (
        bench.subscribe(HOOK, by="Ana"),
        bench.subscribe(HOOK, by="Ana"),
        bench.subscribe(HOOK, by="Ben"),
    )
    bench.person("Ana", "reader").delete(f"/notify/reviews/{REVIEW}/subscriptions/{ended['id']}")

    bench.hears(mapped())
    bench.hears(revision_published())

    assert [(it["id"], it["owner"], it["active"]) for it in of(bench, ANA)] == [
        (made["id"], ANA, True), (ended["id"], ANA, False),
    ]  # fmt: skip
    assert of(bench, "Ana") == [] and [it["id"] for it in of(bench, "Ben")] == [others["id"]]
    assert len(bench.deliveries(made, by=ANA)) == 1
    assert old_names(bench) == {"Ben": 1}


def test_what_is_heard_twice_changes_nothing_more(bench):
    bench.subscribe(HOOK, by="Ana")
    envelope = bench.envelope(mapped())

    for _ in range(2):
        bench.hears_envelope(envelope)
    bench.hears(mapped(), mapped("Nobody"))

    assert len(of(bench, ANA)) == 1 and old_names(bench) == {}


def test_a_name_of_another_review_and_one_that_looks_alike_stay_as_they_are(bench):
    bench.subscribe(HOOK, by="Ana")
    bench.subscribe(HOOK, by="ana")

    bench.hears(mapped(review="orchard"), mapped("ANA"))

    assert old_names(bench) == {"Ana": 1, "ana": 1} and of(bench, ANA) == []


def test_two_names_of_one_person_come_together(bench):
    for name in ("Ana", "ana"):
        bench.subscribe(HOOK, by=name)

    bench.hears(mapped("Ana"), mapped("ana"))

    assert len(of(bench, ANA)) == 2


@pytest.mark.parametrize("asked", ["owners", "replace_name"])
def test_neither_looks_at_the_subscriptions_of_other_reviews(bench, asked, monkeypatch):
    """By the plan of the database, where it tells one without being asked about numbers."""
    if not str(bench.running.database.engine.url).startswith("sqlite"):
        pytest.skip("PostgreSQL scans a table as small as this one")
    seen: list[str] = []
    with bench.work() as work:
        execute = work.session.execute

        def explain(statement: Any) -> Any:
            words = statement.compile(work.session.connection(), compile_kwargs={"literal_binds": True})
            plan = execute(text(f"EXPLAIN QUERY PLAN {words}")).all()
            seen.extend(row.detail for row in plan)
            return execute(statement)

        monkeypatch.setattr(work.session, "execute", explain)
        getattr(store, asked)(work, REVIEW, *(["Ana", ANA] if asked == "replace_name" else []))

    assert seen and all("INDEX subscriptions_of_owner (review=?" in it for it in seen), seen
