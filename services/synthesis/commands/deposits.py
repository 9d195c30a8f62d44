"""Deposits: what is kept of the way of a revision to its DOI. Nothing here waits for the archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.synthesis import store
from services.synthesis.commands import revisions
from services.synthesis.domain.cadence import RETIRED
from services.synthesis.domain.changes import cut
from services.synthesis.domain.deposits import OPEN, DepositStates, pause, wants_doi
from services.synthesis.domain.revisions import revision_id
from services.synthesis.models import DepositRow
from services.synthesis.ports.crates import name_of
from services.synthesis.ports.dois.port import About, Assigned, NotDeposited, Reserved
from shared.db.work import Work
from shared.errors import NotFound
from shared.events.synthesis import DoiAssigned


@dataclass(frozen=True)
class Due:
    """A deposit that it is time to get on with. `after` is that of the version before, None for a first one."""

    review: str
    number: int
    deposit: str | None
    after: str | None
    about: About


def due_deposit(work: Work, review: str, archive: str, public_url: str, wall: datetime) -> Due | None:
    """The deposit of a review that is to be got on with, in the order of its revisions; None where there is none now.
    Revisions that need none are passed over, of which this keeps a row."""
    if store.review(work, review).course == RETIRED:
        return None
    last = store.last_deposit(work, review, archive)
    row = last if last is not None and last.state in OPEN else None
    if row is not None and row.state == DepositStates.WAITING and _is_withdrawn(work, review, row.number):
        DepositStates.turn(row, DepositStates.NEEDLESS)
        row.trouble, row.refused, row.due_at = None, False, None
        row = None
    number = row.number if row is not None else last.number + 1 if last is not None else 1
    if row is None:
        while (found := store.head(work, review, number)) is not None and (
            not wants_doi(found[0]) or _is_withdrawn(work, review, number)
        ):
            DepositStates.check(None, DepositStates.NEEDLESS)
            work.add(DepositRow(review=review, archive=archive, number=number, state=DepositStates.NEEDLESS))
            number += 1
        if found is None:
            return None
        DepositStates.check(None, DepositStates.WAITING)
        row = work.add(DepositRow(review=review, archive=archive, number=number, state=DepositStates.WAITING))
    elif row.due_at is not None and row.due_at > wall:
        return None
    before = store.last_deposit(work, review, archive, state=DepositStates.ASSIGNED)
    about = _about(work, review, number, public_url)
    return Due(review, number, row.deposit, before.deposit if before is not None else None, about)


def package(work: Work, due: Due, archive: str) -> tuple[str, str, Callable[[], bytes]]:
    """A deposit that is begun, and its file, which names the DOI that it will have; it is made once this work is over.
    Raises NotDeposited for a revision that is not what was signed any more: what is deposited is so for good."""
    found = revisions.verified(work, due.review, due.number)
    if not found.holds:
        raise NotDeposited(f"it is not what was signed: {'; '.join(found.faults)}", refused=True)
    row = store.deposit(work, due.review, archive, due.number)
    make = revisions.crate(work, due.review, due.number, doi=row.doi)
    return row.deposit or "", name_of(due.review, due.number), make


def note_reserved(work: Work, due: Due, archive: str, reserved: Reserved) -> None:
    row = store.deposit_to_change(work, due.review, archive, due.number)
    if row.state != DepositStates.WAITING:
        return
    DepositStates.turn(row, DepositStates.RESERVED)
    row.deposit, row.doi = reserved.deposit, reserved.doi


def note_assigned(work: Work, due: Due, archive: str, assigned: Assigned) -> None:
    """Keeps the DOI of a revision, and tells it, once."""
    row = store.deposit_to_change(work, due.review, archive, due.number)
    if row.state != DepositStates.RESERVED:
        return
    DepositStates.turn(row, DepositStates.ASSIGNED)
    row.doi, row.concept_doi, row.assigned_at = assigned.doi, assigned.concept_doi, work.now
    row.trouble, row.refused, row.due_at = None, False, None
    revision = revision_id(due.review, due.number)
    with work.following(revision, None):
        row.event_id = work.emit(
            DoiAssigned(
                review=due.review, revision=revision, number=due.number, doi=assigned.doi,
                concept_doi=assigned.concept_doi, archive=archive,
            )
        )  # fmt: skip
    work.note("DOI assigned", review=due.review, number=due.number, doi=assigned.doi)


def note_gone(work: Work, due: Due, archive: str) -> None:
    """Has a deposit begin anew that somebody discarded at the archive."""
    row = store.deposit_to_change(work, due.review, archive, due.number)
    if row.state == DepositStates.RESERVED:
        DepositStates.turn(row, DepositStates.WAITING)
        row.deposit = row.doi = None


def note_trouble(work: Work, due: Due, archive: str, trouble: NotDeposited, wall: datetime) -> None:
    """Keeps why a deposit did not get on, and when it is tried again."""
    row = store.deposit_to_change(work, due.review, archive, due.number)
    if row.state not in OPEN:
        return  # Another process got it done.
    row.tries += 1
    row.trouble, row.refused = cut(trouble.why), trouble.refused
    seconds = pause(row.tries, refused=trouble.refused, asked=trouble.retry_after)
    row.due_at = wall + timedelta(seconds=seconds)
    work.note("DOI not assigned", review=due.review, number=due.number, why=row.trouble, refused=row.refused)


def _is_withdrawn(work: Work, review: str, number: int) -> bool:
    return store.withdrawn_revision(work, review, number) is not None


def _about(work: Work, review: str, number: int, public_url: str) -> About:
    found = store.head(work, review, number)
    if found is None:
        raise NotFound(f"review {review!r} has no revision {number}")
    head, content_sha256 = found
    signed_on = datetime.fromisoformat(head["signed_at"]).astimezone(UTC).date()
    return About(
        # Of what was signed, since a review of the same name may be on another platform.
        identifier=f"urn:living:signed-{content_sha256}",
        title=cut(f"{head['title']}: revision {number}"),
        summary=head["summary"],
        creator=f"The review team of {review}",
        version=str(number),
        published_on=signed_on,
        address=f"{public_url.rstrip('/')}/reviews/{review}/findings/{number}",
    )
