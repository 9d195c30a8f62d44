"""What is shown once: a command that answers a secret, done once however often it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from services.people.domain import secrets
from services.people.models import InvitationRow, KeyRow
from shared.db.work import Work

Row = TypeVar("Row", InvitationRow, KeyRow)


class _Kept(BaseModel):
    """All that is kept of what was answered: nobody finds a secret in it."""

    id: str


def shown_once(
    work: Work, key: str | None, command: str, body: BaseModel, do: Callable[[str | None], tuple[Row, str]]
) -> tuple[Row, str, bool]:
    """The row that a command made, its secret as it is to be shown, and whether that took the place of another.

    `do(None)` makes the row. A secret that was answered cannot be shown again, since only its hash is kept: so when
    the same key comes again, `do` is given the row's id, and answers a fresh secret for it (`renewed`). Two that come
    at once do so one after the other, and the last answer is the one that counts. What the row is for is as it was, so
    no second event is told. Raises Conflict when the key was used for something else.
    """
    made: list[tuple[Row, str]] = []

    def first() -> _Kept:
        made.append(do(None))
        return _Kept(id=made[0][0].id)

    kept = _Kept.model_validate(work.once(key, command, body, first))
    row, secret = made[0] if made else do(kept.id)
    return row, secret, not made


def renewed(row: InvitationRow | KeyRow) -> str:
    """A fresh secret for a row that is held: what was answered for it before counts no more."""
    secret = secrets.fresh()
    row.hashed = secrets.hashed(secret)
    return secret
