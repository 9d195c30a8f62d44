"""Names of before: votes that were cast under one become those of the person whose it was, and count once for them."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening import store
from services.screening.commands import queue, steps, tallies
from services.screening.domain import RecordStates
from services.screening.models import Record, Task, Vote
from shared.db.work import Work


def replace_some(work: Work, *, review: str, name: str, limit: int) -> int:
    """Goes on with a name whose person is known: gives back what is still held by it, then takes some of its tasks, by
    id, and in the end what no task leads to. Answers how much it went through; 0 when it is done."""
    row = store.old_name_to_change(work, review, name)
    if row is None or row.person is None:
        return 0
    if returned := queue.return_all_of(work, review, name):
        return returned  # No token says so any more. Records are locked before tasks, which these no longer are.
    _count_as(work, review, name, row.person)
    page = store.lock_tasks_of(work, review, name, row.after, limit)
    with work.following(row.correlation or work.correlation, row.caused_by):
        _replace_on(work, name, row.person, page)
    if page:
        row.after = page[-1][0].id
        return len(page)
    store.replace_name(work, review, name, row.person)
    work.note("votes of a name of before are a person's", review=review, person=row.person)
    store.forget_old_name(work, row)
    return 0


def _count_as(work: Work, review: str, name: str, person: str) -> None:
    """Counts as the person's how often a vote under the name was among all that a task needed; each time, since others
    complete tasks meanwhile."""
    counts = store.counts(work)
    for stage, n in store.times_counted(work, review, name).items():
        counts.add(review, stage, "voter", name, n=-n)
        counts.add(review, stage, "voter", person, n=n)


def _replace_on(work: Work, name: str, person: str, page: Sequence[tuple[Task, Record]]) -> None:
    """Puts the person for the name on these tasks, which are held."""
    votes = store.votes_of_two(work, [task.id for task, _ in page], (name, person)) if page else []
    for task, record in page:
        takers = [taker for taker in task.takers.split("\n") if taker]
        task.taken_by(list(dict.fromkeys(person if taker == name else taker for taker in takers)))
        about = [vote for vote in votes if task.id in (vote.task, vote.cast_on)]
        joins = person in takers or any(vote.person == person for vote in about)
        void = _make_void(work, task, about)
        tallies.rename(work, task, name, person)
        for vote in about:
            if vote.where == task.id or vote in void:  # What counts elsewhere since a merge has its turn there.
                vote.person = person
        if joins:
            counted = (vote for vote in about if vote.ended is None and not steps.is_history(task, vote))
            cast = [vote for vote in counted if vote.cast_on == task.id and not vote.deciding]
            if record.state == RecordStates.MERGED and len(cast) > 1:
                tallies.uncompare(work, task)
            gone = [vote.person for vote in void]
            steps.recount(work, record, task, gone, f"votes at stage {task.stage!r} were one person's")


def _make_void(work: Work, task: Task, votes: Sequence[Vote]) -> list[Vote]:
    """Lets one of a person's votes count where they had two: the first, and so never the decision of a conflict that
    was about a vote of their own. Answers those that count no more."""
    repeated = [vote for vote in votes if vote.task == task.id][1:]
    for vote in repeated:
        vote.task = None
    if repeated:
        work.rows.flush()  # It makes room for the one that counts.
    return repeated
