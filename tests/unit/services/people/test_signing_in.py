"""Signing in to pages: a password that is slow to guess, and a session that is a key of some hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.people.commands import sign_in
from services.people.jobs import old_failures
from tests.unit.services.people.rig import PeopleBench, done, refused

PASSWORD = "correct horse battery"


@pytest.fixture
def ana(bench: PeopleBench):
    someone = bench.comes_in("Ana")
    done(someone.asks.put("/people/me/password", json={"sign_in_as": "Ana.Ruiz", "password": PASSWORD}))
    return someone


def signs_in(bench: PeopleBench, name: str = "Ana.Ruiz", password: str = PASSWORD):
    return bench.anybody().post("/people/sessions", json={"sign_in_as": name, "password": password})


def test_whoever_signs_in_has_a_key_of_twelve_hours(bench: PeopleBench, ana):
    session = done(signs_in(bench))

    left = datetime.fromisoformat(session["ends_at"]) - datetime.now(UTC)
    assert timedelta(hours=11) < left <= timedelta(hours=12)
    assert done(bench.with_token(bench.token(session["key"])).get("/people/me"))["person"] == ana.id


def test_whoever_signs_out_has_none(bench: PeopleBench, ana):
    session = done(signs_in(bench))
    asks = bench.with_token(bench.token(session["key"]))

    done(asks.delete(f"/people/keys/{session['id']}"))

    refused(bench.exchange(session["key"]), 401, "bad_key")


def test_a_wrong_password_and_a_name_that_nobody_has_are_refused_alike(bench: PeopleBench, ana):
    wrong, unknown = signs_in(bench, password="wrong"), signs_in(bench, name="nobody")

    assert refused(wrong, 401, "bad_password")["detail"] == refused(unknown, 401, "bad_password")["detail"]


def test_after_some_wrong_passwords_the_right_one_has_to_wait_too(bench: PeopleBench, ana, monkeypatch):
    for _ in range(sign_in._FREE):
        refused(signs_in(bench, password="wrong"), 401, "bad_password")

    answer = signs_in(bench)

    refused(answer, 429, "too_many")
    assert answer.headers["Retry-After"]
    later = datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setattr(sign_in, "machine_now", lambda: later)
    done(signs_in(bench))


def test_a_name_that_nobody_has_has_to_wait_as_one_that_somebody_has(bench: PeopleBench, ana):
    known, unknown = ([signs_in(bench, name, "wrong").status_code for _ in range(7)] for name in ("Ana.Ruiz", "nobody"))

    assert known == unknown and known[-1] == 429


def test_failures_are_forgotten_after_their_days(bench: PeopleBench, ana):
    signs_in(bench, "nobody", "wrong")
    with bench.work() as work:
        assert old_failures(work, datetime.now(UTC) - timedelta(days=1), 10) == 0
        assert old_failures(work, datetime.now(UTC) + timedelta(days=1), 10) == 1


@pytest.mark.parametrize("name", ["ana.ruiz", "ANA.RUIZ ", "Ana.Ruíz"])
def test_a_name_to_sign_in_by_looks_like_nobody_elses(bench: PeopleBench, ana, name):
    ben = bench.comes_in("Ben")

    answer = ben.asks.put("/people/me/password", json={"sign_in_as": name, "password": PASSWORD})

    refused(answer, 409, "looks_alike", at="sign_in_as")


def test_a_password_that_is_easily_guessed_for_its_length_is_refused(bench: PeopleBench):
    ben = bench.comes_in("Ben")

    answer = ben.asks.put("/people/me/password", json={"sign_in_as": "ben", "password": "short"})

    assert answer.status_code == 422 and answer.json()["errors"][0]["at"] == "body.password"


def test_nothing_that_was_said_of_a_password_is_kept_but_its_hash(bench: PeopleBench, ana):
    with bench.running.database.session(readonly=True) as session:
        (kept,) = session.connection().exec_driver_sql("SELECT hashed FROM sign_ins").fetchone()

    assert kept.startswith("$argon2id$") and PASSWORD not in kept
