"""A toy service, for the tests of what every service stands on: it keeps a note of each overdue review."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, select

from shared.db.types import Json
from shared.db.work import Work
from shared.errors import NotYet, Rejected, Unavailable
from shared.events.notify import DeliveryFailed
from shared.events.synthesis import ReviewOverdue
from shared.http.auth import Reader, Reviewer
from shared.http.route import Route
from shared.http.units import IdempotencyKey, reading_of, unit_of
from shared.service import Service, on


class Base(SQLModel, registry=registry()):
    pass


router = APIRouter(prefix="/toy", tags=["toy"], route_class=Route)
Unit = Annotated[Work, unit_of("toy")]
Reading = Annotated[Work, reading_of("toy")]


class Note(Base, table=True):
    """One note a review, with the days on which it was overdue, in the order they were heard."""

    __tablename__ = "notes"

    review: str = Field(primary_key=True)
    days: list[str] = Field(default=[], sa_type=Json)


class NoteView(BaseModel):
    review: str


def write_note(work: Work, event: ReviewOverdue) -> None:
    """Keeps a note, and counts how often it is written.

    A review called `poison...` never works, one called `buggy...` meets a mistake of ours, one called `early...`
    does not work before `late` is there, one called `down...` not while something that we need is away.
    """
    if event.review.startswith("poison"):
        raise Rejected("poison never works")
    if event.review.startswith("buggy"):
        raise KeyError(f"no entry for {event.review}")
    if event.review.startswith("early") and work.session.get(Note, "late") is None:
        raise NotYet("early needs late first")
    if event.review.startswith("down"):
        raise Unavailable("the toy's server is down")
    note = work.session.get(Note, event.review)
    if note is None:
        note = work.add(Note(review=event.review))
    note.days = [*note.days, event.due.isoformat()]
    _tell(work, event.review)


def _tell(work: Work, review: str) -> None:
    work.emit(DeliveryFailed(review=review, subscription="s", delivery="d", attempts=1, error="e"))


@router.post("/reviews/{review}/notes")
def post(review: str, work: Unit, person: Reviewer, key: IdempotencyKey = None) -> NoteView:
    def do() -> NoteView:
        # What an event may do again and again, a person does once: the second finds the key taken.
        work.add(Note(review=review, days=[]))
        _tell(work, review)
        return NoteView(review=review)

    return work.once(key, "write note", None, do)


@router.get("/reviews/{review}/notes")
def get(review: str, work: Reading, person: Reader) -> list[NoteView]:
    return [NoteView(review=note.review) for note in work.session.exec(select(Note))]


def overdue(review: str, day: int = 1) -> ReviewOverdue:
    return ReviewOverdue(review=review, due=date(2020, 1, 1) + timedelta(days=day - 1), last_published=None)


TOY = Service(
    name="toy",
    summary="Keeps a note of each overdue review.",
    package=Path(__file__).parent / "nowhere",
    tables=Base.metadata,
    routes=router,
    reactions=[on(ReviewOverdue, write_note)],
    emits=[DeliveryFailed, ReviewOverdue],
)
