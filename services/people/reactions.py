"""What people does when it hears something: a review that has a protocol is known, so that nobody founds it again,
and by its title."""

from __future__ import annotations

from services.people import store
from shared.db.work import Work
from shared.events.protocol import VersionPublished


def know_review(work: Work, event: VersionPublished) -> None:
    """Makes the review known, whoever published its protocol, and what that calls it."""
    store.make_review(work, event.review, None)
    store.call_review(work, event.review, event.protocol.title)
