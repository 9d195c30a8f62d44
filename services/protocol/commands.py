"""What protocol does: one effect, publishing a version."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from services.protocol import store
from services.protocol.domain import digest, lacking_as_named
from services.protocol.domain.differences import counted, differences
from services.protocol.models import ReviewRow, VersionRow
from shared.db.work import Work
from shared.errors import Conflict
from shared.events.parts import require_free
from shared.events.protocol import Protocol, VersionPublished
from shared.wire.protocol import Applied


class _Published(TypedDict):
    """What a version and its review tell alike."""

    sha256: str
    published_by: str
    published_at: datetime


def publish_version(work: Work, protocol: Protocol, follows: int | None = None, why: str | None = None) -> Applied:
    """Makes the protocol its review's next version; the same content as the newest one changes nothing, whatever is
    said of `why`.

    Raises Invalid for a new review whose name none can have; and Conflict: `not_the_newest` where it is said to follow
    another version than the newest one, `older_version` where nothing is said of that and it is an earlier version
    again, which would take back what was changed since.
    """
    warnings = lacking_as_named(protocol)
    review, sha256 = store.review_to_change(work, protocol.review), digest(protocol)
    if review is not None and review.sha256 == sha256:
        return Applied(review=review.review, version=review.version, sha256=sha256, changed=False, warnings=warnings)
    if review is None:
        require_free(protocol.review)
    _require_newest(work, protocol.review, review, sha256, follows)
    number = review.version + 1 if review else 1
    about: _Published = {"sha256": sha256, "published_by": work.actor, "published_at": work.now}
    document = protocol.model_dump(mode="json")
    changed = _changed(work, review, protocol)
    work.add(
        VersionRow(
            review=protocol.review, version=number, document=document, why=why, changed=changed, **about
        )
    )  # fmt: skip
    if review is None:
        work.add(ReviewRow(review=protocol.review, title=protocol.title, version=number, **about))
    else:
        review.sqlmodel_update({"title": protocol.title, "version": number, **about})
    work.emit(VersionPublished.of(protocol, number, work.actor, why))
    work.note("protocol applied", review=protocol.review, version=number, by=work.actor)
    return Applied(review=protocol.review, version=number, sha256=sha256, changed=True, warnings=warnings)


def _changed(work: Work, review: ReviewRow | None, protocol: Protocol) -> dict[str, int]:
    """How many things of each part it says otherwise than the newest version; of the first, nothing."""
    if review is None:
        return {}
    before = store.version(work, review.review, review.version).document
    return counted(differences(Protocol.model_validate(before, extra="ignore"), protocol))


def _require_newest(work: Work, name: str, review: ReviewRow | None, sha256: str, follows: int | None) -> None:
    newest = f"version {review.version}, by {review.published_by}," if review else "no version"
    if follows is not None and follows != (review.version if review else 0):
        why = f"follows: it was made to follow version {follows}, and {newest} is the newest by now"
        raise Conflict(f"{why}; see what changed: living review diff FILE", slug="not_the_newest")
    if follows is None and review is not None:
        older = store.version_of(work, name, sha256)
        if older is not None:
            why = f"this is version {older} again, and {newest} came after it"
            raise Conflict(f"{why}; to go back, say that it follows version {review.version}", slug="older_version")
