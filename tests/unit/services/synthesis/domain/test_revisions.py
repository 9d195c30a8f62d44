"""Tampering with a frozen revision shows, whatever was touched."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from services.synthesis.domain.revisions import content_of, document_of, freeze, head_of, revision_id
from services.synthesis.domain.verifying import Signed, claims_of, read_export, verify
from shared.canonical import canonical_json
from shared.errors import Invalid
from shared.keys.ring import KeyRing
from shared.wire.synthesis import Counts, EvidenceMoved, RevisionContent
from tests.keys import ring_of

CONTENT = RevisionContent(
    revision=revision_id("small", 1), review="small", number=1, cycle=1, title="T", change_class="MAJOR", summary="S",
    preceding=None, fragments_sha256="f", signed_by="dora", signed_at=datetime(2020, 1, 1, 12, 30, 5, 7, tzinfo=UTC),
    drill=False, protocol_version=1, protocol_sha256="p", searched_through={"pubmed": date(2020, 1, 1)}, theories=[],
    cmocs=[], drills=[], counts=Counts(studies=1, reports=1, fragments=1, links=1),
    evidence=EvidenceMoved(added=1, withdrawn=0), changes=[], triggers=[], because=["evt_1"],
)  # fmt: skip
FROZEN, SHA = freeze(CONTENT)
DOCUMENT = document_of(CONTENT)
HEAD = head_of(DOCUMENT)
RING = ring_of(Ed25519PrivateKey.generate())


def signature(**claims: Any) -> str:
    return RING.sign("revisions", claims_of(DOCUMENT, SHA) | claims, at=CONTENT.signed_at)


SIGNATURE = signature()


def faults(frozen: str = FROZEN, sha256: str = SHA, seal: str = SIGNATURE, *, ring: KeyRing = RING, **about: Any):
    return verify(Signed(frozen, sha256, seal), ring, **{"head": HEAD} | about).faults


def test_a_revision_that_nobody_touched_holds():
    assert faults() == []


def test_freezing_is_the_same_every_time_and_survives_reading():
    assert freeze(content_of(FROZEN)) == (FROZEN, SHA)
    assert content_of(FROZEN) == CONTENT


@given(st.integers(0, len(FROZEN) - 1), st.characters(codec="ascii"))
def test_one_changed_character_of_the_content_is_found(position, character):
    spoiled = FROZEN[:position] + character + FROZEN[position + 1 :]

    assert bool(faults(spoiled)) == (spoiled != FROZEN)


def test_a_changed_content_with_a_new_hash_is_found_by_its_signature():
    spoiled = FROZEN.replace('"summary":"S"', '"summary":"X"')

    found = faults(spoiled, hashlib.sha256(spoiled.encode()).hexdigest())
    assert found == ["the signature is for another content"]


@pytest.mark.parametrize(("name", "value"), [("sub", "eve"), ("number", 2), ("signed_at", "2021-01-01"), ("more", 1)])
def test_a_signature_that_says_anything_else_is_found(name, value):
    assert "the signature says other things than the content" in faults(seal=signature(**{name: value}))


def test_a_listing_that_says_anything_else_is_found():
    assert faults(head=HEAD | {"change_class": "NONE"}) == ["the listing says other things than the content"]


def test_a_signature_of_somebody_else_is_found():
    other = ring_of(Ed25519PrivateKey.generate())
    [fault] = faults(ring=other)
    assert fault.startswith("the signature cannot be checked: it names the key")


def test_a_signature_of_somebody_else_who_names_our_key_is_found():
    head, claims, _ = SIGNATURE.split(".")
    seal = ring_of(Ed25519PrivateKey.generate()).sign("revisions", {}, at=CONTENT.signed_at).split(".")[2]
    assert faults(seal=f"{head}.{claims}.{seal}") == ["the signature is by none of the keys that are known"]


def test_a_revision_signed_outside_of_its_keys_dates_is_found():
    at, day = CONTENT.signed_at, timedelta(days=1)

    def with_key(since: datetime | None, until: datetime | None) -> list[str]:
        return faults(ring=KeyRing([replace(key, since=since, until=until) for key in RING.keys]))

    assert with_key(at, at) == []
    assert "after the key was retired" in with_key(None, at - day)[0]
    assert "before the key began" in with_key(at + day, None)[0]
    [fault] = with_key(None, at - timedelta(seconds=2))
    assert "at 2020-01-01 12:30:05 UTC by" in fault and "until 2020-01-01 12:30:03 UTC" in fault


def test_a_document_of_a_schema_to_come_is_held_against_its_hash_its_signature_and_its_listing():
    document = {**DOCUMENT, "schema": 9, "cmocs": {"told": "otherwise"}}
    frozen = canonical_json(document).decode()
    sha = hashlib.sha256(frozen.encode()).hexdigest()
    seal = RING.sign("revisions", {"content_sha256": sha, "signed_at": document["signed_at"]}, at=CONTENT.signed_at)

    assert faults(frozen, sha, seal) == []
    assert not verify(Signed(frozen, sha, seal), RING).readable
    assert faults(frozen.replace("otherwise", "elsewise"), sha, seal)
    assert faults(frozen, sha, seal, head=HEAD | {"title": "X"}) == ["the listing says other things than the content"]


def test_what_the_wires_forms_come_to_hold_changes_no_document():
    class Later(RevisionContent):
        reviewed_by: str | None = None

    later = Later(**CONTENT.model_dump(), reviewed_by="carol")
    assert freeze(later) == (FROZEN, SHA)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no JSON", b"[" * 100_000, b"\0" * 10, b"[]", b'{"document": 1}', b'{"document": "", "sha256": null}',
        b'{"document": "\\ud800", "sha256": "", "signature": ""}', b"\xff\xfe",
    ],
)  # fmt: skip
def test_a_file_that_is_no_exported_revision_is_a_sentence(content):
    with pytest.raises(Invalid, match=r"^it is no JSON|^its field '\w+' is no text"):
        read_export(content)


@pytest.mark.parametrize("document", ["[]", "1", "no JSON", "[" * 100_000, "{}", '{"signed_at": 1}'])
def test_a_signed_text_that_is_no_document_is_a_fault(document):
    sha = hashlib.sha256(document.encode()).hexdigest()
    seal = RING.sign("revisions", {"content_sha256": sha}, at=CONTENT.signed_at)
    assert verify(Signed(document, sha, seal), RING).faults


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_whatever_stands_for_a_signature_is_a_fault(text):
    assert faults(seal=text)
