"""Views: rows as people may see them. Here is decided who reads whose name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from services.people import store
from services.people.models import HandoverRow, InvitationRow, KeyRow, MemberRow, OldNameRow, PersonRow, ReviewRow
from shared.db.work import Work
from shared.events.people import NameMapped
from shared.service import HIDDEN
from shared.tokens import Person
from shared.wire.people import (
    HandoverView,
    InvitationView,
    Invited,
    KeyMade,
    KeyView,
    MappedNameView,
    Me,
    MemberView,
    PersonView,
    ReviewPeople,
    Role,
    Withdrawal,
)


def me(work: Work, person: Person) -> Me:
    """Whoever asks, as their token says, with what only people knows of them; a program, and the machine's owner, have
    no more than their token."""
    row, roles = store.person_if_known(work, person.id), {review: cast(Role, it) for review, it in person.roles.items()}
    return Me(
        person=person.id, name=row.name if row else None, roles=roles, founds=row.founds if row else False,
        key=person.key, scopes=None if person.scopes is None else sorted(person.scopes),
    )  # fmt: skip


def members(work: Work, review: str, rows: Sequence[MemberRow], person: Person) -> list[MemberView]:
    """Members by the names that whoever asks may know."""
    names, about = store.names(work, [row.person for row in rows]), store.review(work, review)
    return [
        MemberView(
            person=row.person, name=display_name(about, row, names.get(row.person), person), role=row.role,
            joined_at=row.joined_at, left_at=row.left_at,
        )
        for row in rows
    ]  # fmt: skip


def member(work: Work, row: MemberRow, person: Person) -> MemberView:
    return members(work, row.review, [row], person)[0]


def handover(row: HandoverRow) -> HandoverView:
    return HandoverView(handover=row.id, **row.model_dump(include=set(HandoverView.model_fields) - {"handover"}))


def mapped_names(work: Work, review: str, rows: Sequence[OldNameRow], person: Person) -> list[MappedNameView]:
    """Old names, with what those are called whose they are."""
    ids = [row.person for row in rows]
    names, about = store.names(work, ids), store.review(work, review)
    theirs = store.members_by_person(work, review, ids)
    return [
        MappedNameView(
            called=display_name(about, theirs[row.person], names[row.person], person),
            **row.model_dump(exclude={"review"}),
        )
        for row in rows
    ]


def mapped_name(work: Work, row: OldNameRow, person: Person) -> MappedNameView:
    return mapped_names(work, row.review, [row], person)[0]


def hide_old_names(work: Work, events: Sequence[dict[str, Any]]) -> None:
    """Takes out of events whose an old name is, which leads alone may know: it would undo pseudonyms."""
    for event in events:
        if event["type"] == NameMapped.type:
            event["data"]["name"] = HIDDEN


def review_people(row: ReviewRow) -> ReviewPeople:
    return ReviewPeople(review=row.review, founded_by=row.founded_by, pseudonyms=row.pseudonyms, public=row.public)


def person_view(row: PersonRow) -> PersonView:
    return PersonView(person=row.id, **row.model_dump(exclude={"id"}))


def withdrawal(subject: str, review: str, number: int, *, everywhere: bool = False) -> Withdrawal:
    """What was withdrawn; one that this work withdraws is nowhere else yet."""
    return Withdrawal(subject=subject, review=review, number=number, everywhere=everywhere)


def invitation_view(row: InvitationRow) -> InvitationView:
    return InvitationView(**row.model_dump(exclude={"hashed"}))


def invited(row: InvitationRow, link: str, replaced: bool) -> Invited:
    return Invited(**row.model_dump(exclude={"hashed"}), link=link, replaced=replaced)


def key_view(row: KeyRow) -> KeyView:
    return KeyView(**row.model_dump(exclude={"hashed"}))


def key_made(row: KeyRow, key: str, replaced: bool = False) -> KeyMade:
    return KeyMade(**row.model_dump(exclude={"hashed"}), key=key, replaced=replaced)


def display_name(review: ReviewRow | None, row: MemberRow, name: str | None, person: Person) -> str:
    """What somebody may know of a member's name: leads, and each of themselves, the name."""
    hidden = review is not None and review.pseudonyms and not person.has("lead") and person.id != row.person
    if hidden:
        return f"Member {row.number}"
    return name if name is not None else f"(erased, member {row.number})"
