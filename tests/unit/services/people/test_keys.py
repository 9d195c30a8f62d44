"""Keys: what they may be for, what they are exchanged for, and that a withdrawn one counts for nothing."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from services.people.commands.keys import MOST_KEYS, make_for
from services.people.models import KeyRow
from shared.events.people import AccessWithdrawn, KeyMade
from shared.tokens import LONGEST, opened
from tests.unit.services.people.rig import REVIEW, PeopleBench, done, refused


def test_a_key_is_exchanged_for_a_token_of_five_minutes_that_says_what_is_so_now(bench: PeopleBench):
    ana = bench.comes_in("Ana", "reviewer")

    made = done(bench.exchange(ana.key))
    person, ends = opened(bench.platform.ring, made["access_token"])

    assert (made["token_type"], made["expires_in"], made["scope"]) == ("Bearer", 300, "*")
    assert ends - datetime.now(UTC).timestamp() <= LONGEST.total_seconds()
    assert (person.id, dict(person.roles), person.scopes, person.via) == (ana.id, {REVIEW: "reviewer"}, None, None)


def test_a_key_may_be_shown_in_halves_as_the_standard_has_it(bench: PeopleBench):
    ana = bench.comes_in("Ana")
    _, _, id, secret = ana.key.split("_", 3)
    basic = base64.b64encode(f"{id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials"}

    done(bench.anybody().post("/people/token", data={**form, "client_id": id, "client_secret": secret}))
    done(bench.anybody().post("/people/token", data=form, headers={"Authorization": f"Basic {basic}"}))


@pytest.mark.parametrize("spoil", [
    lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"), lambda key: "", lambda key: "x" * 5_000,
    lambda key: "living_key_" + "0" * 32 + "_" + "A" * 43, lambda key: key.replace("living_key", "living_invitation"),
])  # fmt: skip
def test_what_is_no_key_is_refused_in_the_words_for_one_that_counts_no_more(bench: PeopleBench, spoil):
    ana = bench.comes_in("Ana")

    problem = refused(bench.exchange(spoil(ana.key)), 401, "bad_key")

    done(ana.asks.delete(f"/people/keys/{bench_key(ana)}"))
    assert refused(bench.exchange(ana.key), 401, "bad_key")["detail"] == problem["detail"]


@pytest.mark.parametrize("form", [
    {"client_secret": "x"}, {"grant_type": "password"},
    {"grant_type": ["client_credentials"] * 2, "client_secret": "x"},
])  # fmt: skip
def test_a_request_that_is_no_exchange_is_refused_with_its_field(bench: PeopleBench, form):
    answer = bench.anybody().post("/people/token", data=form)

    assert answer.status_code == 422 and answer.json()["errors"][0]["at"] == "grant_type"


def test_a_delegated_key_acts_for_its_person_and_says_by_which_key(bench: PeopleBench):
    ana = bench.comes_in("Ana")

    made = done(ana.asks.post("/people/keys", json={"name": "my script", "review": REVIEW, "scopes": ["screen"]}))
    person, _ = opened(bench.platform.ring, bench.token(made["key"]))

    assert (person.id, person.via, person.scopes) == (ana.id, made["id"], frozenset({"screen"}))
    assert [event.kind for event in bench.emitted(KeyMade)] == ["own", "delegated"]


def test_a_delegated_key_makes_no_keys_lets_nobody_in_and_does_not_leave(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")
    made = done(lea.asks.post("/people/keys", json={"name": "reads", "scopes": ["records"]}))
    client = bench.with_token(bench.token(made["key"]))

    refused(client.post("/people/keys", json={"name": "more"}), 403, "scope_needed")
    refused(client.post(f"/people/reviews/{REVIEW}/invitations", json={"role": "reader"}), 403, "scope_needed")
    refused(client.delete(f"/people/reviews/{REVIEW}/members/{lea.id}"), 403, "scope_needed")


@pytest.mark.parametrize(("role", "scope"), [("reader", "screen"), ("reviewer", "sign"), ("adjudicator", "administer")])
def test_no_key_is_for_what_its_maker_may_not_do(bench: PeopleBench, role, scope):
    ana = bench.comes_in("Ana", role)

    answer = ana.asks.post("/people/keys", json={"name": "x", "review": REVIEW, "scopes": ["records", scope]})

    refused(answer, 422, "beyond_ones_own", at="scopes.1")
    assert len(bench.emitted(KeyMade)) == 1


def test_no_key_is_for_a_review_that_its_maker_is_not_in(bench: PeopleBench):
    ana = bench.comes_in("Ana")
    bench.comes_in("Ben", review="other")

    there, nowhere = (
        ana.asks.post("/people/keys", json={"name": "x", "review": review}) for review in ("other", "nowhere")
    )

    assert refused(there, 422, "not_your_review", at="review")["detail"] == nowhere.json()["detail"]


@pytest.mark.parametrize("scope", ["screen", "code", "decide", "sign", "administer"])
def test_a_programs_key_is_never_for_what_decides(bench: PeopleBench, scope):
    lea = bench.comes_in("Lea", "lead")

    answer = lea.asks.post(f"/people/reviews/{REVIEW}/keys", json={"name": "x", "scopes": [scope]})

    refused(answer, 422, "beyond_ones_own", at="scopes.0")


def test_a_programs_key_is_of_its_review_alone_and_acts_for_nobody(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")

    made = done(lea.asks.post(f"/people/reviews/{REVIEW}/keys", json={"name": "reads", "scopes": ["events"]}))
    person, _ = opened(bench.platform.ring, bench.token(made["key"]))

    assert (person.id, person.via, dict(person.roles)) == (made["id"], made["id"], {REVIEW: "reader"})
    refused(bench.exchange(made["key"], review="other"), 403, "other_review")


def test_a_key_for_one_review_has_no_power_in_another(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")
    done(lea.asks.post("/people/reviews/second"))

    made = done(lea.asks.post("/people/keys", json={"name": "one", "review": REVIEW}))
    person, _ = opened(bench.platform.ring, bench.token(made["key"]))

    assert dict(person.roles) == {REVIEW: "lead"}


@pytest.mark.parametrize(("method", "path", "body"), [
    ("GET", "/people/keys", None), ("POST", "/people/keys", {"name": "all"}), ("POST", "/people/reviews/third", None),
    ("PUT", "/people/me/password", {"sign_in_as": "lea", "password": "correct horse battery"}),
    ("POST", "/people/invitations/join", {"invitation": "x"}), ("DELETE", "/people/persons/{me}/name", None),
])  # fmt: skip
def test_a_key_for_one_review_gives_itself_no_more_power(bench: PeopleBench, method, path, body):
    lea = bench.comes_in("Lea", "lead")
    made = done(lea.asks.post("/people/keys", json={"name": "one", "review": REVIEW}))
    client = bench.with_token(bench.token(made["key"]))

    refused(client.request(method, path.format(me=lea.id), json=body), 403, "scope_needed")


def test_an_admins_key_for_one_review_is_that_of_an_admin_of_it(bench: PeopleBench):
    root, ana = bench.admin(), bench.comes_in("Ana")
    made = done(root.asks.post("/people/keys", json={"name": "one", "review": REVIEW}))
    client = bench.with_token(bench.token(made["key"]))

    refused(client.post("/people/grants", json={"role": "admin"}), 403, "other_review")
    refused(client.delete(f"/people/persons/{ana.id}/name"), 403, "role_needed")
    for key in (bench_key(ana), bench_key(root)):
        refused(client.delete(f"/people/keys/{key}"), 404, "unknown_key")
    done(client.post(f"/people/reviews/{REVIEW}/invitations", json={"role": "admin"}))
    done(client.delete(f"/people/keys/{made['id']}"))


def test_of_a_withdrawal_know_those_it_is_about_and_no_others(bench: PeopleBench):
    lea, ana, eve = bench.comes_in("Lea", "lead"), bench.comes_in("Ana"), bench.comes_in("Eve", "lead", "other")
    ends = done(lea.asks.delete(f"/people/reviews/{REVIEW}/members/{ana.id}"))
    of_all = done(lea.asks.delete(f"/people/keys/{done(lea.asks.post('/people/keys', json={'name': 'x'}))['id']}"))

    for client in (lea.asks, ana.asks, bench.admin().asks, bench.owner()):
        assert done(client.get(f"/people/withdrawals/{ends['number']}"))["subject"] == ana.id
    there, nowhere = (eve.asks.get(f"/people/withdrawals/{number}") for number in (ends["number"], 9))
    detail = refused(there, 404, "unknown_withdrawal")["detail"]
    assert refused(nowhere, 404, "unknown_withdrawal")["detail"] == detail.replace(str(ends["number"]), "9")
    refused(ana.asks.get(f"/people/withdrawals/{of_all['number']}"), 404, "unknown_withdrawal")


def test_a_withdrawn_key_is_told_to_all_and_refused_here_at_once(bench: PeopleBench):
    ana = bench.comes_in("Ana")
    made = done(ana.asks.post("/people/keys", json={"name": "laptop"}))
    laptop = bench.with_token(bench.token(made["key"]))

    withdrawn = done(ana.asks.delete(f"/people/keys/{made['id']}"))

    (event,) = bench.emitted(AccessWithdrawn)
    assert (event.subject, event.number) == (made["id"], withdrawn["number"])
    refused(laptop.post("/people/keys", json={"name": "again"}), 401, "withdrawn")
    refused(bench.exchange(made["key"]), 401, "bad_key")
    refused(ana.asks.delete(f"/people/keys/{made['id']}"), 409, "already_withdrawn")
    assert done(ana.asks.get(f"/people/withdrawals/{withdrawn['number']}"))["everywhere"] is False


def test_what_is_withdrawn_reads_nothing_here_any_more_before_the_log_has_it(bench: PeopleBench):
    lea, ana = bench.comes_in("Lea", "lead"), bench.comes_in("Ana")
    made = done(ana.asks.post("/people/keys", json={"name": "laptop"}))
    laptop, left, stays = bench.with_token(bench.token(made["key"])), ana.asks, lea.asks

    done(ana.asks.delete(f"/people/keys/{made['id']}"))
    refused(laptop.get("/people/keys"), 401, "withdrawn")
    done(left.get(f"/people/reviews/{REVIEW}/members"))

    done(lea.asks.delete(f"/people/reviews/{REVIEW}/members/{ana.id}"))
    refused(left.get(f"/people/reviews/{REVIEW}/members"), 401, "withdrawn")
    done(stays.get(f"/people/reviews/{REVIEW}/members"))


def test_a_token_says_how_much_was_withdrawn_when_it_was_made(bench: PeopleBench):
    ana, ben = bench.comes_in("Ana"), bench.comes_in("Ben")
    before, _ = opened(bench.platform.ring, ana.token())

    done(ben.asks.delete(f"/people/keys/{bench_key(ben)}"))

    after, _ = opened(bench.platform.ring, ana.token())
    assert (before.number, after.number) == (0, 1)


def test_nobody_withdraws_or_learns_of_anothers_key_but_a_lead_those_of_the_review_and_an_admin_all(bench: PeopleBench):
    lea, ana = bench.comes_in("Lea", "lead"), bench.comes_in("Ana")
    ben = bench.comes_in("Ben")
    for_review = done(ana.asks.post("/people/keys", json={"name": "x", "review": REVIEW, "scopes": ["screen"]}))

    refused(ben.asks.delete(f"/people/keys/{for_review['id']}"), 404, "unknown_key")
    refused(lea.asks.delete(f"/people/reviews/{REVIEW}/keys/{bench_key(ana)}"), 404, "unknown_key")
    done(lea.asks.delete(f"/people/reviews/{REVIEW}/keys/{for_review['id']}"))
    done(bench.admin().asks.delete(f"/people/keys/{bench_key(ana)}"))

    assert [event.subject for event in bench.emitted(AccessWithdrawn)] == [for_review["id"], bench_key(ana)]


def test_a_key_that_is_over_is_exchanged_for_nothing_and_a_token_ends_with_it(bench: PeopleBench):
    ana = bench.comes_in("Ana")

    ends(bench, ana.key, timedelta(seconds=60))
    assert done(bench.exchange(ana.key))["expires_in"] <= 60

    ends(bench, ana.key, timedelta(seconds=-1))
    refused(bench.exchange(ana.key), 401, "bad_key")


def test_a_key_whose_person_left_every_review_has_no_role_left(bench: PeopleBench):
    ana = bench.comes_in("Ana")
    done(ana.asks.delete(f"/people/reviews/{REVIEW}/members/{ana.id}"))

    assert done(ana.asks.get("/people/me"))["roles"] == {}


def test_keys_are_listed_without_anything_that_counts_as_one(bench: PeopleBench):
    ana = bench.comes_in("Ana")

    (listed,) = done(ana.asks.get("/people/keys"))["items"]

    assert (listed["name"], listed["kind"], listed["subject"]) == ("first key", "own", ana.id)
    assert listed["used_at"] is not None
    assert "hashed" not in listed and "key" not in listed


def test_nobody_has_keys_without_end(bench: PeopleBench):
    lea = bench.comes_in("Lea", "lead")
    asks = lea.asks
    for number in range(MOST_KEYS - 1):
        done(asks.post("/people/keys", json={"name": str(number)}))

    refused(asks.post("/people/keys", json={"name": "one more"}), 409, "too_many_keys")


def test_a_key_that_is_over_is_in_nobodys_way(bench: PeopleBench):
    """As the sessions of whoever signs in to pages every day."""
    ana = bench.comes_in("Ana")
    with bench.work("rig") as work:
        for number in range(MOST_KEYS):
            work.actor = ana.id
            make_for(work, ana.id, kind="session", name="signed in", secret=f"{number:043}", days=-1)

    done(ana.asks.post("/people/keys", json={"name": "one more"}))


def test_what_holds_a_token_or_a_key_is_kept_by_nobody_on_the_way(bench: PeopleBench):
    ana = bench.comes_in("Ana")

    answers = [
        bench.exchange(ana.key),
        bench.accept(bench.link(), "Ben"),
        ana.asks.post("/people/keys", json={"name": "x"}),
    ]

    assert [answer.headers["Cache-Control"] for answer in answers] == ["no-store"] * 3


def test_the_machines_owner_makes_no_keys(bench: PeopleBench):
    refused(bench.owner().post("/people/keys", json={"name": "x"}), 403, "no_person")


def test_the_check_of_a_token_asks_no_database(bench: PeopleBench):
    """What a service does with one is a look-up in memory."""
    from sqlalchemy import event

    ana = bench.comes_in("Ana")
    token, said = ana.token(), []
    event.listen(bench.running.requests.engine, "before_cursor_execute", lambda *about: said.append(about[2]))

    person = bench.app.state.known.person(token)
    bench.app.state.withdrawn.require_standing(person)

    assert person.id == ana.id and said == []


def bench_key(someone) -> str:
    """The id of somebody's first key."""
    return f"key_{someone.key.split('_')[2]}"


def ends(bench: PeopleBench, key: str, left: timedelta) -> None:
    """Makes a key end in so long, as only time does."""
    with bench.work() as work:
        id = f"key_{key.split('_')[2]}"
        work.session.execute(update(KeyRow).where(col(KeyRow.id) == id).values(ends_at=datetime.now(UTC) + left))
