"""Tampering with a frozen revision shows, whatever was touched."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesis.domain.revisions import AUDIENCE, claims_of, faults, freeze, head_of, revision_id
from shared.wire.synthesis import Counts, EvidenceMoved, RevisionContent

CONTENT = RevisionContent(
    revision=revision_id("small", 1), review="small", number=1, cycle=1, title="T", change_class="MAJOR", summary="S",
    preceding=None, fragments_sha256="f", signed_by="dora", signed_at=datetime(2020, 1, 1, 12, 30, 5, 7, tzinfo=UTC),
    drill=False, protocol_version=1, protocol_sha256="p", searched_through={"pubmed": date(2020, 1, 1)}, theories=[],
    cmocs=[], drills=[], counts=Counts(studies=1, reports=1, fragments=1, links=1),
    evidence=EvidenceMoved(added=1, withdrawn=0), changes=[], triggers=[], because=["evt_1"],
)  # fmt: skip
FROZEN, SHA = freeze(CONTENT)
CLAIMS = claims_of(CONTENT, SHA) | {"aud": AUDIENCE}


def test_a_revision_that_nobody_touched_holds():
    assert faults(FROZEN, SHA, head_of(CONTENT), CLAIMS) == []


def test_freezing_is_the_same_every_time_and_survives_reading():
    read = RevisionContent.model_validate_json(FROZEN)

    assert freeze(read) == (FROZEN, SHA)


@given(st.integers(0, len(FROZEN) - 1), st.characters(codec="ascii"))
def test_one_changed_character_of_the_content_is_found(place, character):
    spoiled = FROZEN[:place] + character + FROZEN[place + 1 :]

    assert bool(faults(spoiled, SHA, head_of(CONTENT), CLAIMS)) == (spoiled != FROZEN)


def test_a_changed_content_with_a_new_hash_is_found_by_its_signature():
    spoiled = FROZEN.replace('"summary":"S"', '"summary":"X"')

    found = faults(spoiled, hashlib.sha256(spoiled.encode()).hexdigest(), head_of(CONTENT), CLAIMS)
    assert found == ["the signature is for another content"]


@pytest.mark.parametrize(("name", "value"), [("sub", "eve"), ("number", 2), ("signed_at", "2021-01-01"), ("more", 1)])
def test_a_signature_that_says_anything_else_is_found(name, value):
    assert faults(FROZEN, SHA, head_of(CONTENT), CLAIMS | {name: value})


def test_a_listing_that_says_anything_else_is_found():
    assert faults(FROZEN, SHA, head_of(CONTENT) | {"change_class": "NONE"}, CLAIMS)


def test_a_signature_of_somebody_else_is_found():
    assert faults(FROZEN, SHA, head_of(CONTENT), None) == ["the signature is not this platform's"]
