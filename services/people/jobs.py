"""What people does by the clock: forgetting what it need not know."""

from __future__ import annotations

from datetime import datetime

from services.people import store
from shared.db.work import Work


def old_failures(work: Work, before: datetime, limit: int) -> int:
    """Failures to sign in, after which nobody waits any more."""
    return store.forget_old_failures(work, before, limit)
