"""Revisions: how one is frozen, what its signature claims, and how tampering shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from shared.canonical import canonical_json
from shared.ids import id_of
from shared.wire.synthesis import RevisionContent, RevisionHead

#: What a revision's signature is for; no other signature of the platform passes for one.
AUDIENCE = "living-revision"


def revision_id(review: str, number: int) -> str:
    """The id of a review's n-th revision, known before it is published: its whole cycle is one flow."""
    return id_of("rev", review, str(number))


def freeze(content: RevisionContent) -> tuple[str, str]:
    """The content as canonical JSON, and its hex SHA-256."""
    frozen = canonical_json(content.model_dump(mode="json"))
    return frozen.decode(), hashlib.sha256(frozen).hexdigest()


def claims_of(content: RevisionContent, content_sha256: str) -> dict[str, Any]:
    """What the signer says: this revision, with this content, at this time."""
    return {
        "sub": content.signed_by,
        "review": content.review,
        "revision": content.revision,
        "number": content.number,
        "content_sha256": content_sha256,
        "fragments_sha256": content.fragments_sha256,
        "signed_at": content.signed_at.isoformat(),
    }


def faults(frozen: str, content_sha256: str, head: Mapping[str, Any], claims: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with a stored revision; empty while it is what was signed.

    `claims` are those of its signature, or None when the signature does not hold.
    """
    if hashlib.sha256(frozen.encode()).hexdigest() != content_sha256:
        return ["the content is not the one that was hashed"]
    if claims is None:
        return ["the signature is not this platform's"]
    if claims.get("content_sha256") != content_sha256:
        return ["the signature is for another content"]
    content = RevisionContent.model_validate_json(frozen)
    found = [] if head_of(content) == head else ["the listing says other things than the content"]
    if dict(claims) != claims_of(content, content_sha256) | {"aud": AUDIENCE}:
        found.append("the signature says other things than the content")
    return found


def head_of(content: RevisionContent) -> dict[str, Any]:
    """The part of a content that listings show, as it is stored."""
    return RevisionHead(**content.model_dump()).model_dump(mode="json")
