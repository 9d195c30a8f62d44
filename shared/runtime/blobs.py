"""Blobs of a running service: those that nothing uses are swept, and those that are used are looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

from shared import logging
from shared.apart import each
from shared.blobs import names
from shared.errors import Lost
from shared.service import Context

log = logging.get(__name__)

#: How long a blob is spared after it was put or named last; longer than any transaction.
SPARED = timedelta(days=1)

#: Blobs whose names are asked for at once.
_BATCH = 500

#: Into how many parts the buckets are divided, of which each hour has one. Not 24, which would tie each to an hour.
_PARTS = 23

#: How many of the blobs that were named last must be there: what is lost as a whole, or was put back from an older
#: copy, lacks them. `living doctor` looks at all.
_NEWEST = 20


def sweep_blobs(running: Context) -> None:
    """Removes blobs that nothing uses, and what dead writers left. Every hour it looks through another 23rd of the
    buckets, so that all are looked through within a day and never all at once; and each at another hour every day, also
    where the process is asleep or away at the same hours."""
    now = datetime.now(UTC)
    before, hour = now - SPARED, int(now.timestamp()) // 3600
    removed = drafts = 0
    with each("bucket") as failures:
        for bucket in (f"{number:02x}" for number in range(256) if number % _PARTS == hour % _PARTS):
            if running.stopping.is_set():
                break
            with failures.apart(bucket):
                removed += sweep_bucket(running, bucket, before)
        with failures.apart("drafts"):
            drafts = running.blobs.drop_drafts(before)
        if removed or drafts:
            log.info("blobs swept", service=running.service.name, unused=removed, drafts=drafts)


def sweep_bucket(running: Context, bucket: str, before: datetime) -> int:
    """Removes the blobs of a bucket that nothing uses and that were neither put nor named since that instant; answers
    how many. One that cannot be removed stands in the way of no other."""
    removed, old = 0, running.blobs.older(before, bucket)
    with each("blob") as failures:
        while batch := list(islice(old, _BATCH)):
            with running.work(f"{running.service.name}:sweep", readonly=True) as work:
                used = names.named(work.session, batch)
            for sha256 in batch:
                # Whoever names one now has made it young before: then it is not removed (`names.keep`).
                if sha256 not in used:
                    with failures.apart(sha256):
                        removed += running.blobs.remove(sha256, before)
    return removed


def look_at_blobs(running: Context) -> None:
    """Raises Unavailable when blobs cannot be put or read; the error of one of those that were named last, where it is
    not there or damaged, as far as that is seen without reading it."""
    running.blobs.ping()
    with running.database.session(readonly=True) as session:
        used = names.newest(session, _NEWEST)
    if lost := running.blobs.lost(used):
        sha256 = min(lost)
        reason = f"used by {used[sha256]}: {lost[sha256].detail} (`living doctor` counts all that are lost)"
        raise Lost(reason, slug=lost[sha256].slug)
