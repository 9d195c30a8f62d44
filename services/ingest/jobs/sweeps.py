"""Change sweeps: what a source has changed about the records that a review has of it, however old they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from services.ingest import store
from services.ingest.models import RunRow, WatchRow
from services.ingest.ports.sources.lookups import half_by_half
from services.ingest.ports.sources.port import Keep, Page, Source
from shared.db.work import Work
from shared.service import Context

#: A sweep is made every day, and looks back so much behind the last one.
EVERY_DAYS, OVERLAP_DAYS = 1, 2


def open_sweeps(work: Work, sources: Mapping[str, Source]) -> None:
    """Watches over the changes of each source that a review searches and that can be asked by ids.

    A review that has records of the source already, since an earlier release made no sweeps, is swept at once and from
    the beginning; another one begins tomorrow, as what comes today is as it is today.
    """
    for review, name in store.not_swept(work):
        if not (source := sources.get(name)) or not source.ids_at_once:
            continue
        has_records = store.any_record_of(work, review, name)
        strategy = f"changes:{name}"
        watch = WatchRow(
            id=store.watch_id(review, strategy), purpose="changes", review=review, strategy=strategy, source=name,
            query="", every_days=EVERY_DAYS, overlap_days=OVERLAP_DAYS, whole_every_days=0, protocol_version=0,
            asked_since=0, due_at=work.now if has_records else work.now + timedelta(days=EVERY_DAYS),
            searched_through=None if has_records else work.now.date(),
        )  # fmt: skip
        work.add(watch)


def pages(running: Context, actor: str, run: RunRow, source: Source, keep: Keep) -> Iterator[Page]:
    """The pages of a sweep, from the run's cursor on, which is the last id that was looked up.

    A batch of ids is read, and asked for with no transaction open; a batch that breaks off is asked for again whole.
    What the source gives that it was not asked for is no record of the review, and is left out. An id that it refuses
    is missing, and stands in no other's way. Raises as `look_up` does.
    """
    after, more = run.cursor or "", True
    while more:
        with running.work(actor, readonly=True) as work:
            found = store.followed(work, run.review, run.source, after=after, limit=source.ids_at_once + 1)
        ids, more = found[: source.ids_at_once], len(found) > source.ids_at_once
        asked = set(ids)
        # Each page is given before more is asked for, so that it is kept with the answers it was read from.
        for page in half_by_half(source, ids, run.since, keep, []) if ids else ():
            records = [each for each in page.records if each.source_id in asked]
            yield page.model_copy(update={"records": records, "cursor": after, "reported": None})
        after = ids[-1] if ids else after
        yield Page(cursor=after if more else None)
