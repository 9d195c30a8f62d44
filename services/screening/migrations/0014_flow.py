"""flow.

Where records stand is counted by day now, and the source that brought each is kept. Of what is there already the source
is not known here; the days are those on which its tasks were opened and closed.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_KEY = ("review", "day", "stage", "what", "source", "reason")

#: What a record is counted under: stage, what, reason.
_Standing = tuple[str, str, str]

_RECORDS = """
SELECT review, id, state, stage, rule, excluded_for, passed, merge, text, arrived_at FROM records ORDER BY review, id
"""
_TASKS = """
SELECT record, stage, closed_at FROM tasks WHERE review = :review AND closed_at IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("records", sa.Column("source", sa.String(), nullable=True))
    op.create_table(
        "flow",
        *(sa.Column(name, sa.String(), nullable=False) for name in _KEY),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY),
    )
    flow = sa.table("flow", *(sa.column(name) for name in (*_KEY, "n")))
    rows = [
        dict(zip(_KEY, (review, day, stage, what, "", reason), strict=True)) | {"n": n}
        for (review, day, stage, what, reason), n in sorted(_counted().items())
        if n
    ]
    op.bulk_insert(flow, rows)


def _counted() -> Counter[tuple[str, str, str, str, str]]:
    bind = op.get_bind()
    typed = {"passed": Json, "merge": Json, "arrived_at": Instant}
    records = bind.execute(sa.text(_RECORDS).columns(**{**_strings(), **typed})).all()
    closed: dict[tuple[str, str, str], datetime] = {}
    for review in {record.review for record in records}:
        tasks = sa.text(_TASKS).columns(record=sa.String, stage=sa.String, closed_at=Instant)
        for task in bind.execute(tasks, {"review": review}):
            closed[review, task.record, task.stage] = task.closed_at
    counted: Counter[tuple[str, str, str, str, str]] = Counter()
    for record in records:
        before: set[_Standing] = set()
        latest = ""
        for at, now in _course(record, closed):
            latest = max(latest, at.date().isoformat())
            for n, standings in ((-1, before - now), (1, now - before)):
                for stage, what, reason in standings:
                    counted[record.review, latest, stage, what, reason] += n
            before = now
    return counted


def _strings() -> dict[str, Any]:
    return dict.fromkeys(("review", "id", "state", "stage", "rule", "excluded_for", "text"), sa.String)


def _course(record: Any, closed: dict[tuple[str, str, str], datetime]) -> Iterator[tuple[datetime, set[_Standing]]]:
    """Where a record stood from when on, as far as its rows say."""
    was = (record.merge or {}).get("was") or {}
    state, stage, rule = record.state, record.stage or "", record.rule
    excluded_for = record.excluded_for
    if state == "merged":
        state, stage, rule = was.get("state", "screening"), was.get("stage") or stage, was.get("rule")
        excluded_for = was.get("excluded_for")
    at, passed = record.arrived_at, list(dict.fromkeys(record.passed))
    if state == "excluded" and rule is not None:
        yield at, {("", "kept_out", rule)}
    else:
        through: set[_Standing] = set()
        for name in passed:
            yield at, through | {(name, "waiting", "")}
            at = closed.get((record.review, record.id, name), at)
            through = through | {(name, "passed", "")}
        if state == "included":
            last = ("", "included", "")
        else:
            last = (stage, "waiting", "")
            if state == "excluded":
                yield at, through | {last}
                at = closed.get((record.review, record.id, stage), at)
                last = (stage, "excluded", excluded_for or "")
        yield at, through | {last} | ({("", record.text, "")} if record.text else set())
    if record.state == "merged":
        yield datetime.fromisoformat(record.merge["at"]) if record.merge else at, {("", "merged", "")}


def downgrade() -> None:
    op.execute("DELETE FROM count_changes WHERE what = 'flow'")
    op.drop_table("flow")
    op.drop_column("records", "source")
