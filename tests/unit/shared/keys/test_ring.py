"""The ring: each key for one purpose and in its time, known by its fingerprint, and no slave of the clock."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import Invalid, Unauthenticated, Unavailable
from shared.http.auth import Known
from shared.keys.ring import PURPOSES, Key, KeyRing, named_key
from shared.tokens import Person, issue_token
from tests.keys import read_token, ring_of

ANA = Person.member("ana", "reviewer", ("r",))
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _at_this_time(monkeypatch):
    """Since all other tests may take longer than a token lasts."""
    monkeypatch.setattr(f"{__name__}.NOW", datetime.now(UTC))


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing([Key.fresh(purpose) for purpose in PURPOSES])


def rotated(ring: KeyRing, purpose: str, until: datetime | None = None) -> KeyRing:
    kept = [key.ended(until) if key.purpose == purpose else key for key in ring.keys]
    return KeyRing([*kept, Key.fresh(purpose, NOW)])


def test_the_fingerprint_is_that_of_the_public_key_and_the_id_its_beginning(ring):
    key = ring.keys[0]
    public = serialization.load_pem_public_key(key.public_pem.encode())
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert key.fingerprint == f"SHA256:{sha256(der).hexdigest()}"
    assert key.kid == sha256(der).hexdigest()[:16]


def test_a_clock_that_was_set_back_a_day_shuts_out_a_token_of_before_and_nobody_who_asks_for_another(ring):
    with pytest.raises(Unauthenticated, match="clock"):
        read_token(ring, issue_token(ring, ANA, now=NOW + DAY, valid_for=HOUR))

    assert read_token(ring, issue_token(ring, ANA, now=NOW, valid_for=HOUR)) == ANA


def test_a_token_whose_time_is_over_opens_nothing(ring):
    with pytest.raises(Unauthenticated):
        read_token(ring, issue_token(ring, ANA, now=NOW - DAY, valid_for=HOUR))


def test_a_token_names_its_key(ring):
    assert named_key(issue_token(ring, ANA, now=NOW, valid_for=HOUR)) == ring.keys[0].kid


def test_a_token_that_names_no_key_is_looked_for_among_all_keys_that_tokens_were_ever_signed_by(ring):
    claims = {
        "sub": "ana", "roles": {"r": "reviewer"}, "number": 0, "iat": NOW, "exp": NOW + HOUR, "aud": "living-api",
    }  # fmt: skip
    old = Ed25519PrivateKey.generate()
    token = jwt.encode(claims, old, "EdDSA")

    assert named_key(token) is None
    assert read_token(ring_of(old), token) == ANA
    assert read_token(KeyRing([*ring_of(old).keys, *ring.keys]), token) == ANA
    with pytest.raises(Unauthenticated):
        read_token(ring, token)


def test_a_token_of_a_release_before_opens_nothing_and_says_what_does(ring):
    claims = {"sub": "ana", "role": "reviewer", "reviews": ["r"], "exp": NOW + HOUR, "aud": "living-api"}
    old = Ed25519PrivateKey.generate()

    with pytest.raises(Unauthenticated, match="exchange your key"):
        read_token(ring_of(old), jwt.encode(claims, old, "EdDSA"))


def test_a_key_that_another_thread_took_up_meanwhile_is_found(ring):
    class TakenUp(KeyRing):
        def look_again(self):
            self.keys = ring.keys
            return False

    assert read_token(TakenUp(rotated(ring, "tokens").keys[:0]), issue_token(ring, ANA, now=NOW, valid_for=HOUR)) == ANA


def test_tokens_of_a_key_before_hold_until_they_end_or_their_key_does(ring):
    token = issue_token(ring, ANA, now=NOW, valid_for=HOUR)

    assert read_token(rotated(ring, "tokens"), token) == ANA
    assert read_token(rotated(ring, "tokens", NOW + HOUR), token) == ANA
    with pytest.raises(Unauthenticated, match="is retired"):
        read_token(rotated(ring, "tokens", NOW - HOUR), token)


def test_a_person_who_was_known_is_asked_anew_when_the_ring_was_changed(ring):
    known, token = Known(ring), issue_token(ring, ANA, now=NOW, valid_for=HOUR)
    assert known.person(token) == ANA

    ring.keys = rotated(ring, "tokens", NOW - HOUR).keys
    with pytest.raises(Unauthenticated):
        known.person(token)


def test_a_person_is_known_no_longer_than_the_key_counts(ring, monkeypatch):
    ring.keys = rotated(ring, "tokens", NOW + HOUR).keys
    old = replace(ring.keys[0], private=Ed25519PrivateKey.generate())
    old = replace(old, public=old.private.public_key())
    ring.keys = (old, *ring.keys[1:])
    token = issue_token(KeyRing([old]), ANA, now=NOW, valid_for=DAY)
    known = Known(ring)
    assert known.person(token) == ANA

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + 2 * HOUR

    monkeypatch.setattr("shared.http.auth.time.time", lambda: (NOW + 2 * HOUR).timestamp())
    monkeypatch.setattr("shared.tokens.datetime", Later)
    with pytest.raises(Unauthenticated, match="is retired"):
        known.person(token)


def test_the_newest_key_signs_and_each_checks_what_it_signed(ring):
    after = rotated(ring, "revisions", NOW)
    first = ring.sign("revisions", {"n": 1}, at=NOW - HOUR)
    second = after.sign("revisions", {"n": 2}, at=NOW + HOUR)

    assert [after.check("revisions", it)[1]["n"] for it in (first, second)] == [1, 2]
    assert [after.check("revisions", it)[0].kid for it in (first, second)] == [ring.keys[1].kid, after.keys[-1].kid]
    with pytest.raises(Invalid, match="which is none of those for revisions that are known here"):
        ring.check("revisions", second)


def test_a_key_signs_for_its_purpose_alone(ring):
    with pytest.raises(Invalid):
        ring.check("tokens", ring.sign("revisions", {}, at=NOW))


def test_a_signature_that_names_another_key_than_made_it_is_none(ring):
    after = rotated(ring, "revisions", NOW)
    _, claims, seal = ring.sign("revisions", {"n": 1}, at=NOW).split(".")
    head = after.sign("revisions", {"n": 1}, at=NOW).split(".")[0]

    with pytest.raises(Invalid) as refused:
        after.check("revisions", f"{head}.{claims}.{seal}")
    assert refused.value.slug == "bad_signature"


def test_where_no_key_may_sign_it_says_which_there_are(ring):
    after = rotated(ring, "revisions", NOW)

    with pytest.raises(Unavailable, match=rf"{after.keys[-1].kid} since .*living key rotate --for revisions"):
        after.sign("revisions", {}, at=NOW - DAY)


@pytest.mark.parametrize("head", ["[" * 5_000, '{"alg": "EdDSA", "kid": 1}', '{"alg": "none"}', "{", "\ud800"])
def test_a_head_that_is_none_is_refused(ring, head):
    made = base64.urlsafe_b64encode(head.encode(errors="surrogatepass")).decode().rstrip("=")

    for token in (f"{made}.e30.AA", head):
        with pytest.raises(Invalid):
            ring.check("tokens", token)
        assert named_key(token) is None
