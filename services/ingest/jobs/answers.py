"""Raw answers: what a source said as it came, so that a record can be held against it, or read anew, years later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from services.ingest import store
from services.ingest.jobs.quotas import Tally
from services.ingest.models import RawAnswerRow, RunRow
from services.ingest.ports.sources.port import Heard
from shared.blobs import names
from shared.blobs.packing import Blob
from shared.blobs.port import Blobs
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer whose bytes are a blob that nothing names yet."""

    heard: Heard
    blob: Blob


class Answers:
    """The answers of one walk: each is put as a blob when it comes, with no transaction open, and named by the
    transaction of the page that was read from it. What is never named, the sweep takes."""

    def __init__(self, blobs: Blobs | None, tally: Tally) -> None:
        """Without a store nothing is kept, and only counted."""
        self._blobs = blobs
        self._tally = tally
        self._fresh: list[_Kept] = []
        #: When the first answer came that no page has been taken in from; None where none has come.
        self.since: datetime | None = None

    def ready(self) -> None:
        """Raises Unavailable where nothing can be kept, so that no source is asked in vain."""
        if self._blobs is not None:
            self._blobs.ping()

    def hear(self, heard: Heard) -> None:
        """Counts an answer, keeps its bytes. Raises what the store raises, as on a full disk: then the walk waits."""
        self._tally.hear(heard)
        self.since = self.since or heard.at
        if self._blobs is not None:
            blob = self._blobs.put([heard.body], len(heard.body))
            self._fresh.append(_Kept(replace(heard, body=b""), blob))

    def name(self, work: Work, run: RunRow, page: int, *, refused: bool = False) -> None:
        """Names, for good once `work` is committed, all that came since the last time, and writes it into the tally;
        `refused` where the source asks to be left alone. The run must be locked."""
        self._tally.write(work, refused=refused)
        self.since = None
        if self._blobs is None or not self._fresh:
            return
        first = store.last_answer(work, run.id) + 1
        for number, kept in enumerate(self._fresh, start=first):
            names.keep(work, self._blobs, kept.blob.sha256, by=user(run.id, number))
            work.add(
                RawAnswerRow(
                    run=run.id, number=number, page=page, asked=kept.heard.asked, status=kept.heard.status,
                    content_type=kept.heard.content_type, fetched_at=kept.heard.at, sha256=kept.blob.sha256,
                    size=kept.blob.size,
                )
            )  # fmt: skip
        self._fresh = []


def user(run: str, number: int) -> str:
    """What uses the blob of an answer."""
    return f"{run}/answers/{number}"
