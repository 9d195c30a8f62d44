"""The protocol's dates: which records a rule keeps out before anyone looks."""

from __future__ import annotations

from dataclasses import dataclass

from shared.events.protocol import Protocol
from shared.events.values import earliest_day, latest_day

#: The number of how they are applied: one more where a date comes out otherwise than before.
RULES = 1

#: The rules by which a protocol's dates keep a record out.
DATE_RULES = ("published_after", "published_until")

#: The rule that is told of a record which lives on in another.
MERGED_RULE = "merged"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a protocol leaves a record out before anyone looks."""

    rule: str
    reason: str


def refusal(protocol: Protocol, published: str | None) -> Refusal | None:
    """The date criterion: refused only when no day the partial date may mean lies within the dates.

    `published_after` means strictly later than that day. Without a date that we can use (none at all, or a
    placeholder such as 9999), people decide.
    """
    first, last = (earliest_day(published), latest_day(published)) if published else (None, None)
    if first is None or last is None:
        return None
    after, until = protocol.published_after, protocol.published_until
    if after is not None and last <= after:
        return Refusal("published_after", f"published {published}; the protocol takes what appeared after {after}")
    if until is not None and first > until:
        return Refusal("published_until", f"published {published}; the protocol takes what appeared until {until}")
    return None
