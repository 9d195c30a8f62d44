"""Who did what here before people had ids, as a lead says whose the names of then are."""

from __future__ import annotations

from services.synthesis import store
from shared.db.work import Work
from shared.events.people import NameMapped


def put_person_for_old_name(work: Work, event: NameMapped) -> None:
    """Has what was coded, withdrawn and judged anew under an old name be its person's, in the history too.

    A signed revision is never touched: it stays byte for byte as it was signed, with whom it names. Nor are the votes
    behind a report, which are copies of what screening told, and the ids of fragments, which were made with a name.
    """
    store.replace_name(work, event.review, event.name, event.person)
