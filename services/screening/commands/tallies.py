"""What is counted of votes: who gave them, and how those on one task compare."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from services.screening import store
from services.screening.domain.comparisons import BETWEEN, Comparison, said
from services.screening.models import Task, Vote
from shared.db.work import Work


def set_votes_cast(work: Work, task: Task, n: int) -> None:
    """How many independent votes a task has; where it is one, there is nothing to compare it with."""
    change = (n == 1) - (task.votes_cast == 1)
    store.counts(work).add(task.review, task.stage, "alone", n=change)
    task.votes_cast = n


def count_votes(work: Work, task: Task, votes: Sequence[Vote]) -> None:
    """Counts who voted on a task that has all its independent votes, and, once, how these compare."""
    counts = store.counts(work)
    for vote in votes:
        counts.add(task.review, task.stage, "voter", vote.person)
    if len(votes) < 2 or task.compared is not None or any(vote.paired_on for vote in votes):
        return
    day = max(vote.cast_at for vote in votes).astimezone(UTC).date()
    _compare(work, task, Comparison.of({vote.person: said(vote.answer, vote.excluded_for) for vote in votes}, day))


def uncount_votes(work: Work, task: Task, votes: Sequence[Vote], gone: Sequence[str] = ()) -> None:
    """Takes back what was counted when the last of these votes came in, and of those people whose votes are gone."""
    for person in (*(vote.person for vote in votes), *gone):
        store.counts(work).add(task.review, task.stage, "voter", person, n=-1)
    uncompare(work, task)


def gone_from(task: Task, votes: Sequence[Vote]) -> list[str]:
    """The people who were counted on a task that had all its votes, of which these are left."""
    here = {vote.person for vote in votes}
    takers = [name for name in task.takers.split("\n") if name]
    counted = takers if task.decided_by == "adjudication" else takers[: task.votes_needed]
    return [name for name in counted if name not in here]


def uncompare(work: Work, task: Task) -> None:
    """Takes back that votes were compared here."""
    if task.compared is not None:
        store.counts(work).add(task.review, task.stage, "compared", *task.compared.split(BETWEEN), n=-1)
    task.compared = None


def rename(work: Work, task: Task, name: str, person: str) -> None:
    """Has what was compared here be a person's that was compared under another name."""
    if task.compared is None or (known := Comparison.read(task.compared)).answer_of(name) is None:
        return
    uncompare(work, task)
    if known.answer_of(person) is None:
        _compare(work, task, known.renamed(name, person))


def _compare(work: Work, task: Task, comparison: Comparison) -> None:
    task.compared = comparison.written
    store.counts(work).add(task.review, task.stage, "compared", *task.compared.split(BETWEEN))
