"""Lived: what became of a review's plan, as one line of time: its versions, and the revisions signed between them."""

from __future__ import annotations

from collections.abc import Sequence

from shared.wire.protocol import VersionHead
from shared.wire.synthesis import RevisionListed


def lived(
    versions: Sequence[VersionHead], revisions: Sequence[RevisionListed], *, more: bool
) -> list[VersionHead | RevisionListed]:
    """Both, the newest first, each list being so. Where there are `more` versions, before those, revisions of then are
    left out."""
    since = versions[-1].published_at if more and versions else None
    found = [one for one in revisions if since is None or one.signed_at >= since]
    return sorted([*versions, *found], key=_when, reverse=True)


def _when(one: VersionHead | RevisionListed) -> float:
    return (one.published_at if isinstance(one, VersionHead) else one.signed_at).timestamp()
