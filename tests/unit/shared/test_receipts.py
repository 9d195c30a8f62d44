"""Receipts: what proves to another service that a quote was verified, and what passes for none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import Invalid
from shared.keys.ring import Key, KeyRing
from shared.receipts import Receipt, issue_receipt, opened_receipt, salted
from shared.tokens import Person, issue_token

AT = datetime(2021, 3, 1, tzinfo=UTC)


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing([Key.fresh("tokens"), Key.fresh("revisions")])


def receipt(**about: object) -> Receipt:
    known = {
        "review": "r", "record": "rec_1", "text": "text_1", "anchor": "anchor_1", "parse_sha256": "0" * 64,
        "locator": "sec1/p2", "start": 5, "end": 15, "salt": "aa", "quote_sha256": salted("trust grew", "aa"),
        "words": 2, "closed": False, "exact": "trust grew", "made_by": "ana", "at": AT,
    }  # fmt: skip
    return Receipt.model_validate({**known, **about})


def test_what_is_signed_is_opened_by_the_same_platform(ring):
    assert opened_receipt(ring, issue_receipt(ring, receipt())) == receipt()


def test_it_is_opened_by_the_public_halves_alone_also_after_a_rotation(ring):
    signed = issue_receipt(ring, receipt())
    old = ring.keys[1].ended(AT + timedelta(days=1))
    later = KeyRing([ring.keys[0], old, Key.fresh("revisions", AT + timedelta(days=1))])

    assert opened_receipt(later, signed).anchor == "anchor_1"


def test_what_bears_an_instant_at_which_its_key_did_not_hold_is_none(ring):
    signed = issue_receipt(ring, receipt())
    ended = KeyRing([ring.keys[0], ring.keys[1].ended(AT - timedelta(days=1))])

    with pytest.raises(Invalid, match="did not hold"):
        opened_receipt(ended, signed)


def test_neither_a_token_nor_a_revision_nor_anothers_receipt_passes_for_one(ring):
    others = KeyRing([Key.fresh("tokens"), Key.fresh("revisions")])
    claims = receipt().model_dump(mode="json")
    signed = [
        issue_token(ring, Person.member("ana", "lead"), now=AT),
        ring.sign("revisions", claims, at=AT),
        ring.sign("tokens", claims, at=AT, audience="living-quote"),
        issue_receipt(others, receipt()),
        issue_receipt(ring, receipt())[:-4] + "AAAA",
        "no.receipt.atall",
        "",
    ]

    for each in signed:
        with pytest.raises(Invalid) as refused:
            opened_receipt(ring, each)
        assert refused.value.errors[0]["at"] == "receipt"


def test_a_receipt_is_no_revision_and_no_token(ring):
    signed = issue_receipt(ring, receipt())

    for purpose in ("tokens", "revisions"):
        with pytest.raises(Invalid):
            ring.check(purpose, signed)


def test_one_whose_words_are_not_those_of_its_hash_is_none(ring):
    with pytest.raises(Invalid, match="words"):
        opened_receipt(ring, issue_receipt(ring, receipt(exact="trust fell")))


def test_words_have_one_hash_however_they_are_typeset_and_another_by_each_salt():
    assert salted("eﬃcient leader-\nship", "aa") == salted(" efficient leadership", "aa")
    assert salted("trust grew", "aa") != salted("trust grew", "ab") != salted("Trust grew", "ab")
