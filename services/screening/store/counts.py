"""Counts: changes appended beside what they count, folded into sums, read together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Table, func, select, text, union
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from services.screening.domain import VOTERS, TaskStates
from services.screening.domain.comparisons import DAY, Compared, Comparison
from services.screening.models import ChangeRow, CountRow, FlowRow, LeaseRow, OpinionRow, ParkingRow, TaskRow, VoteRow
from services.screening.store.tasks import IN_CONFLICT
from shared.db.many import is_sqlite
from shared.db.work import Work


class Counts:
    """What one work changes in the counts, appended just before its commit. Nobody's row is updated for it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._changes: Counter[tuple[str, str, str, str, str]] = Counter()

    def add(self, review: str, stage: str, what: str, first: str = "", second: str = "", *, n: int = 1) -> None:
        self._changes[review, stage, what, first, second] += n

    def move(self, review: str, stage: str, before: str | None, after: str) -> None:
        """A task of `stage` (a record: stage '') goes from one state to another; None is from nowhere."""
        self.add(review, stage, "state", after)
        if before is not None:
            self.add(review, stage, "state", before, n=-1)

    def flush(self) -> None:
        rows = [{**dict(zip(_COUNTED, key, strict=True)), "n": n} for key, n in self._changes.items() if n]
        self._work.rows.insert(ChangeRow, rows)
        self._changes.clear()


_COUNTED = ("review", "stage", "what", "first", "second")

#: What changes of the flow are of; their sums have a table of their own (`store.flow`). `first` is a day and what is
#: counted, `second` a source and a reason, a line each.
FLOW = "flow"
#: What they come to whatever day and source they are of, which is summed up beside: what is counted, and the reason.
STANDS = "stands"
_FLOWING = ("review", "day", "stage", "what", "source", "reason")


def counts(work: Work) -> Counts:
    """The counts of this work."""
    return work.before_commit("screening.counts", lambda: Counts(work))


def fold(work: Work, limit: int) -> int:
    """Takes some changes out and adds them to their sums; answers how many.

    Each change is deleted by the one work that adds it, whoever else folds at the same time. Sums are written
    in one order everywhere, so that two works never wait for each other.
    """
    some = (
        select(col(ChangeRow.id)).order_by(col(ChangeRow.id)).limit(limit).with_for_update(skip_locked=True).cte("some")
    )
    table = ChangeRow.__table__
    taken = table.delete().where(table.c.id.in_(select(some.c.id))).returning(table)
    changes = work.session.connection().execute(taken).all()
    sums: Counter[tuple[str, ...]] = Counter()
    flow: Counter[tuple[str, ...]] = Counter()
    for change in changes:
        if change.what == FLOW:
            (day, what), (source, reason) = change.first.split("\n", 1), change.second.split("\n", 1)
            flow[change.review, day, change.stage, what, source, reason] += change.n
            sums[change.review, change.stage, STANDS, what, reason] += change.n
        else:
            sums[change.review, change.stage, change.what, change.first, change.second] += change.n
    _sum_up(work, CountRow.__table__, _COUNTED, sums)
    _sum_up(work, FlowRow.__table__, _FLOWING, flow)
    return len(changes)


def _sum_up(work: Work, table: Table, names: Sequence[str], sums: Counter[tuple[str, ...]]) -> None:
    rows = [{**dict(zip(names, key, strict=True)), "n": n} for key, n in sorted(sums.items()) if n]
    if rows:
        new = _insert(work, table)
        summed = new.on_conflict_do_update(index_elements=names, set_={"n": table.c.n + new.excluded.n})
        work.session.connection().execute(summed, rows)


#: Sums and changes in one look, since a fold may come between two.
_COUNTED_OF = text(
    f"""
SELECT stage, what, first, second, sum(n) AS n FROM (
    SELECT stage, what, first, second, n FROM counts
    WHERE review = :review AND what IN ('state', 'alone', '{STANDS}')
    UNION ALL
    SELECT stage, what, CASE what WHEN '{FLOW}' THEN substr(first, 12) ELSE first END AS first, second, n
    FROM count_changes WHERE review = :review AND what IN ('state', 'alone', '{FLOW}')
) AS parts GROUP BY stage, what, first, second HAVING sum(n) <> 0
"""
)

_WAITING = ", ".join(f"'{state}'" for state in TaskStates.WAITING)
_QUEUE_DEPTHS = text(
    f"""
SELECT review, stage, first AS state, sum(n) AS n FROM (
    SELECT review, stage, first, n FROM counts WHERE what = 'state' AND stage <> '' AND first IN ({_WAITING})
    UNION ALL
    SELECT review, stage, first, n FROM count_changes
    WHERE what = 'state' AND stage <> '' AND first IN ({_WAITING})
) AS parts GROUP BY review, stage, first
"""
)

_TIMES_COUNTED = text(
    """
SELECT stage, sum(n) AS n FROM (
    SELECT stage, n FROM counts WHERE review = :review AND what = 'voter' AND first = :person
    UNION ALL
    SELECT stage, n FROM count_changes WHERE review = :review AND what = 'voter' AND first = :person
) AS parts GROUP BY stage HAVING sum(n) <> 0
"""
)


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts of a review: of its records by state, and by stage of its tasks by state, of tasks with one vote, and
    of how records stand there, by the reason; as the flow of today has them."""

    states: dict[str, dict[str, int]]
    alone: dict[str, int]
    stands: dict[str, Counter[tuple[str, str]]]


def counted(work: Work, review: str) -> Counted:
    found = Counted({}, {}, defaultdict(Counter))
    for row in work.rows.read(_COUNTED_OF, {"review": review}):
        if row.what == "state":
            found.states.setdefault(row.stage, {})[row.first] = int(row.n)
        elif row.what == "alone":
            found.alone[row.stage] = int(row.n)
        else:  # A change has its source and reason as one.
            reason = row.second.split("\n", 1)[1] if row.what == FLOW else row.second
            found.stands[row.stage][row.first, reason] += int(row.n)
    return found


_STATED = text(
    """
SELECT stage, what, first AS imported, second AS answer, sum(n) AS n FROM (
    SELECT stage, what, first, second, n FROM counts WHERE review = :review AND what IN ('stated', 'applied')
    UNION ALL
    SELECT stage, what, first, second, n FROM count_changes WHERE review = :review AND what IN ('stated', 'applied')
) AS parts GROUP BY stage, what, first, second HAVING sum(n) <> 0
"""
)


def stated_and_applied(work: Work, review: str) -> dict[tuple[str, str, str], tuple[int, int]]:
    """How many decisions a file states, and by how many of them records are decided, by import, stage and answer."""
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for row in work.rows.read(_STATED, {"review": review}):
        key = row.imported, row.stage, row.answer
        stated, applied = found.get(key, (0, 0))
        n = int(row.n)
        found[key] = (stated + n, applied) if row.what == "stated" else (stated, applied + n)
    return found


def queue_depths(work: Work) -> dict[tuple[str, ...], int]:
    """How many tasks wait for people, by review, stage and state (open, conflict)."""
    rows = work.rows.read(_QUEUE_DEPTHS)
    return {(row.review, row.stage, row.state): int(row.n) for row in rows}


def times_counted(work: Work, review: str, person: str) -> dict[str, int]:
    """By stage how often a vote of this person was among all that a task needed."""
    return {row.stage: int(row.n) for row in work.rows.read(_TIMES_COUNTED, {"review": review, "person": person})}


def stages_voted_at(work: Work, review: str, person: str) -> set[str]:
    """The stages where a vote of this person is on a task that has all its votes."""
    return {stage for stage, n in times_counted(work, review, person).items() if n > 0}


#: Comparisons by people and answers, whatever their day.
_COMPARED = text(
    f"""
SELECT stage, substr(first, {DAY + 1}) AS people, second AS answers, sum(n) AS n FROM (
    SELECT stage, first, second, n FROM counts WHERE review = :review AND what = 'compared'
    UNION ALL
    SELECT stage, first, second, n FROM count_changes WHERE review = :review AND what = 'compared'
) AS parts WHERE substr(first, 1, {DAY - 1}) BETWEEN :since AND :until
GROUP BY stage, substr(first, {DAY + 1}), second HAVING sum(n) <> 0
"""
)


def compared(work: Work, review: str, since: date, until: date) -> dict[str, Compared]:
    """Stage -> how often these people gave these answers on one task, of which the last came in within these days."""
    found: dict[str, Compared] = {}
    given = {"review": review, "since": since.isoformat(), "until": until.isoformat()}
    for row in work.rows.read(_COMPARED, given):
        key = tuple(row.people.split("\n")), tuple(row.answers.split("\n"))
        found.setdefault(row.stage, Counter())[key] += int(row.n)
    return found


def compared_in_conflicts(work: Work, review: str, person: str, since: date, until: date) -> dict[str, Compared]:
    """The same of conflicts that are open or parked, or of votes that a merge moved there, in which this person has no
    part: who decides one has none before their first look."""
    of_conflict = func.coalesce(col(VoteRow.paired_on), col(TaskRow.id))
    mark = f"\n{person}\n"
    theirs = (col(LeaseRow.task) == TaskRow.id) & (col(LeaseRow.person) == person) & col(LeaseRow.ended).is_(None)
    look = (col(OpinionRow.task) == TaskRow.id) & (col(OpinionRow.person) == person)
    holds_unseen = select(col(LeaseRow.id)).where(theirs, col(TaskRow.adjudicators) != VOTERS).exists() & ~(
        select(col(OpinionRow.id)).where(look, col(OpinionRow.kind) == "look").exists()
    )
    parked = select(col(ParkingRow.task)).where(col(ParkingRow.review) == review, col(ParkingRow.ended).is_(None))
    # Each by an index of its own.
    open_to_others, parked_for_others = (
        select(of_conflict.label("task"))
        .join(TaskRow, (col(TaskRow.id) == VoteRow.task) & col(VoteRow.deciding).is_(False))
        .where(col(TaskRow.review) == review, which)
        .where((func.replace(col(TaskRow.takers), mark, "") == TaskRow.takers) | holds_unseen)
        for which in (IN_CONFLICT, col(TaskRow.id).in_(parked))
    )
    waiting = union(open_to_others, parked_for_others).subquery("waiting")
    query = (
        select(col(TaskRow.stage), col(TaskRow.compared), func.count())
        .join(waiting, waiting.c.task == TaskRow.id)
        .where(col(TaskRow.compared).is_not(None))
        .group_by(col(TaskRow.stage), col(TaskRow.compared))
    )
    found: dict[str, Compared] = {}
    for stage, written, n in work.rows.read(query):
        comparison = Comparison.read(written)
        if since <= comparison.day <= until:
            found.setdefault(stage, Counter())[comparison.people, comparison.answers] += n
    return found


def _insert(work: Work, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if is_sqlite(work.session) else postgresql.insert(table)
