"""The events of people: who belongs to a review, with what role, by what keys, and what holds no more.

A person, and a program, is an opaque id: names live in people's own database alone. What is of all reviews has the
review `*`.
"""

from __future__ import annotations

from datetime import datetime

from shared.events.base import Event
from shared.events.bounds import Count, Id


class MemberJoined(Event, type="people.member.joined", key="person"):
    """Somebody belongs to a review from now on, with a role; also who comes back."""

    person: Id
    role: Id
    invited_by: Id | None


class RoleChanged(Event, type="people.role.changed", key="person", topic="people.members"):
    """A member of a review has another role."""

    person: Id
    role: Id
    before: Id


class MemberLeft(Event, type="people.member.left", key="person"):
    """Somebody belongs to a review no more; what they decided stands."""

    person: Id
    role: Id


class PublicityChanged(Event, type="people.publicity.changed", key="review", topic="people.members"):
    """A lead said whether anybody may read what a review has published, or its members alone."""

    public: bool


class HandoverProposed(Event, type="people.handover.proposed", key="review", topic="people.members"):
    """A lead proposes that a member takes a review over, and says why; the review changes hands once they accept."""

    handover: Id
    by: Id
    to: Id
    why: str


class HandoverClosed(Event, type="people.handover.closed", key="review", topic="people.members"):
    """Nobody takes a review over by this proposal: whom it names declined, or a lead took it back (`how`)."""

    handover: Id
    how: Id
    by: Id


class HandoverAccepted(Event, type="people.handover.accepted", key="review", topic="people.members"):
    """Whom a lead proposed (`to`) took a review over, and leads it from now on; whoever proposed it (`before`) has
    another role there, or had none."""

    handover: Id
    before: Id
    to: Id
    why: str


class NameMapped(Event, type="people.name.mapped", key="person", topic="people.members"):
    """The name under which somebody acted in a review, before people had ids, is this person's. Told once for each name
    of a review, which the events of then carry."""

    name: Id
    person: Id


class KeyMade(Event, type="people.key.made", key="key_id"):
    """A key was made: a person's own, one by which a client acts for them, or a program's.

    `subject` is whose it is: a person, or the key itself where it is a program's. `scopes` are what it is for; None is
    all that its person may do.
    """

    key_id: Id
    kind: Id
    subject: Id
    scopes: list[Id] | None
    ends_at: datetime | None


class AccessWithdrawn(Event, type="people.access.withdrawn", key="subject", topic="people.withdrawals"):
    """No token that was made before this counts any more for whom it is about, a person or a key; a new one says what
    is left. `review` is where something was taken back, `*` where in all.

    `number` counts all of these from 1; a token says up to which it was made.
    """

    subject: Id
    number: Count
