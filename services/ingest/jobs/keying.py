"""Making anew what source records are found by, after an upgrade that finds them by something else, and sorting them
again by it: batch by batch, while no page of the review is taken in."""

from __future__ import annotations

from services.ingest import store
from services.ingest.commands.deduplication import sort_again
from services.ingest.domain.citations import KEYS, cite
from services.ingest.models import ReviewRow
from services.ingest.ports.sources.port import SourceRecord
from shared import logging
from shared.db.work import Work
from shared.service import Context

log = logging.get(__name__)

ACTOR = "ingest:keys"

#: Source records of one transaction, of which keys are only made, and which are compared as well.
_KEYED, _COMPARED = 500, 100

_KEYS, _COMPARE = "keys", "compare"


def make_keys_anew(running: Context) -> None:
    """Makes the keys of every review anew that has those of another version; a process that dies leaves its place, and
    the next one goes on from there."""
    with running.work(ACTOR, readonly=True) as work:
        reviews = sorted(store.reviews_to_key(work))
    for review in reviews:
        while not running.stopping.is_set():
            with running.work(ACTOR) as work:
                if not next_batch(work, store.lock_review(work, review)):
                    log.info("keys made anew", review=review, version=KEYS)
                    break


def next_batch(work: Work, row: ReviewRow) -> bool:
    """Does the next batch of a review, which is locked; false where all is done. First come the keys of all of them,
    then they are compared by these."""
    if row.keys == KEYS:
        return False
    doing, version, source, source_id = row.keying or [_KEYS, str(KEYS), "", ""]
    if version != str(KEYS):
        # An upgrade came in between.
        doing, source, source_id = _KEYS, "", ""
    limit = _KEYED if doing == _KEYS else _COMPARED
    batch = store.page_of_kept(work, row.review, (source, source_id), limit)
    if doing == _KEYS:
        _keep_keys(work, row.review, batch)
    else:
        sort_again(work, row, {(each.source, each.source_id) for each in batch})
    if len(batch) == limit:
        row.keying = [doing, str(KEYS), batch[-1].source, batch[-1].source_id]
    elif doing == _KEYS:
        row.keying = [_COMPARE, str(KEYS), "", ""]
    else:
        row.keys, row.keying = KEYS, None
    return row.keys != KEYS


def _keep_keys(work: Work, review: str, batch: list[store.Kept]) -> None:
    now = {(each.source, each.source_id): set(cite(SourceRecord.model_validate(each.content)).keys) for each in batch}
    held = store.keys_of(work, review, now)
    gone = {key: held.get(key, set()) - keys for key, keys in now.items()}
    store.change_keys(work, review, gone, {key: keys - held.get(key, set()) for key, keys in now.items()})
