"""Identifiers: readable, ordered by time, and the same again wherever they must be."""

from __future__ import annotations

import re
from datetime import datetime

import uuid_utils

#: Namespace of every name-based id of the platform (RFC 9562, version 5).
NAMESPACE = uuid_utils.UUID("6f0f4d7e-6a57-5d0e-9b1c-0a1e1c5d7a11")


def new_id(prefix: str) -> str:
    """Makes a fresh id such as `task_0198f0c2...`: the prefix and a UUID version 7, which sorts by time."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def first_id(prefix: str, at: datetime) -> str:
    """What every fresh id that was made at an instant or later sorts behind."""
    return f"{prefix}_{max(0, int(at.timestamp() * 1000)):012x}"


def id_of(prefix: str, *parts: str) -> str:
    """Derives the one id that these parts always have, so that doing a thing twice makes it once."""
    return f"{prefix}_{uuid_utils.uuid5(NAMESPACE, chr(31).join(parts)).hex}"


#: Who acts without a name of before: persons and keys by their ids, and what has a colon, such as `ingest:pull`.
_NO_NAME = re.compile(r"(person|key)_[0-9a-f]{32}|[^:]*:.*|system", re.DOTALL)


def is_old_name(actor: str) -> bool:
    """Whether an actor is a bare name, under which somebody acted before people had ids; no id, and none of the
    platform's own."""
    return bool(actor) and _NO_NAME.fullmatch(actor) is None
