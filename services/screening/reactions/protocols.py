"""What a new protocol version means to screening."""

from __future__ import annotations

from services.screening import store
from services.screening.models import ProtocolRow
from shared.db.work import Work
from shared.errors import Rejected
from shared.events.protocol import Protocol, VersionPublished


def adopt_stages(work: Work, event: VersionPublished) -> None:
    """Keeps a protocol version that can be read; where it says otherwise than the last one, marks the records to be
    held against it."""
    protocol = event.protocol
    known = store.version_if_known(work, event.review, event.version)
    if known is not None:
        if Protocol.read(known.document) != protocol:
            raise Rejected(f"review {event.review!r}: version {event.version} was published with other content")
        return
    before = store.newest(work, event.review)
    amended = before is not None and before.protocol != protocol
    store.adopt(
        work,
        ProtocolRow(
            review=event.review, version=event.version, document=event.document,
            recheck_after="" if amended else None, correlation=work.correlation, caused_by=work.causation,
            adopted_at=work.now,
        ),
    )  # fmt: skip
