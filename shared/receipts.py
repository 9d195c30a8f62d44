"""Receipts: what a service proves to others about a quote that it verified, so that they need not ask it.

A receipt is a compact JWS (RFC 7515) by the key that signs revisions, which goes on checking for good what it signed.
It is for an audience of its own: neither a token nor a revision's signature passes for one, nor one for them.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import Invalid
from shared.keys.ring import KeyRing
from shared.quoting import fold

_AUDIENCE: Final = "living-quote"


class Receipt(BaseModel):
    """That a copy of a record's report says a quote, at these characters of its text of that hash.

    `quote_sha256` is `salted(quote, salt)`. The words themselves (`exact`) stand in it where the copy is not `closed`,
    or where a lead lets quotes of it be shown that have so few. What somebody accepted that was proposed to them bears
    its `proposer`, with the version of that.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    review: str
    record: str
    text: str
    anchor: str
    parse_sha256: str
    locator: str
    page: int | None = None
    start: int
    end: int
    quote_sha256: str
    salt: str
    words: int
    closed: bool
    exact: str | None = None
    proposer: str | None = None
    proposer_version: str | None = None
    made_by: str
    at: datetime


def salted(quote: str, salt: str) -> str:
    """The hash by which a quote is known to whoever has its words, however they are typeset, and to nobody else."""
    return hashlib.sha256(f"{salt}\n{fold(quote).text.strip()}".encode()).hexdigest()


def issue_receipt(ring: KeyRing, receipt: Receipt) -> str:
    """Signs a receipt, by the instant that it bears. Raises Unavailable while the ring is changed."""
    with ring.unchanged():
        claims = receipt.model_dump(mode="json", exclude_none=True)
        return ring.sign("revisions", claims, at=receipt.at, audience=_AUDIENCE)


def opened_receipt(ring: KeyRing, signed: str) -> Receipt:
    """What a receipt says. Raises Invalid, at `receipt`, for what is none of this platform."""
    try:
        key, claims = ring.check("revisions", signed, audience=_AUDIENCE)
        receipt = Receipt.model_validate({name: value for name, value in claims.items() if name != "aud"})
    except (Invalid, ValidationError) as error:
        why = error.detail if isinstance(error, Invalid) else "it lacks what a receipt says"
        raise Invalid.of("receipt", f"is no receipt of a quote that was verified here ({why})") from error
    if not key.holds_at(receipt.at):
        raise Invalid.of("receipt", "the key that signed it did not hold then: anchor the quote again")
    if receipt.exact is not None and not hmac.compare_digest(salted(receipt.exact, receipt.salt), receipt.quote_sha256):
        raise Invalid.of("receipt", "its words are not those of its hash")
    return receipt
