"""What protocol does: one effect, publishing a version."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from services.protocol import store
from services.protocol.domain import digest, lacking_as_named
from services.protocol.models import ReviewRow, VersionRow
from shared.db.work import Work
from shared.events.protocol import Protocol, VersionPublished
from shared.wire.protocol import Applied


class _Published(TypedDict):
    """What a version and its review tell alike."""

    sha256: str
    published_by: str
    published_at: datetime


def publish_version(work: Work, protocol: Protocol) -> Applied:
    """Makes the protocol its review's next version; the same content as the newest one changes nothing."""
    warnings = lacking_as_named(protocol)
    review, sha256 = store.review_to_change(work, protocol.review), digest(protocol)
    if review is not None and review.sha256 == sha256:
        return Applied(review=review.review, version=review.version, sha256=sha256, changed=False, warnings=warnings)
    number = review.version + 1 if review else 1
    about: _Published = {"sha256": sha256, "published_by": work.actor, "published_at": work.now}
    document = protocol.model_dump(mode="json")
    work.add(VersionRow(review=protocol.review, version=number, document=document, **about))
    if review is None:
        work.add(ReviewRow(review=protocol.review, title=protocol.title, version=number, **about))
    else:
        review.sqlmodel_update({"title": protocol.title, "version": number, **about})
    work.emit(VersionPublished.of(protocol, number, work.actor))
    work.note("protocol applied", review=protocol.review, version=number, by=work.actor)
    return Applied(review=protocol.review, version=number, sha256=sha256, changed=True, warnings=warnings)
