"""Notes: what people write down of a record for themselves, and the tags that they give it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.screening import domain, store
from services.screening.models import Note, Task
from shared.db.work import Work
from shared.errors import Invalid, NotFound


def write_note(work: Work, review: str, task_id: str, text: str | None) -> Note:
    """Keeps a person's note on a task; nothing takes it away. Raises NotFound."""
    note = store.lock_note(work, known_task(work, review, task_id), work.actor)
    note.note = text or None
    return _changed(work, note)


def set_tags(work: Work, review: str, task_id: str, tags: Mapping[str, Any]) -> Note:
    """Gives a task a person's tags, instead of those they gave it before. Raises NotFound, or Invalid, listing every
    fault."""
    task = known_task(work, review, task_id)
    stage = store.stage_of(work, task)
    found = domain.tag_faults(stage, tags)
    if found:
        errors = [{"at": fault.at, "why": fault.why, "slug": fault.slug} for fault in found]
        raise Invalid(f"{found[0].at}: {found[0].why}", errors, slug=found[0].slug)
    note = store.lock_note(work, task, work.actor)
    note.tags = domain.tags_kept(stage, tags)
    return _changed(work, note)


def known_task(work: Work, review: str, task_id: str) -> Task:
    """A task of this review. Raises NotFound."""
    task = store.tasks_by_id(work, [task_id]).get(task_id)
    if task is None or task.review != review:
        raise NotFound(f"review {review!r} has no task {task_id!r}", slug="unknown_task")
    return task


def _changed(work: Work, note: Note) -> Note:
    note.changed_at = work.now
    if note.note is None and not note.tags:
        store.forget_note(work, note)
    return note
