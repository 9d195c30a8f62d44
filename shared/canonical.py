"""Canonical JSON: the one spelling of a value that is hashed and signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson
import rfc8785

from shared.errors import Invalid


def canonical_json(value: object) -> bytes:
    """A JSON value as the JSON Canonicalization Scheme spells it (RFC 8785), in UTF-8.

    Raises Invalid for what it has no spelling for: a whole number beyond 2^53, NaN, half a surrogate pair.

    Earlier releases sorted by code point and spelled 1.0 as `1.0`, 1e-7 as `1e-7`: other bytes for fractions, and for
    objects with keys beyond the Basic Multilingual Plane. What those releases signed keeps its bytes, and what they
    hashed anew - protocols, sets of links, ids of fragments and drafts, bodies of commands - has no fractions, and such
    keys only where a vote names a field so that the protocol cannot have declared.
    """
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # It refuses what is no JSON value.
    except rfc8785.CanonicalizationError as error:
        raise Invalid(f"this has no canonical JSON: {error}", slug="no_canonical_json") from error


def sha256(value: object) -> str:
    """Hex SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def sha256_of_texts(rows: Sequence[Sequence[str]]) -> str:
    """The same for rows of texts, of which there may be a hundred thousand: nothing in them has more than one spelling
    but what a JSON writer escapes, and orjson escapes as RFC 8785 does, ten times faster. Raises TypeError for half a
    surrogate pair."""
    return hashlib.sha256(orjson.dumps(rows)).hexdigest()
