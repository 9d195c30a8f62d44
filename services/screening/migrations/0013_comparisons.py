"""comparisons.

How votes on one task compare was counted for two votes, without saying whose they were. It is counted for any number
now, by day and people, so that agreement can be told of pairs of people and of cycles.
"""

from collections import Counter
from itertools import groupby

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

#: The independent votes of each task that has all it needs, wherever a merge has moved them since they were compared.
_VOTES = """
SELECT t.id, t.review, t.stage, v.person, v.answer, v.cast_at FROM votes AS v
JOIN tasks AS t ON t.id = coalesce(v.paired_on, v.task)
WHERE NOT v.deciding AND t.votes_needed > 1 AND (
    t.first IS NOT NULL OR (t.votes_needed > 2 AND t.votes_cast = t.votes_needed AND v.paired_on IS NULL
                            AND t.state IN ('conflict', 'advanced', 'excluded'))
)
ORDER BY t.id
"""

#: How many tasks one statement writes.
_AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("tasks", sa.Column("compared", sa.String(), nullable=True))
    op.create_table(
        "cycles",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("ended_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("review", "cycle"),
    )
    op.create_table(
        "agreement_alarms",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("fell_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("review", "stage", "first", "second"),
    )
    counted = _compare()
    for table in ("counts", "count_changes"):
        op.execute(f"DELETE FROM {table} WHERE what = 'pair'")
    counts = sa.table("counts", *(sa.column(name) for name in ("review", "stage", "what", "first", "second", "n")))
    rows = [
        {"review": review, "stage": stage, "what": "compared", "first": first, "second": second, "n": n}
        for (review, stage, first, second), n in sorted(counted.items())
    ]
    op.bulk_insert(counts, rows)
    op.drop_column("tasks", "first")
    op.drop_column("tasks", "second")


def _compare() -> Counter[tuple[str, str, str, str]]:
    """Writes under what each task's votes are compared; answers how often each comparison is there."""
    bind = op.get_bind()
    tasks = sa.table("tasks", sa.column("id"), sa.column("compared"))
    update = tasks.update().where(tasks.c.id == sa.bindparam("task")).values(compared=sa.bindparam("written"))
    counted: Counter[tuple[str, str, str, str]] = Counter()
    written: list[dict[str, str]] = []
    columns = {"id": sa.String, "review": sa.String, "stage": sa.String, "person": sa.String, "answer": sa.String}
    votes = bind.execute(sa.text(_VOTES).columns(**columns, cast_at=Instant)).all()
    for (task, review, stage), cast in groupby(votes, key=lambda vote: (vote.id, vote.review, vote.stage)):
        said = sorted(cast, key=lambda vote: vote.person)
        day = max(vote.cast_at for vote in said).date().isoformat()
        first, second = "\n".join([day, *(it.person for it in said)]), "\n".join(it.answer for it in said)
        counted[review, stage, first, second] += 1
        written.append({"task": task, "written": f"{first}\x1f{second}"})
    for start in range(0, len(written), _AT_ONCE):
        bind.execute(update, written[start : start + _AT_ONCE])
    return counted


def downgrade() -> None:
    bind = op.get_bind()
    op.add_column("tasks", sa.Column("first", sa.String(), nullable=True))
    op.add_column("tasks", sa.Column("second", sa.String(), nullable=True))
    tasks = sa.table("tasks", *(sa.column(name) for name in ("id", "review", "stage", "compared", "first", "second")))
    paired: Counter[tuple[str, str, str, str]] = Counter()
    written = []
    for task, review, stage, compared in bind.execute(
        sa.select(tasks.c.id, tasks.c.review, tasks.c.stage, tasks.c.compared).where(tasks.c.compared.is_not(None))
    ):
        answers = compared.partition("\x1f")[2].split("\n")
        if len(answers) == 2:
            paired[review, stage, answers[0], answers[1]] += 1
            written.append({"task": task, "one": answers[0], "other": answers[1]})
    update = (
        tasks.update()
        .where(tasks.c.id == sa.bindparam("task"))
        .values(first=sa.bindparam("one"), second=sa.bindparam("other"))
    )
    for start in range(0, len(written), _AT_ONCE):
        bind.execute(update, written[start : start + _AT_ONCE])
    for table in ("counts", "count_changes"):
        op.execute(f"DELETE FROM {table} WHERE what = 'compared'")
    counts = sa.table("counts", *(sa.column(name) for name in ("review", "stage", "what", "first", "second", "n")))
    op.bulk_insert(
        counts,
        [
            {"review": review, "stage": stage, "what": "pair", "first": first, "second": second, "n": n}
            for (review, stage, first, second), n in sorted(paired.items())
        ],
    )
    op.drop_table("agreement_alarms")
    op.drop_table("cycles")
    op.drop_column("tasks", "compared")
