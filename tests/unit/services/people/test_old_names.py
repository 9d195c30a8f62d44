"""Old names: whose the names are under which people acted before they had ids, said once by a lead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st

from services.people.domain.names import look_of
from shared.events.people import MemberJoined, MemberLeft, NameMapped
from tests.unit.services.people.rig import REVIEW, PeopleBench, Someone, done, refused


@pytest.fixture
def lea(bench: PeopleBench) -> Someone:
    return bench.comes_in("Lea", "lead")


def give(by: Someone | TestClient, name: object = "Ana", review: str = REVIEW, **more: object) -> Response:
    """Says whose an old name is."""
    asks, headers = by.asks if isinstance(by, Someone) else by, {}
    if (key := more.pop("key", None)) is not None:
        headers = {"Idempotency-Key": str(key)}
    return asks.post(f"/people/reviews/{review}/old-names", json={"name": name, **more}, headers=headers)


def mapped(lea: Someone) -> list[tuple[str, str]]:
    found = done(lea.asks.get(f"/people/reviews/{REVIEW}/old-names"))["items"]
    return [(row["name"], row["person"]) for row in found]


def emitted(bench: PeopleBench) -> list[tuple[str, str]]:
    return [(event.name, event.person) for event in bench.emitted(NameMapped)]


def test_an_old_name_becomes_a_members_and_that_is_told_once(bench: PeopleBench, lea):
    ana = bench.comes_in("Ana Ruiz")

    first, again = done(give(lea, "Ana", person=ana.id)), done(give(lea, "Ana", person=ana.id))

    assert first == again and (first["name"], first["person"], first["called"]) == ("Ana", ana.id, "Ana Ruiz")
    assert first["mapped_by"] == lea.id
    assert emitted(bench) == mapped(lea) == [("Ana", ana.id)]


def test_who_asks_again_without_a_person_is_answered_whose_it_is(bench: PeopleBench, lea):
    ana = bench.comes_in("Ana Ruiz")
    done(give(lea, "Ana", person=ana.id))

    assert done(give(lea, "Ana"))["person"] == ana.id
    assert len(emitted(bench)) == 1


def test_a_name_that_is_somebodys_becomes_nobody_elses(bench: PeopleBench, lea):
    ana, ben = bench.comes_in("Ana Ruiz"), bench.comes_in("Ben")
    done(give(lea, "Ana", person=ana.id))

    refused(give(lea, "Ana", person=ben.id), 409, "name_mapped")
    refused(give(lea, "Ana", call="Ana of Madrid"), 409, "name_mapped")

    assert emitted(bench) == [("Ana", ana.id)]


def test_several_names_may_be_one_persons(bench: PeopleBench, lea):
    ana = bench.comes_in("Ana Ruiz")

    for name in ("ana", "A. Ruiz", "Ana"):
        done(give(lea, name, person=ana.id))

    assert sorted(mapped(lea)) == [("A. Ruiz", ana.id), ("Ana", ana.id), ("ana", ana.id)]


def test_the_same_name_in_another_review_is_another_name(bench: PeopleBench, lea):
    first = done(give(lea, "Ana"))
    second = done(give(bench.comes_in("Lou", "lead", review="second"), "Ana", review="second"))

    assert first["person"] != second["person"] and len(emitted(bench)) == 2


def test_a_name_that_is_nobodys_becomes_that_of_somebody_who_is_a_member_no_more(bench: PeopleBench, lea):
    made = done(give(lea, " Ana   Ruiz "))

    (member,) = [
        row
        for row in done(lea.asks.get(f"/people/reviews/{REVIEW}/members", params={"left": True}))["items"]
        if row["person"] == made["person"]
    ]
    assert (made["name"], member["name"], member["role"]) == (" Ana   Ruiz ", "Ana Ruiz", "reviewer")
    assert member["left_at"] is not None
    assert [event.person for event in bench.emitted(MemberJoined)] == [lea.id] and bench.emitted(MemberLeft) == []
    assert emitted(bench) == [(" Ana   Ruiz ", made["person"])]


def test_nobody_comes_in_under_a_name_that_looks_like_an_old_one_but_who_it_is_by_an_admins_link(bench, lea):
    ana = done(give(lea, "Ana Ruiz"))["person"]

    refused(bench.accept(bench.link(), "ana ruiz"), 409, "looks_alike", at="name")

    link = done(bench.owner().post("/people/grants", json={"person": ana}))["link"]
    back = done(bench.accept(link, "whatever"))
    came = Someone(back["person"], back["key"]["key"], bench)
    done(came.asks.post("/people/invitations/join", json={"invitation": bench.link()}))
    assert done(came.asks.get("/people/me"))["person"] == ana
    assert done(came.asks.get("/people/me"))["roles"] == {REVIEW: "reviewer"}


@pytest.mark.parametrize("alike", ["ana", "ANA", "Aná", "\u0410na"])
def test_a_name_that_looks_like_a_members_asks_whether_it_is_theirs(bench: PeopleBench, lea, alike):
    ana = bench.comes_in("Ana")

    problem = refused(give(lea, alike), 409, "looks_alike", at="name")

    assert (problem["errors"][0]["person"], problem["errors"][0]["called"]) == (ana.id, "Ana")
    assert emitted(bench) == []
    done(give(lea, alike, person=ana.id))
    assert emitted(bench) == [(alike, ana.id)]


def test_a_name_that_looks_like_that_of_one_who_left_asks_too(bench: PeopleBench, lea):
    ana = bench.comes_in("Ana")
    done(ana.asks.delete(f"/people/reviews/{REVIEW}/members/{ana.id}"))

    assert refused(give(lea, "ana"), 409, "looks_alike")["errors"][0]["person"] == ana.id
    assert done(give(lea, "ana", person=ana.id))["person"] == ana.id


def test_two_people_of_one_name_are_told_apart_by_what_a_lead_calls_one(bench: PeopleBench, lea):
    ana = bench.comes_in("Ana")

    other = done(give(lea, "Ana", call="Ana of Madrid"))

    assert other["person"] != ana.id and (other["name"], other["called"]) == ("Ana", "Ana of Madrid")
    assert done(give(lea, "Ana", call="Ana of Madrid")) == other
    refused(give(lea, "ana", call="ANA"), 409, "looks_alike", at="call")
    assert emitted(bench) == [("Ana", other["person"])]


def test_whose_a_name_is_was_a_member_here_and_not_elsewhere(bench: PeopleBench, lea):
    stranger = bench.comes_in("Ben", review="second")

    for person in (stranger.id, "person_" + "0" * 32, "nobody"):
        refused(give(lea, "Ana", person=person), 404, "unknown_member", at="person")

    assert mapped(lea) == emitted(bench) == []


@pytest.mark.parametrize("name", [
    "person_" + "0a" * 16, "key_" + "0a" * 16, "owner:root", "ingest:pull", "system", ":", "a\nb", "a\tb", "\x00",
    "\x7f", "a" * 301,
])  # fmt: skip
def test_what_is_no_old_name_is_refused_by_its_field(bench: PeopleBench, lea, name):
    ana = bench.comes_in("Ana")

    for more in ({}, {"person": ana.id}, {"call": "Somebody"}):
        answer = give(lea, name, **more)
        assert answer.status_code == 422 and [it["at"].rpartition(".")[2] for it in answer.json()["errors"]] == ["name"]

    assert emitted(bench) == []


@pytest.mark.parametrize("name", ["", "A" * 10_000, None, 1, ["Ana"]])
def test_a_name_of_another_kind_or_length_is_refused_by_its_field(bench: PeopleBench, lea, name):
    answer = give(lea, name)

    assert answer.status_code == 422 and answer.json()["errors"][0]["at"] == "body.name"


@pytest.mark.parametrize("name", ["4711", "a\u200bb", "😀", "A" * 300, "...", "erased", "\u2028"])
def test_a_name_under_which_nobody_can_be_shown_needs_a_person_or_another_name(bench: PeopleBench, lea, name):
    ana = bench.comes_in("Ana")

    answer = give(lea, name)

    (error,) = answer.json()["errors"]
    assert (
        (answer.status_code, error["at"]) == (422, "name") and "`person`" in error["why"] and "`call`" in error["why"]
    )
    assert done(give(lea, name, person=ana.id))["called"] == "Ana"


@pytest.mark.parametrize("call", ["", "\u200b", "A" * 201, "owner:root", "4711"])
def test_what_nobody_can_be_called_is_refused_by_its_field(bench: PeopleBench, lea, call):
    answer = give(lea, "Ana", call=call)

    assert answer.status_code == 422 and answer.json()["errors"][0]["at"].endswith("call")


@pytest.mark.parametrize("person", ["", "a b", "\x00", "p" * 201, "../x"])
def test_what_is_no_id_of_a_person_is_refused_by_its_field(bench: PeopleBench, lea, person):
    answer = give(lea, "Ana", person=person)

    assert answer.status_code == 422 and answer.json()["errors"][0]["at"] == "body.person"


def test_a_person_has_a_name_and_is_called_nothing_else(bench: PeopleBench, lea):
    ana = bench.comes_in("Ana")

    refused(give(lea, "ana", person=ana.id, call="Ana of Madrid"), 422, "invalid", at="call")


def test_only_who_leads_says_and_sees_whose_names_are(bench: PeopleBench, lea):
    ana, boss = bench.comes_in("Ana"), bench.comes_in("Boss", "lead", review="second")

    refused(give(ana, "Ben"), 403, "role_needed")
    refused(ana.asks.get(f"/people/reviews/{REVIEW}/old-names"), 403, "role_needed")
    refused(give(boss, "Ben"), 403, "other_review")
    refused(boss.asks.get(f"/people/reviews/{REVIEW}/old-names"), 403, "other_review")

    assert emitted(bench) == []


def test_a_lead_no_more_says_nothing_by_the_token_of_before(bench: PeopleBench, lea):
    asks = lea.asks
    bench.comes_in("Lou", "lead")
    done(bench.owner().put(f"/people/reviews/{REVIEW}/members/{lea.id}", json={"role": "reviewer"}))

    assert give(asks, "Ana").status_code in (401, 403)


def test_the_same_request_sent_again_is_answered_the_same(bench: PeopleBench, lea):
    first, again = (done(give(lea, "Ana", key="once-and-once")) for _ in range(2))

    assert first == again and len(emitted(bench)) == 1
    refused(give(lea, "Ben", key="once-and-once"), 409, "key_reused")


@pytest.mark.waits
def test_of_two_leads_at_once_one_says_whose_a_name_is(bench: PeopleBench, lea):
    ana, ben, lou = bench.comes_in("Ana R"), bench.comes_in("Ben"), bench.comes_in("Lou", "lead")
    asking = [(by.asks, whose.id) for by, whose in ((lea, ana), (lou, ben))] * 4

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda it: give(it[0], "Ana", person=it[1]), asking))

    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 4
    assert emitted(bench) == mapped(lea) and len(emitted(bench)) == 1


@pytest.mark.waits
def test_of_two_leads_at_once_none_makes_a_second_person_of_a_name(bench: PeopleBench, lea):
    lou = bench.comes_in("Lou", "lead")
    asking = [lea.asks, lou.asks] * 3

    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(lambda asks: done(give(asks, "Ana"))["person"], asking))

    assert len(set(made)) == 1 and emitted(bench) == [("Ana", made[0])]


def test_the_list_comes_in_pages_by_name_that_hold_each_once(bench: PeopleBench, lea):
    names = [f"Somebody {letter}" for letter in "cabed"]
    for name in names:
        done(give(lea, name))

    found, cursor = [], ""
    while cursor is not None:
        page = done(lea.asks.get(f"/people/reviews/{REVIEW}/old-names?limit=2{cursor and f'&cursor={cursor}'}"))
        found += [row["name"] for row in page["items"]]
        cursor = page["next"]

    assert found == sorted(names)


def test_who_is_forgotten_by_name_is_by_old_names_too(bench: PeopleBench, lea):
    ana, ben = bench.comes_in("Ana Maria Ruiz"), bench.comes_in("Ben")
    for name in ("ruiz", "A. Ruiz"):
        done(give(lea, name, person=ana.id))
    done(give(lea, "Benny", person=ben.id))

    done(ana.asks.delete(f"/people/persons/{ana.id}/name"))

    assert mapped(lea) == [("Benny", ben.id)]
    # What is said stays said: nobody else gets the votes that are under it.
    refused(give(lea, "ruiz"), 409, "name_mapped")
    refused(give(lea, "ruiz", person=ben.id), 409, "name_mapped")
    with bench.running.database.session(readonly=True) as session:
        kept = str(session.connection().exec_driver_sql("SELECT * FROM old_names").fetchall())
    assert "ruiz" not in kept.lower()


def test_whose_an_old_name_is_leads_alone_read_in_events(bench: PeopleBench, lea):
    ana = bench.comes_in("Ana")
    done(give(lea, "Annie", person=ana.id))

    def names(asks) -> list[str]:
        events = done(asks.get(f"/people/reviews/{REVIEW}/events", params={"limit": 100}))["items"]
        seen = [entry["event"] for entry in events]
        return [event["data"]["name"] for event in seen if event["type"] == NameMapped.type]

    assert (names(lea.asks), names(ana.asks)) == (["Annie"], ["hidden"])


def test_the_name_of_whoever_has_none_any_more_is_said_to_be_erased(bench: PeopleBench, lea):
    ana = bench.comes_in("Ana")
    done(ana.asks.delete(f"/people/persons/{ana.id}/name"))

    assert done(give(lea, "ana", person=ana.id))["called"] == "(erased, member 2)"


#: Names as they were, of which many look alike.
NAMES = st.text("aAáіi1 .\u0410Ben", min_size=1, max_size=6)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory):
    made = PeopleBench(tmp_path_factory.mktemp("many"))
    yield made, made.owner(), count()
    made.close()


@given(st.lists(NAMES, max_size=8))
def test_whatever_is_mapped_no_two_people_of_a_review_look_alike_and_each_name_is_told_once(many, names):
    bench, owner, numbers = many
    review = f"r{next(numbers)}"

    answers = [(name, give(owner, name, review)) for name in names]

    people = {answer.json()["person"] for _, answer in answers if answer.status_code == 201}
    members = done(owner.get(f"/people/reviews/{review}/members", params={"left": True}))["items"]
    assert people == {row["person"] for row in members}
    assert len({look_of(row["name"]) for row in members}) == len(members)
    seen = [(event.name, event.person) for event in bench.emitted(NameMapped) if event.review == review]
    assert len(seen) == len({name for name, _ in seen})
    assert dict(seen) == {name: it.json()["person"] for name, it in answers if it.status_code == 201}
    assert {it.status_code for _, it in answers} <= {201, 409, 422}
