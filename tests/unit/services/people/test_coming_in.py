"""Coming in, another role, and leaving: who belongs to a review, and that nobody is taken for another."""

from __future__ import annotations

import pytest

from shared.events.people import AccessWithdrawn, KeyMade, MemberJoined, MemberLeft, RoleChanged
from shared.events.protocol import Protocol, VersionPublished
from tests.unit.services.people.rig import REVIEW, PeopleBench, done, refused
from tests.unit.services.protocol.examples import SMALL


def test_whoever_has_a_link_comes_in_once_with_the_role_it_is_for(bench: PeopleBench):
    ana = bench.comes_in("Ana Ruiz", "reviewer")

    me = done(ana.asks.get("/people/me"))

    assert me == {
        "person": ana.id, "name": "Ana Ruiz", "roles": {REVIEW: "reviewer"}, "founds": False,
        "key": me["key"], "scopes": None,
    }  # fmt: skip
    (joined,) = bench.emitted(MemberJoined)
    assert (joined.person, joined.role, joined.review) == (ana.id, "reviewer", REVIEW)
    assert "Ana" not in str([envelope.data for envelope in bench.journal()])


def test_a_link_that_was_used_lets_nobody_else_in(bench: PeopleBench):
    link = bench.link()
    done(bench.accept(link, "Ana"))

    refused(bench.accept(link, "Ben"), 409, "invitation_used", at="invitation")

    assert len(bench.emitted(MemberJoined)) == 1


def test_whoever_lost_the_answer_asks_again_with_the_secret_they_chose(bench: PeopleBench):
    link, secret = bench.link(), "s" * 43

    first, again = (done(bench.accept(link, "Ana", secret=secret)) for _ in range(2))

    assert (first["person"], first["key"]["key"]) == (again["person"], again["key"]["key"])
    assert len(bench.emitted(MemberJoined)) == 1
    refused(bench.accept(link, "Ana", secret="t" * 43), 409, "invitation_used")


def test_a_link_that_was_withdrawn_lets_nobody_in(bench: PeopleBench):
    made = done(bench.owner().post(f"/people/reviews/{REVIEW}/invitations", json={"role": "lead"}))
    done(bench.owner().delete(f"/people/reviews/{REVIEW}/invitations/{made['id']}"))

    refused(bench.accept(made["link"]), 409, "invitation_over", at="invitation")


@pytest.mark.parametrize("link", ["", "x", "http://host/join#living_invitation_0_0", "living_invitation_" + "0" * 32])
def test_what_is_no_link_lets_nobody_in(bench: PeopleBench, link):
    assert bench.accept(link).status_code in (404, 422)


def test_a_link_is_in_one_answer_only(bench: PeopleBench):
    bench.link()

    (listed,) = done(bench.owner().get(f"/people/reviews/{REVIEW}/invitations"))["items"]

    assert "link" not in listed and "hashed" not in listed


@pytest.mark.parametrize("name", ["", " ", "\u200b", "A" * 10_000, "ingest:pull", "a\u0000"])
def test_a_name_that_is_none_is_refused_with_its_field_and_the_link_still_lets_in(bench: PeopleBench, name):
    link = bench.link()

    answer = bench.accept(link, name)

    assert answer.status_code == 422 and "name" in str(answer.json()["errors"])
    done(bench.accept(link, "Ana"))


@pytest.mark.parametrize("like", ["ana ruiz", "Ana  Ruiz ", "ANA RUIZ", "Aná Ruiz"])
def test_a_name_that_looks_like_a_members_is_refused(bench: PeopleBench, like):
    bench.comes_in("Ana Ruiz")

    refused(bench.accept(bench.link(), like), 409, "looks_alike", at="name")

    assert len(done(bench.owner().get(f"/people/reviews/{REVIEW}/members"))["items"]) == 1


def test_a_name_that_looks_like_one_of_another_review_is_none_of_its_business(bench: PeopleBench):
    bench.comes_in("Ana", review="first")
    bench.comes_in("Ana", review="second")


@pytest.mark.parametrize("role", ["boss", "", "Reader", None, 1])
def test_a_role_that_does_not_exist_is_refused(bench: PeopleBench, role):
    answer = bench.owner().post(f"/people/reviews/{REVIEW}/invitations", json={"role": role})

    assert answer.status_code == 422 and answer.json()["errors"][0]["at"] == "body.role"


def test_nobody_gives_a_role_beyond_their_own(bench: PeopleBench):
    lead = bench.comes_in("Lea", "lead")

    answer = lead.asks.post(f"/people/reviews/{REVIEW}/invitations", json={"role": "admin"})

    refused(answer, 422, "beyond_ones_own", at="role")


def test_a_reviewer_invites_nobody(bench: PeopleBench):
    ana = bench.comes_in("Ana")

    refused(ana.asks.post(f"/people/reviews/{REVIEW}/invitations", json={"role": "reader"}), 403, "role_needed")


def test_another_role_holds_at_once_and_ends_the_tokens_of_before(bench: PeopleBench):
    bench.comes_in("Lea", "lead")
    ana = bench.comes_in("Ana", "reviewer")

    done(bench.owner().put(f"/people/reviews/{REVIEW}/members/{ana.id}", json={"role": "adjudicator"}))

    assert done(ana.asks.get("/people/me"))["roles"] == {REVIEW: "adjudicator"}
    (changed,), (withdrawn,) = bench.emitted(RoleChanged), bench.emitted(AccessWithdrawn)
    assert (changed.before, changed.role) == ("reviewer", "adjudicator")
    assert (withdrawn.subject, withdrawn.number) == (ana.id, 1)


def test_whoever_leaves_and_comes_back_is_the_same_person(bench: PeopleBench):
    ana = bench.comes_in("Ana")

    gone = done(ana.asks.delete(f"/people/reviews/{REVIEW}/members/{ana.id}"))
    back = done(ana.asks.post("/people/invitations/join", json={"invitation": bench.link()}))

    assert back["person"] == gone["subject"] == ana.id
    assert [event.role for event in bench.emitted(MemberLeft)] == ["reviewer"]
    assert len(bench.emitted(MemberJoined)) == 2
    (member,) = done(bench.owner().get(f"/people/reviews/{REVIEW}/members", params={"left": True}))["items"]
    assert member["left_at"] is None


def test_nobody_comes_in_as_somebody_who_left(bench: PeopleBench):
    ana = bench.comes_in("Ana")
    done(ana.asks.delete(f"/people/reviews/{REVIEW}/members/{ana.id}"))

    refused(bench.accept(bench.link(), "ana"), 409, "looks_alike", at="name")


def test_the_last_lead_stays(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")

    refused(lea.asks.delete(f"/people/reviews/{REVIEW}/members/{lea.id}"), 409, "last_lead")
    refused(lea.asks.put(f"/people/reviews/{REVIEW}/members/{lea.id}", json={"role": "reader"}), 409, "last_lead")

    bench.comes_in("Lou", "lead")
    done(lea.asks.delete(f"/people/reviews/{REVIEW}/members/{lea.id}"))


def test_a_lead_founds_a_review_and_leads_it(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")

    done(lea.asks.post("/people/reviews/new-one"))

    assert done(lea.asks.get("/people/me"))["roles"] == {REVIEW: "lead", "new-one": "lead"}


@pytest.mark.parametrize("name", ["Shared-Records", "shared records", "a__b", "-a", "x" * 65, "new"])
def test_nobody_founds_a_review_that_no_protocol_could_name(bench: PeopleBench, name):
    lea = bench.comes_in("Lea", "lead")

    answer = lea.asks.post(f"/people/reviews/{name}")

    assert answer.status_code == 422 and "review" in answer.json()["errors"][0]["at"]


def test_a_lead_takes_no_role_from_an_admin(bench: PeopleBench):
    lea, root = bench.comes_in("Lea", "lead"), bench.comes_in("Root", "admin")

    refused(
        lea.asks.put(f"/people/reviews/{REVIEW}/members/{root.id}", json={"role": "reader"}), 422, "beyond_ones_own",
        at="member",
    )  # fmt: skip


def test_a_reviewer_founds_none_unless_an_admin_lets_them(bench: PeopleBench):
    ana = bench.comes_in("Ana")
    refused(ana.asks.post("/people/reviews/new-one"), 403, "may_not_found")

    link = done(bench.owner().post("/people/grants", json={"founds": True}))["link"]
    done(ana.asks.post("/people/invitations/join", json={"invitation": link}))

    done(ana.asks.post("/people/reviews/new-one"))


def test_a_review_that_has_a_protocol_or_a_member_is_founded_by_nobody(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")
    bench.hears(VersionPublished.of(Protocol.model_validate({**SMALL, "review": "there"}), 1, "somebody"))

    for taken in ("there", REVIEW):
        refused(lea.asks.post(f"/people/reviews/{taken}"), 409, "review_taken")


def test_who_is_hidden_from_members_is_not_from_leads_nor_from_themselves(bench: PeopleBench):
    lea, ana, ben = bench.comes_in("Lea", "lead"), bench.comes_in("Ana"), bench.comes_in("Ben")
    done(lea.asks.put(f"/people/reviews/{REVIEW}", json={"pseudonyms": True}))

    def names(of) -> list[str]:
        return [member["name"] for member in done(of.asks.get(f"/people/reviews/{REVIEW}/members"))["items"]]

    assert names(lea) == ["Lea", "Ana", "Ben"]
    assert names(ana) == ["Member 1", "Ana", "Member 3"]
    assert names(ben) == ["Member 1", "Member 2", "Ben"]


def test_a_name_that_was_erased_is_nowhere_and_the_member_stays(bench: PeopleBench):
    bench.comes_in("Lea", "lead")
    ana = bench.comes_in("Ana Maria Ruiz")

    done(ana.asks.delete(f"/people/persons/{ana.id}/name"))

    (_, member) = done(bench.owner().get(f"/people/reviews/{REVIEW}/members"))["items"]
    assert (member["person"], member["name"]) == (ana.id, "(erased, member 2)")
    with bench.running.database.session(readonly=True) as session:
        kept = str(session.connection().exec_driver_sql("SELECT name FROM persons").fetchall())
        kept += str(session.connection().exec_driver_sql("SELECT look FROM members").fetchall())
    assert "ruiz" not in kept.lower()


def test_nobody_erases_anothers_name_but_an_admin(bench: PeopleBench):
    ana, ben = bench.comes_in("Ana"), bench.comes_in("Ben", "lead")

    refused(ben.asks.delete(f"/people/persons/{ana.id}/name"), 403, "role_needed")
    done(bench.owner().delete(f"/people/persons/{ana.id}/name"))


def test_whoever_lost_every_key_comes_back_by_an_admins_link(bench: PeopleBench):
    ana = bench.comes_in("Ana")

    link = done(bench.owner().post("/people/grants", json={"person": ana.id}))["link"]
    back = done(bench.accept(link, "somebody else"))

    assert back["person"] == ana.id
    assert done(bench.with_token(bench.token(back["key"]["key"])).get("/people/me"))["roles"] == {REVIEW: "reviewer"}


def test_a_lead_lets_nobody_come_back_as_another(bench: PeopleBench):
    lea, ana = bench.comes_in("Lea", "lead"), bench.comes_in("Ana")

    refused(lea.asks.post("/people/grants", json={"person": ana.id}), 403, "role_needed")


def test_every_key_is_told_without_its_secret(bench: PeopleBench):
    ana = bench.comes_in("Ana")

    (made,) = bench.emitted(KeyMade)

    assert (made.subject, made.kind, made.scopes) == (ana.id, "own", None)
    assert ana.key.rpartition("_")[2] not in str(bench.journal())
