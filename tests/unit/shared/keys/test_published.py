"""The published set says of each key what a verifier needs, and a set that is none is a sentence with its place."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.keys.published import key_set, read_keys
from shared.keys.ring import Key, KeyRing
from shared.wire.common import KeySet

AT = datetime(2026, 11, 28, 1, 2, 3, tzinfo=UTC)
RING = KeyRing([Key.fresh("revisions").ended(AT), Key.fresh("revisions", AT), Key.fresh("tokens")])


def spoiled(**parts: Any) -> bytes:
    document = key_set(RING)
    document["keys"][1] |= parts
    return json.dumps(document).encode()


def test_a_set_is_read_as_it_was_published_without_any_private_half():
    published = json.dumps(key_set(RING))
    read = read_keys(published.encode())

    assert [(key.kid, key.purpose, key.since, key.until) for key in read.keys] == [
        (key.kid, key.purpose, key.since, key.until) for key in RING.keys
    ]
    assert all(key.private is None for key in read.keys) and "PRIVATE" not in published and '"d"' not in published
    assert KeySet.model_validate_json(published).model_dump(mode="json").keys() == {"keys"}


def test_a_key_is_spelled_as_the_rfc_spells_it():
    """RFC 8037, appendix A.2."""
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    [key] = key_set(KeyRing([Key("revisions", Ed25519PublicKey.from_public_bytes(raw))]))["keys"]

    assert (key["kty"], key["crv"]) == ("OKP", "Ed25519")
    assert key["x"] == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_one_public_key_is_a_set_without_dates():
    signature = RING.sign("revisions", {"n": 1}, at=AT)
    key, claims = read_keys(RING.keys[1].public_pem.encode()).check("revisions", signature)

    assert (claims["n"], key.since, key.until) == (1, None, None)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"", "neither a public key"),
        (b"\0\0", "neither a public key"),
        (b"[" * 100_000, "neither a public key"),
        (b"[]", "no list `keys`"),
        (b'{"keys": {}}', "no list `keys`"),
        (b'{"keys": []}', "no list `keys`"),
        (b'{"keys": [1]}', "keys[0] is not"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot be read as a public key"),
        (spoiled(kty="RSA"), "keys[1] is not an Ed25519 key"),
        (spoiled(purpose="anything"), "keys[1].purpose"),
        (spoiled(x=7), "keys[1].x"),
        (spoiled(x="é"), "keys[1].x"),
        (spoiled(x=key_set(RING)["keys"][0]["x"]), "keys[1].kid"),
        (spoiled(kid=None), "keys[1].kid"),
        (spoiled(since="yesterday"), "keys[1].since"),
        (spoiled(until="2026-11-28"), "keys[1].until"),
        (spoiled(until=5), "keys[1].until"),
    ],
)
def test_what_is_no_key_set_is_a_sentence_with_its_place(content, seen):
    with pytest.raises(Invalid) as refused:
        read_keys(content)
    assert seen in refused.value.detail


@given(st.binary(max_size=200))
def test_whatever_is_given_as_a_key_is_refused(content):
    with pytest.raises(Invalid):
        read_keys(content)


def test_a_private_key_is_sent_back_to_its_owner():
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(Invalid, match="keep it to yourself"):
        read_keys(pem)


def test_a_key_of_another_kind_is_refused():
    pem = (
        generate_private_key(SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(Invalid, match="not an Ed25519 key"):
        read_keys(pem)
