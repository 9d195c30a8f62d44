"""The ingest client: one method for each route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from shared.client.http import Http
from shared.events.ingest import NoticeKind
from shared.wire.ingest import (
    DuplicateVerdict,
    DuplicateView,
    IngestStatus,
    NewNotice,
    NoticeView,
    RecordSummary,
    RecordView,
    RejectionView,
    RunItemView,
    RunView,
    WatchView,
)


class IngestClient:
    """Watches, runs, records, possible duplicates and notices of a review."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def status(self, review: str) -> IngestStatus:
        return self._http.get(f"/ingest/reviews/{review}/status", IngestStatus)

    def watches(self, review: str) -> Iterator[WatchView]:
        return self._http.pages(f"/ingest/reviews/{review}/watches", WatchView)

    def pause(self, review: str, watch: str) -> WatchView:
        return self._http.post(f"/ingest/reviews/{review}/watches/{watch}/pause", WatchView)

    def resume(self, review: str, watch: str) -> WatchView:
        return self._http.post(f"/ingest/reviews/{review}/watches/{watch}/resume", WatchView)

    def pull_now(self, review: str, watch: str) -> WatchView:
        """Makes the watch due; the scheduler pulls it within half a minute."""
        return self._http.post(f"/ingest/reviews/{review}/watches/{watch}/pull", WatchView)

    def runs(self, review: str, *, watch: str | None = None) -> Iterator[RunView]:
        """Every run, the newest first."""
        return self._http.pages(f"/ingest/reviews/{review}/runs", RunView, watch=watch)

    def run(self, review: str, run: str) -> RunView:
        return self._http.get(f"/ingest/reviews/{review}/runs/{run}", RunView)

    def items(self, review: str, run: str) -> Iterator[RunItemView]:
        return self._http.pages(f"/ingest/reviews/{review}/runs/{run}/items", RunItemView)

    def rejections(self, review: str, run: str) -> Iterator[RejectionView]:
        return self._http.pages(f"/ingest/reviews/{review}/runs/{run}/rejections", RejectionView)

    def records(self, review: str, *, doi: str | None = None, pmid: str | None = None) -> Iterator[RecordSummary]:
        """Every record, the oldest first; or those with an identifier."""
        return self._http.pages(f"/ingest/reviews/{review}/records", RecordSummary, doi=doi, pmid=pmid)

    def record(self, review: str, record: str) -> RecordView:
        return self._http.get(f"/ingest/reviews/{review}/records/{record}", RecordView)

    def notice(self, review: str, record: str, *, kind: NoticeKind, reason: str, drill: bool = False) -> NoticeView:
        """Tells of a retraction, correction, reinstatement ...; `drill` marks an exercise."""
        body = NewNotice(kind=kind, reason=reason, drill=drill)
        return self._http.post(f"/ingest/reviews/{review}/records/{record}/notices", NoticeView, body)

    def duplicates(
        self, review: str, *, state: Literal["open", "same", "different"] = "open"
    ) -> Iterator[DuplicateView]:
        return self._http.pages(f"/ingest/reviews/{review}/duplicates", DuplicateView, state=state)

    def decide_duplicate(
        self, review: str, duplicate: str, verdict: Literal["same", "different"], reason: str
    ) -> DuplicateView:
        body = DuplicateVerdict(verdict=verdict, reason=reason)
        return self._http.post(f"/ingest/reviews/{review}/duplicates/{duplicate}", DuplicateView, body)
