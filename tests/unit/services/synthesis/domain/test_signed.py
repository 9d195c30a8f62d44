"""Revisions that were signed once verify for good: some of each form lie in `signed`, as their release kept them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.synthesis.domain.revisions import content_of, document_of, head_of
from services.synthesis.domain.verifying import Signed, verify
from shared.keys.published import read_keys
from shared.keys.ring import KeyRing
from shared.wire.synthesis import RevisionContent

FOLDER = Path(__file__).parent.parent / "signed"
KEPT = sorted(FOLDER.glob("schema-*-revision-*.json"))
KEYS = KeyRing(key for path in sorted(FOLDER.glob("schema-*-key.pem")) for key in read_keys(path.read_bytes()).keys)
ANOTHER = read_keys(
    Ed25519PrivateKey.generate()
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)


def verified(row: dict[str, Any], keys: KeyRing = KEYS) -> list[str]:
    signed = Signed(row["content"], row["content_sha256"], row["signature"])
    return verify(signed, keys, revision=row["head"]["revision"], head=row["head"]).faults


@pytest.fixture(params=KEPT, ids=lambda path: path.stem)
def row(request) -> dict[str, Any]:
    return json.loads(request.param.read_text())


def test_what_a_release_signed_verifies(row):
    assert verified(row) == []


def test_another_content_shows(row):
    assert verified(row | {"content": row["content"].replace("revision", "Revision", 1)})


def test_another_listing_shows(row):
    assert verified(row | {"head": row["head"] | {"signed_by": "mallory"}})


def test_a_listing_that_lacks_something_shows(row):
    assert verified(row | {"head": {name: seen for name, seen in row["head"].items() if name != "drill"}})


def test_another_signature_shows(row):
    head, claims, seal = row["signature"].split(".")
    assert verified(row | {"signature": f"{head}.{claims}.{'A' * len(seal)}"})


def test_the_signature_of_another_revision_shows(row):
    others = [json.loads(path.read_text()) for path in KEPT]
    other = next(it for it in others if it["signature"] != row["signature"])
    assert verified(row | {"signature": other["signature"]})


def test_another_key_shows(row):
    assert verified(row, ANOTHER)


def test_it_is_read_for_people_as_it_was_signed(row):
    document, content = json.loads(row["content"]), content_of(row["content"])
    said = json.loads(row["content"].replace("+00:00", "Z"))  # As the wire spells UTC; schema 1 spelled it so too.

    assert content.model_dump(mode="json") == {name: seen for name, seen in said.items() if name != "schema"}
    assert set(document_of(content)) == {*document, "schema"}
    assert not any(cmoc.reasons for cmoc in content.cmocs)


def test_a_field_that_the_wires_forms_come_to_hold_changes_nothing(row, monkeypatch):
    class Later(RevisionContent):
        reviewed_by: str | None = None

    monkeypatch.setattr("services.synthesis.domain.revisions.RevisionContent", Later)
    assert content_of(row["content"]).reviewed_by is None
    assert verified(row) == []
    assert head_of(json.loads(row["content"])) == row["head"]
