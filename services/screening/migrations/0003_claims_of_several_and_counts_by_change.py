"""claims of several, and counts by change."""

from collections import Counter

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter as Growing
from shared.errors import Conflict

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_LIVE = {"postgresql_where": sa.text("ended IS NULL"), "sqlite_where": sa.text("ended IS NULL")}

#: The two independent votes of tasks that ask for two, and the task on which they were, or now are, counted as a
#: pair. Until now a pair was counted when its task was closed; now it counts in a conflict, too.
_PAIRS = """
SELECT CASE WHEN a.cast_on = b.cast_on THEN a.cast_on ELSE a.task END AS task,
       t.review AS review, t.stage AS stage, a.answer AS first, b.answer AS second, a.paired AS counted
FROM votes AS a
JOIN votes AS b ON b.task = a.task AND b.paired = a.paired AND a.person {bytewise} < b.person {bytewise}
JOIN tasks AS t ON t.id = a.task
WHERE NOT a.deciding AND NOT b.deciding AND t.votes_needed = 2
"""

_ALREADY_COUNTED = "SELECT review, stage, 'state' AS what, state AS first, '' AS second, n FROM counts"
_ALREADY_PAIRED = "SELECT review, stage, 'pair' AS what, first, second, n FROM vote_pairs"
_NOW_PAIRED = """
SELECT review, stage, 'pair' AS what, first, second, count(*) AS n FROM ({pairs}) AS pairs
WHERE NOT counted GROUP BY review, stage, first, second
"""
_ALONE = """
SELECT review, stage, 'alone' AS what, '' AS first, '' AS second, count(*) AS n FROM tasks
WHERE votes_cast = 1 AND state <> 'withdrawn' GROUP BY review, stage
"""
_VOTERS = """
SELECT t.review AS review, t.stage AS stage, 'voter' AS what, v.person AS first, '' AS second, count(*) AS n
FROM votes AS v JOIN tasks AS t ON t.id = v.task
WHERE t.state IN ('conflict', 'advanced', 'excluded') GROUP BY t.review, t.stage, v.person
"""


def upgrade() -> None:
    op.drop_index("leases_live", "leases", **_LIVE)
    op.add_column("leases", sa.Column("slot", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("leases_live", "leases", ["review", "person", "kind", "slot"], unique=True, **_LIVE)

    op.add_column("tasks", sa.Column("first", sa.String(), nullable=True))
    op.add_column("tasks", sa.Column("second", sa.String(), nullable=True))
    pairs = _PAIRS.format(bytewise='COLLATE "C"' if op.get_bind().dialect.name == "postgresql" else "")
    answers = "first = pairs.first, second = pairs.second"
    op.execute(f"UPDATE tasks SET {answers} FROM ({pairs}) AS pairs WHERE pairs.task = tasks.id")
    counted = _summed(_ALREADY_COUNTED, _ALREADY_PAIRED, _NOW_PAIRED.format(pairs=pairs), _ALONE, _VOTERS)
    op.add_column("votes", sa.Column("paired_on", sa.String(), nullable=True))
    op.execute("UPDATE votes SET paired_on = cast_on WHERE paired")
    op.drop_column("votes", "paired")

    op.drop_table("vote_pairs")
    op.drop_table("counts")
    counts = op.create_table(
        "counts",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review", "stage", "what", "first", "second"),
    )
    op.bulk_insert(counts, counted)
    op.create_table(
        "count_changes",
        sa.Column("id", Growing, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("count_changes_of_review", "count_changes", ["review"])


def downgrade() -> None:
    """Raises Conflict while someone holds several leases, which the tables before this cannot keep."""
    several = "SELECT count(*) FROM leases WHERE ended IS NULL AND slot > 0"
    if op.get_bind().execute(sa.text(several)).scalar_one():
        raise Conflict("people hold several leases at once; let them lapse before this downgrade", slug="leases_held")
    op.drop_index("leases_live", "leases", **_LIVE)
    op.drop_column("leases", "slot")
    op.create_index("leases_live", "leases", ["review", "person", "kind"], unique=True, **_LIVE)

    parts = "SELECT review, stage, what, first, second, n FROM {}"
    counted = _summed(parts.format("counts"), parts.format("count_changes"))
    op.drop_index("count_changes_of_review", "count_changes")
    op.drop_table("count_changes")
    op.drop_table("counts")
    counts = op.create_table(
        "counts",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review", "stage", "state"),
    )
    vote_pairs = op.create_table(
        "vote_pairs",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review", "stage", "first", "second"),
    )
    op.bulk_insert(counts, [{**_place(row), "state": row["first"]} for row in counted if row["what"] == "state"])
    paired = [row for row in counted if row["what"] == "pair"]
    op.bulk_insert(vote_pairs, [{**_place(row), "first": row["first"], "second": row["second"]} for row in paired])

    op.add_column("votes", sa.Column("paired", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE votes SET paired = true WHERE paired_on IS NOT NULL"
        " OR (NOT deciding AND task IN (SELECT id FROM tasks WHERE first IS NOT NULL))"
    )
    op.drop_column("votes", "paired_on")
    op.drop_column("tasks", "second")
    op.drop_column("tasks", "first")


def _summed(*queries: str) -> list[dict[str, object]]:
    """The rows of all these queries, one for each thing counted."""
    sums: Counter[tuple[str, ...]] = Counter()
    for query in queries:
        for *key, n in op.get_bind().execute(sa.text(query)):
            sums[tuple(key)] += n
    names = ("review", "stage", "what", "first", "second")
    return [{**dict(zip(names, key, strict=True)), "n": n} for key, n in sums.items() if n]


def _place(row: dict[str, object]) -> dict[str, object]:
    return {"review": row["review"], "stage": row["stage"], "n": row["n"]}
