"""Verifying: whether a revision is what was signed, told by its bytes, its signature and the keys, and by nothing else.

It asks no database, no platform and no model of today: an exported revision is verified for good, by whoever has the
public key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from services.synthesis.domain.matrix import Matrix, faults_of
from services.synthesis.domain.revisions import (
    KNOWN_SCHEMAS,
    Document,
    content_of,
    head_of,
    not_searched_of,
    parsed,
    schema_of,
)
from shared.errors import Invalid
from shared.events.synthesis import NotSearched
from shared.keys.ring import AUDIENCES, Key, KeyRing
from shared.wire.synthesis import ExportedRevision, Verified

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Signed:
    """A revision as it is kept: the exact text that was signed, its hex SHA-256, and the signature (a compact JWS)."""

    document: str
    sha256: str
    signature: str


def claims_of(document: Document, sha256: str) -> dict[str, Any]:
    """What the signer says of a document of a known schema: this revision, with this content, at this time.

    Raises KeyError, TypeError or ValueError for one that is not of its schema.
    """
    at = document["signed_at"]
    return {
        "sub": document["signed_by"],
        "review": document["review"],
        "revision": document["revision"],
        "number": document["number"],
        "content_sha256": sha256,
        "fragments_sha256": document["fragments_sha256"],
        # Schema 1 spelled UTC otherwise in the content than in the claims.
        "signed_at": datetime.fromisoformat(at).isoformat() if schema_of(document) == 1 else at,
    }


def verify(
    signed: Signed, ring: KeyRing, *, revision: str | None = None, head: Mapping[str, object] | None = None
) -> Verified:
    """What is wrong with a revision, if anything, and which key it is signed by. `revision` is the id under which it is
    kept, and `head` what the listing says of it, where there are such."""
    document = _document(signed.document)
    key, faults = _faults(signed, document, ring, head)
    said = _text(document, "revision")
    if not faults and revision not in (None, said):
        faults = ["it is another revision, put in the place of this one"]
    schema = schema_of(document) if document is not None else None
    known = document if not faults else None
    return Verified(
        revision=revision or said,
        review=_text(known, "review"),
        number=_of_kind(known, "number", int),
        signed_by=_text(known, "signed_by"),
        signed_at=_instant(known, "signed_at"),
        drill=_of_kind(known, "drill", bool),
        holds=not faults,
        faults=faults,
        document_schema=schema,
        readable=schema in KNOWN_SCHEMAS,
        kid=key.kid if key else None,
        key_since=key.since if key else None,
        key_until=key.until if key else None,
        not_searched=_not_searched(known),
    )


def verified_with(signed: Signed, ring: KeyRing, matrix: Matrix | None) -> Verified:
    """The same of a crate: the links must be those that were signed, and give each status and each number. One without
    a matrix says of itself that it has none."""
    found = verify(signed, ring)
    if not found.holds or not found.readable:
        return found
    content = content_of(signed.document)
    if matrix is None or content.matrix_sha256 is None:
        if matrix is None and content.matrix_sha256 is None:
            return found
        lacks = "its matrix is missing" if matrix is None else "it has a matrix that was not signed"
        return found.model_copy(update={"holds": False, "faults": [lacks]})
    if matrix.sha256 != content.matrix_sha256:
        return found.model_copy(update={"holds": False, "faults": ["the matrix is not the one that was signed"]})
    faults = faults_of(content, matrix.links)
    return found.model_copy(update={"holds": not faults, "faults": faults, "links": len(matrix.links)})


def read_export(content: bytes) -> Signed:
    """An exported revision's file. Raises Invalid with the field at fault. Its `public_key` is not asked: a forger
    would put their own there."""
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Invalid("it is no JSON: `living synthesis export` writes such a file") from error
    if not isinstance(given, dict):
        raise Invalid("it is no JSON object: `living synthesis export` writes such a file")
    for name in ("document", "sha256", "signature"):
        text = given.get(name)
        if not isinstance(text, str) or not _is_text(text):
            raise Invalid(f"its field {name!r} is no text: `living synthesis export` writes such a file")
    return Signed(given["document"], given["sha256"], given["signature"])


def exported(revision: str, signed: Signed, ring: KeyRing) -> ExportedRevision:
    """A revision as a file for whoever verifies it elsewhere."""
    try:
        key = ring.check("revisions", signed.signature)[0]
    except Invalid:
        key = None
    return ExportedRevision(
        revision=revision,
        document=signed.document,
        sha256=signed.sha256,
        signature=signed.signature,
        kid=key.kid if key else None,
        public_key=key.public_pem if key else None,
    )


def _faults(
    signed: Signed, document: Document | None, ring: KeyRing, head: Mapping[str, object] | None
) -> tuple[Key | None, list[str]]:
    if hashlib.sha256(signed.document.encode()).hexdigest() != signed.sha256:
        return None, ["the content is not the one that was hashed"]
    try:
        key, claims = ring.check("revisions", signed.signature)
    except Invalid as error:
        if error.slug == "unknown_key":
            return None, [f"the signature cannot be checked: {error.detail}"]
        return None, ["the signature is by none of the keys that are known"]
    if claims.get("content_sha256") != signed.sha256:
        return key, ["the signature is for another content"]
    if document is None:
        return key, ["what was signed is no JSON object"]
    return key, [*_of_parts(document, signed.sha256, claims, head), *_of_dates(key, claims)]


def _of_parts(
    document: Document, sha256: str, claims: Mapping[str, Any], head: Mapping[str, object] | None
) -> list[str]:
    """Whether signature, listing and content say the same. Of a schema that is not known, only what is in all of them
    can be held against each other."""
    if schema_of(document) not in KNOWN_SCHEMAS:
        agrees = head is None or all(document.get(name) == value for name, value in head.items())
        return [] if agrees else ["the listing says other things than the content"]
    try:
        expected = claims_of(document, sha256) | {"aud": AUDIENCES["revisions"]}
        listed = head_of(document)
    except (KeyError, TypeError, ValueError):
        return ["the content lacks what its schema asks for"]
    found = [] if head is None or listed == head else ["the listing says other things than the content"]
    if claims != expected:
        found.append("the signature says other things than the content")
    return found


def _of_dates(key: Key, claims: Mapping[str, Any]) -> list[str]:
    try:
        at = datetime.fromisoformat(claims["signed_at"])
        holds = key.holds_at(at)
    except (KeyError, TypeError, ValueError):
        return ["the signature does not say when it was made"]
    if holds:
        return []
    when = "after the key was retired" if key.until is not None and at > key.until else "before the key began"
    return [f"it was signed {when}: at {at:%Y-%m-%d %H:%M:%S} UTC by {key.kid}, which signs {key.dates()}"]


def _document(frozen: str) -> Document | None:
    try:
        return parsed(frozen)
    except Invalid:
        return None


def _text(document: Document | None, name: str) -> str | None:
    return _of_kind(document, name, str)


def _of_kind(document: Document | None, name: str, kind: type[Kind]) -> Kind | None:
    """What a document says under a name, where it is of this kind: nothing is certain of a later schema."""
    value = document.get(name) if document is not None else None
    return value if isinstance(value, kind) else None


def _instant(document: Document | None, name: str) -> datetime | None:
    try:
        return datetime.fromisoformat(_text(document, name) or "")
    except ValueError:
        return None


def _not_searched(document: Document | None) -> list[NotSearched] | None:
    try:
        return not_searched_of(document) if document is not None else None
    except ValidationError:
        return None


def _is_text(text: str) -> bool:
    """Whether it has bytes: half a surrogate pair has none."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
