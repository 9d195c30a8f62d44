"""Secrets: what a key and an invitation look like, and what is kept of them."""

from __future__ import annotations

import re
import secrets
from hashlib import sha256

from shared.keys import INVITATIONS, PERSONS

#: What a key, and what an invitation begins with, so that people, and scanners of leaked text, know one.
KEY, INVITATION = PERSONS.removesuffix("_"), INVITATIONS.removesuffix("_")

#: Bytes of a secret: nobody guesses one, so that a plain hash of it is kept (as OWASP's sheet on password storage says
#: of keys: the slow hashes are for what people think up).
_BYTES = 32

_SPELLED = re.compile(r"(living_(?:key|invitation))_([0-9a-f]{32})_([A-Za-z0-9_-]{43,100})")


def fresh() -> str:
    return secrets.token_urlsafe(_BYTES)


def hashed(secret: str) -> str:
    """What is kept of a secret: hex SHA-256."""
    return sha256(secret.encode()).hexdigest()


def is_of(kept: str, secret: str) -> bool:
    """Whether a hash is that of a secret; takes as long whatever of it is right."""
    return secrets.compare_digest(kept, hashed(secret))


def spelled(kind: str, id: str, secret: str) -> str:
    """A secret as its holder has it, with the id by which it is found."""
    return f"{kind}_{id.rpartition('_')[2]}_{secret}"


def read(kind: str, text: str, prefix: str) -> tuple[str, str] | None:
    """The id and the secret of what somebody shows; None for what is none of this kind."""
    found = _SPELLED.fullmatch(text.strip())
    return (f"{prefix}_{found[2]}", found[3]) if found and found[1] == kind else None
