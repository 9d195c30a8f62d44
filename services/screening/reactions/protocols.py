"""What a new protocol version means to screening."""

from __future__ import annotations

from datetime import date

from services.screening import store
from services.screening.models import ProtocolRow
from shared.db.work import Work
from shared.errors import Rejected
from shared.events.protocol import Protocol, VersionPublished


def adopt_stages(work: Work, event: VersionPublished) -> None:
    """Keeps a protocol version that can be read; where its dates differ from the last one's, marks the records to be
    checked."""
    protocol = event.protocol
    known = store.version_if_known(work, event.review, event.version)
    if known is not None:
        if Protocol.read(known.document) != protocol:
            raise Rejected(f"review {event.review!r}: version {event.version} was published with other content")
        return
    before = store.newest(work, event.review)
    moved = before is not None and _dates(before.protocol) != _dates(protocol)
    store.adopt(
        work,
        ProtocolRow(
            review=event.review, version=event.version, document=event.document,
            recheck_after="" if moved else None, correlation=work.correlation, caused_by=work.causation,
            adopted_at=work.now,
        ),
    )  # fmt: skip


def _dates(protocol: Protocol) -> tuple[date | None, date | None]:
    return protocol.published_after, protocol.published_until
