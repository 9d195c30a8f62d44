"""The routes of what people note of records for themselves."""

from __future__ import annotations

from services.screening import store, views
from services.screening.api.router import Reading, Unit, router
from services.screening.commands import notes
from shared.http.auth import Reviewer
from shared.http.paging import Hundred
from shared.http.parameters import Name, Word
from shared.paging import Page
from shared.wire.screening import NewNote, NewTags, NoteView

Review = Name
Task = Name


@router.put("/reviews/{review}/tasks/{task}/note")
def set_note(review: Review, task: Task, body: NewNote, work: Unit, person: Reviewer) -> NoteView:
    """Notes something of a record for oneself, instead of what one noted before."""
    return views.note_view(notes.write_note(work, review, task, body.note))


@router.put("/reviews/{review}/tasks/{task}/tags")
def set_tags(review: Review, task: Task, body: NewTags, work: Unit, person: Reviewer) -> NoteView:
    """Gives a record tags for oneself, instead of those one gave it before."""
    return views.note_view(notes.set_tags(work, review, task, body.tags))


@router.get("/reviews/{review}/tasks/{task}/notes")
def show_notes(review: Review, task: Task, work: Reading, person: Reviewer) -> list[NoteView]:
    """The notes and tags on a task: one's own, and others' once one has voted there and the task is closed."""
    return views.notes_seen(work, notes.known_task(work, review, task))


@router.get("/reviews/{review}/notes")
def list_notes(
    review: Review,
    work: Reading,
    person: Reviewer,
    page: Hundred,
    stage: Word | None = None,
    tag: Word | None = None,
    value: Word | None = None,
) -> Page[NoteView]:
    """One's own notes and tags: at a stage, with a tag, and with this value of it."""
    views.known_plan(work, review)
    found = store.page_of_notes(work, review, person.id, stage, tag, value, page)
    titles = store.titles_of(work, review, {note.record for note in found.rows})
    return found.page(lambda note: views.note_view(note, titles.get(note.record)))
