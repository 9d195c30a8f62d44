"""The published key set: public halves with their dates as JWK (RFC 7517, RFC 8037), for whoever checks a revision."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.clock import parse_zoned
from shared.errors import Invalid
from shared.keys import Purpose
from shared.keys.ring import MOST, PURPOSES, Key, KeyRing, both, encoded

#: RFC 7517, section 8.5.2.
MEDIA_TYPE = "application/jwk-set+json"


def key_set(ring: KeyRing) -> dict[str, list[dict[str, str | None]]]:
    """Every key of a ring, the retired too. `purpose`, `since`, `until` and `pem` are members of our own."""
    return {"keys": [_jwk(key) for key in ring.keys]}


def read_keys(content: bytes) -> KeyRing:
    """The ring of a published key set, or of one public key in PEM form, which is taken for any purpose and time.

    Raises Invalid with the place at fault.
    """
    if content.lstrip().startswith(b"-----BEGIN"):
        return KeyRing(both(_of_pem(content)))
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Invalid("it is neither a public key in PEM form nor a key set in JSON") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= MOST:
        raise Invalid(f"it has no list `keys` of 1 to {MOST} keys")
    return KeyRing(_of_jwk(key, f"keys[{number}]") for number, key in enumerate(keys))


def _jwk(key: Key) -> dict[str, str | None]:
    raw = key.public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": encoded(raw).decode(),
        "use": "sig",
        "alg": "EdDSA",
        "kid": key.kid,
        "purpose": key.purpose,
        "since": key.since.isoformat() if key.since else None,
        "until": key.until.isoformat() if key.until else None,
        "pem": key.public_pem,
    }


def _of_pem(content: bytes) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(content)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        private = b"PRIVATE KEY" in content[:100]
        why = "it is a private key: keep it to yourself, and give the public one" if private else "no PEM of one key"
        raise Invalid(f"it cannot be read as a public key: {why}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Invalid("it is not an Ed25519 key")
    return key


def _of_jwk(given: object, at: str) -> Key:
    if not isinstance(given, dict) or given.get("kty") != "OKP" or given.get("crv") != "Ed25519":
        raise Invalid(f"{at} is not an Ed25519 key")
    x, purpose = given.get("x"), given.get("purpose")
    if purpose not in PURPOSES:
        raise Invalid(f"{at}.purpose is none of {', '.join(PURPOSES)}")
    try:
        # 32 bytes, whose padding JOSE leaves out.
        raw = base64.b64decode(f"{x}=", altchars=b"-_", validate=True) if isinstance(x, str) else b""
        public = Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise Invalid(f"{at}.x is not the public half of an Ed25519 key") from error
    key = Key(cast(Purpose, purpose), public, None, _instant(given, "since", at), _instant(given, "until", at))
    if given.get("kid") != key.kid:
        raise Invalid(f"{at}.kid is not that of its key ({key.kid})")
    return key


def _instant(given: Mapping[str, object], name: str, at: str) -> datetime | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        if isinstance(text, str):
            return parse_zoned(text)
    except ValueError:
        pass
    raise Invalid(f"{at}.{name} is no instant with its zone")
