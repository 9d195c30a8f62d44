"""No open route: every request has a person, every person a role, every role its reviews."""

from __future__ import annotations

import asyncio
import base64
import time
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from shared.http import auth
from shared.http.auth import Known
from shared.keys.file import open_ring
from shared.settings import Settings
from shared.tokens import ROLES, Person, issue_token, opened
from tests.keys import read_token, ring_of
from tests.toy import TOY

KEY = ring_of(Ed25519PrivateKey.generate())
HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_token_names_its_person_and_their_role_in_each_review():
    token = issue_token(KEY, Person.member("ana", "reviewer", ("ics", "other")), now=now(), valid_for=HOUR)

    assert read_token(KEY, token) == Person.member("ana", "reviewer", ("ics", "other"))


@pytest.mark.parametrize("person", [
    Person.member("ana", "king"), Person.member("ana", "reader", scopes=frozenset({"everything"})),
    Person.member("ana", "reader", (f"review-{number}" for number in range(1000))),
])  # fmt: skip
def test_a_token_for_no_role_no_scope_or_more_reviews_than_it_holds_is_not_made(person):
    with pytest.raises(Invalid):
        issue_token(KEY, person, now=now())


def test_a_token_that_is_made_without_a_word_counts_for_five_minutes():
    made = opened(KEY, issue_token(KEY, Person.member("ana", "reader"), now=now()))

    assert 298 < made[1] - now().timestamp() <= 300


def test_a_token_that_a_clock_ahead_of_ours_made_is_refused_in_words_about_clocks():
    token = issue_token(KEY, Person.member("ana", "reader"), now=now() + timedelta(minutes=5))

    with pytest.raises(Unauthenticated, match="clock") as refused:
        read_token(KEY, token)
    assert refused.value.slug == "clocks_differ"


def test_an_expired_token_is_refused():
    token = issue_token(KEY, Person.member("ana", "reader", ()), now=now() - 2 * HOUR, valid_for=HOUR)

    with pytest.raises(Unauthenticated):
        read_token(KEY, token)


def test_a_token_of_another_key_or_for_another_purpose_is_refused():
    person = Person.member("ana", "admin", ("*",))
    foreign = issue_token(ring_of(Ed25519PrivateKey.generate()), person, now=now(), valid_for=HOUR)
    seal = KEY.sign("revisions", {"sub": "ana", "role": "admin", "reviews": ["*"]}, at=now())

    for token in (foreign, seal):
        with pytest.raises(Unauthenticated):
            read_token(KEY, token)


def test_a_token_that_signs_itself_with_no_algorithm_is_refused():
    claims = {"sub": "ana", "role": "admin", "reviews": ["*"], "aud": "living-api"}

    with pytest.raises(Unauthenticated):
        read_token(KEY, jwt.encode(claims, key=None, algorithm="none"))


@given(st.text(max_size=300))
def test_whatever_is_sent_as_a_token_is_refused_and_nothing_else_happens(text):
    with pytest.raises(Unauthenticated):
        read_token(KEY, text)


def test_each_role_may_do_what_those_before_it_may():
    for position, role in enumerate(ROLES):
        person = Person.member("ana", role)
        assert [person.has(other) for other in ROLES] == [other <= position for other in range(len(ROLES))]


def test_all_who_read_public_reviews_without_being_known_share_one_turn_and_have_nothing_of_their_own():
    readers = [Person.anybody(review) for review in ("one", "two")]

    assert {reader.asker for reader in readers} == {"public"} and Person.member("ana", "reader").asker == "ana"
    assert not any(reader.has("reader") or reader.works_on("three") for reader in readers)
    for reader in readers:
        with pytest.raises(Forbidden):
            reader.require_known()


@pytest.fixture
def bench(workbench):
    return workbench(TOY)


def test_without_a_token_nothing_is_answered_but_who_to_ask(bench):
    answer = bench.anybody().get("/toy/reviews/r/notes")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "POST /people/token" in answer.json()["detail"]


def test_a_role_is_that_in_the_review_that_is_asked_about(bench):
    ana = Person("ana", {"mine": "admin", "theirs": "reader"})

    assert [ana.asking_about(review).role for review in ("mine", "theirs", "other")] == ["admin", "reader", None]
    assert Person("eve", {"*": "reviewer", "mine": "lead"}).asking_about("other").role == "reviewer"


def test_a_key_that_is_for_something_is_for_nothing_else(bench):
    token = issue_token(
        bench.platform.ring, Person.member("ana", "admin", scopes=frozenset({"events"})), now=now()
    )  # fmt: skip
    client = bench.anybody()

    answers = [
        client.request(method, "/toy/reviews/r/notes", headers={"Authorization": f"Bearer {token}"})
        for method in ("GET", "POST")
    ]

    assert [(answer.status_code, answer.json()["title"]) for answer in answers] == [(403, "scope needed")] * 2


@pytest.mark.waits
def test_what_was_withdrawn_is_refused_and_nothing_is_changed_where_that_is_not_known(bench):
    ana, ben = bench.person("ana", "lead"), bench.person("ben", "lead")
    bench.app.state.withdrawn.add("ana", 1)

    refused = ana.get("/toy/reviews/r/notes")
    assert (refused.status_code, refused.json()["title"]) == (401, "withdrawn")

    bench.app.state.withdrawn.know_all(time.monotonic() - 61)
    assert ben.get("/toy/reviews/r/notes").status_code == 200
    answer = ben.post("/toy/reviews/r/notes")
    assert (answer.status_code, answer.json()["title"]) == (503, "withdrawals unknown")


def test_a_key_that_is_withdrawn_while_its_request_comes_does_nothing(bench):
    ana = bench.person("ana", "lead")

    async def body():
        yield b"{"
        bench.app.state.withdrawn.add("ana", 1)
        yield b"}"

    async def ask():
        transport = httpx.ASGITransport(bench.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://toy", headers=ana.headers) as client:
            return await client.post("/toy/reviews/r/notes", content=body())

    answer = asyncio.run(ask())

    assert (answer.status_code, answer.json()["title"]) == (401, "withdrawn")
    assert bench.person("ben").get("/toy/reviews/r/notes").json() == []


def test_the_body_of_somebody_we_do_not_know_is_not_read(bench):
    answer = bench.anybody().post("/toy/reviews/r/notes", content=b"x" * 1000)

    assert (answer.status_code, answer.json()["title"]) == (401, "unauthenticated")


def test_a_token_is_checked_once_and_forgotten_when_it_expires(monkeypatch):
    known, checked = Known(KEY, limit=2), []
    monkeypatch.setattr(auth, "opened", lambda ring, token: checked.append(token) or opened(ring, token))
    first, *others = [
        issue_token(KEY, Person.member(name, "reader", ()), now=now(), valid_for=HOUR)
        for name in ("ana", "ben", "cleo")
    ]

    assert [known.person(first).id for _ in range(3)] == ["ana"] * 3
    assert checked == [first]
    for token in others:  # Only so many are kept.
        known.person(token)
    known.person(first)
    assert checked == [first, *others, first]

    monkeypatch.setattr(auth.time, "time", lambda: now().timestamp() + 7200)
    monkeypatch.setattr(jwt.api_jwt, "datetime", _Later)
    with pytest.raises(Unauthenticated):
        known.person(first)


class _Later(datetime):
    """The time two hours from now."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + 2 * HOUR


def test_a_reader_reads_and_does_not_write(bench):
    reader = bench.person(role="reader")

    assert reader.get("/toy/reviews/r/notes").status_code == 200
    refused = reader.post("/toy/reviews/r/notes")
    assert (refused.status_code, refused.json()["title"]) == (403, "role needed")


def test_a_token_holds_for_its_own_reviews_only(bench):
    ana = bench.person(reviews=("mine",))

    assert ana.get("/toy/reviews/mine/notes").status_code == 200
    assert ana.get("/toy/reviews/other/notes").status_code == 403
    assert ana.post("/toy/reviews/other/notes").status_code == 403


def test_a_feed_reader_may_send_its_token_as_a_basic_password(bench):
    token = bench.person().headers["authorization"].removeprefix("Bearer ")
    basic = base64.b64encode(f"feed:{token}".encode()).decode()

    assert bench.anybody().get("/toy/reviews/r/notes", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    for broken in ("Basic !!!", b"Basic \xe9", "Basic " + base64.b64encode(b"\xff").decode(), "Basic", "Digest x"):
        assert bench.anybody().get("/toy/reviews/r/notes", headers={"Authorization": broken}).status_code == 401


def test_readiness_tells_an_admin_the_reason_and_others_only_the_name(bench):
    bench.running.relay.worker.trouble = "the broker at 10.0.0.1 is down"

    assert "10.0.0.1" not in bench.anybody().get("/readyz").text
    assert "10.0.0.1" in bench.person(role="admin").get("/readyz").text
    assert "10.0.0.1" not in bench.person(role="admin", reviews=("mine",)).get("/readyz").text
    assert bench.anybody().get("/readyz").status_code == 503


def test_numbers_are_of_all_reviews_and_for_those_who_may_know_of_all(bench):
    refused = bench.person(role="admin", reviews=("mine",)).get("/metrics")

    assert (refused.status_code, refused.json()["title"]) == (403, "other review")
    assert bench.person(role="reader").get("/metrics").status_code == 200


def test_the_signing_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    settings = Settings(data_dir=tmp_path, _env_file=None)
    token = issue_token(open_ring(settings), Person.member("ana", "reader", ()), now=now(), valid_for=HOUR)

    assert read_token(open_ring(settings), token).id == "ana"
    assert (tmp_path / "signing-key.pem").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [None, "not a key"])
def test_a_key_that_cannot_be_read_is_a_clear_error(tmp_path, content):
    if content is not None:
        (tmp_path / "key.pem").write_text(content)
    settings = Settings(signing_key=tmp_path / "key.pem", make_signing_key=False, _env_file=None)

    with pytest.raises(Unavailable, match="LIVING_SIGNING_KEY"):
        open_ring(settings)
