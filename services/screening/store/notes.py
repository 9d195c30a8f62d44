"""Notes and tags of one's own."""

from __future__ import annotations

from sqlalchemy import String, cast, select
from sqlmodel import col

from services.screening.models import Note, NoteRow, Task
from shared.db.paging import read_plain_page
from shared.db.said import Said
from shared.db.work import Work
from shared.paging import Found, PageAsked

_MAKE_NOTE = Said(
    "INSERT INTO notes (review, person, task, record, stage, tags, changed_at)"
    " VALUES (:review, :person, :task, :record, :stage, '{{}}', :at) ON CONFLICT (review, person, task) DO NOTHING"
    " RETURNING task"
)
_FORGET_NOTE = Said("DELETE FROM notes WHERE review = :review AND person = :person AND task = :task")


def lock_note(work: Work, task: Task, person: str) -> Note:
    """A person's note on a task, held by this work until its end; an empty one where there was none."""
    key = {"review": task.review, "person": person, "task": task.id}
    work.rows.read(_MAKE_NOTE, {**key, "record": task.record, "stage": task.stage, "at": work.now})
    held: Note = work.rows.hold(NoteRow, **key)
    return held


def forget_note(work: Work, note: Note) -> None:
    work.rows.flush()
    work.rows.later(_FORGET_NOTE, {"review": note.review, "person": note.person, "task": note.task})


def notes_on(work: Work, task: str) -> list[Note]:
    """Everybody's notes on a task, the first changed first."""
    query = select(NoteRow).where(col(NoteRow.task) == task)
    return sorted(work.rows.read(query, None, NoteRow), key=lambda note: (note.changed_at, note.person))


def page_of_notes(
    work: Work, review: str, person: str, stage: str | None, tag: str | None, value: str | None, page: PageAsked
) -> Found[Note]:
    """A person's own notes by task: of a stage, with a tag, with this value of it."""
    query = select(NoteRow).where(col(NoteRow.review) == review, col(NoteRow.person) == person)
    if stage is not None:
        query = query.where(col(NoteRow.stage) == stage)
    if tag is not None:
        given = cast(col(NoteRow.tags)[tag].as_string(), String)
        query = query.where(given.is_not(None) if value is None else given == value)
    return read_plain_page(work, query, page, col(NoteRow.task), tables=[NoteRow])
