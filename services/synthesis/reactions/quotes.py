"""What becomes of quotes when the copies that say them are parsed anew, or withdrawn, as ingest tells."""

from __future__ import annotations

from services.synthesis import store
from shared.db.work import Work
from shared.events.ingest import AnchorFound, AnchorLost


def find_quote_again(work: Work, event: AnchorFound) -> None:
    """The new parse of a copy says the quote too, at its own characters there. Words that went when it was lost stay
    gone here: their hash is what is held against the copy."""
    store.set_lost(work, event.review, event.anchor, None)
    rows = store.fragments_of_anchor(work, event.review, event.anchor)
    store.mark_undescribed(work, [row.id for row in rows])
    for row in rows:
        row.parse_sha256, row.locator, row.begins, row.ends = event.parse_sha256, event.locator, event.start, event.end
        row.lost = None


def lose_quote(work: Work, event: AnchorLost) -> None:
    """No copy says the quote where it was any more: its fragment stands, and says so, without the words, since the copy
    may have been withdrawn."""
    store.set_lost(work, event.review, event.anchor, event.why)
    rows = store.fragments_of_anchor(work, event.review, event.anchor)
    store.mark_undescribed(work, [row.id for row in rows])
    for row in rows:
        row.lost, row.quote = event.why, None
