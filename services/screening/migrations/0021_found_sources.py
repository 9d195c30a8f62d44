"""source records that were found, and how records stand.

What the flow counts is summed up beside whatever day and source it is of, in place of tasks that led their record out.
The flow counts each source record, where it counted records before. Of what is there already one is counted for each
record, on the day on which that came and for the source that it was counted for; which one that is, nobody knows here
until the record is told of again.
"""

from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_KEY = ("review", "source", "source_id")

#: Of these each record was counted under just one at the end of each day.
_ONE_EACH = ("waiting", "excluded", "included", "kept_out", "merged")

_SUMS = """
SELECT review, day, source, sum(n) AS n FROM flow WHERE what IN :one_each GROUP BY review, day, source
"""
_SUM_UP = """
INSERT INTO counts (review, stage, what, first, second, n)
SELECT review, stage, 'stands', what, reason, sum(n) FROM flow GROUP BY review, stage, what, reason
"""
#: As the release before counts it.
_COUNT_REASONS = """
INSERT INTO counts (review, stage, what, first, second, n)
SELECT review, stage, 'excluded_for', excluded_for, '', count(*) FROM tasks
WHERE excluded_for IS NOT NULL GROUP BY review, stage, excluded_for
"""
_CHANGES = "SELECT review, first, second, n FROM count_changes WHERE what = 'flow'"


def upgrade() -> None:
    op.create_table(
        "found_sources",
        *(sa.Column(name, sa.String(), nullable=False) for name in _KEY),
        sa.Column("counted_as", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY),
    )
    op.add_column("records", sa.Column("unlisted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(sa.text("UPDATE records SET unlisted = :yes").bindparams(sa.bindparam("yes", True, sa.Boolean())))
    names = ("review", "day", "stage", "what", "source", "reason")
    flow = sa.table("flow", *(sa.column(name) for name in (*names, "n")))
    rows = [
        dict(zip(names, (review, day, "", "found", source, ""), strict=True)) | {"n": n}
        for (review, day, source), n in sorted(_came().items())
        if n
    ]
    op.bulk_insert(flow, rows)
    op.execute("DELETE FROM counts WHERE what = 'excluded_for'")
    op.execute("DELETE FROM count_changes WHERE what = 'excluded_for'")
    op.execute(_SUM_UP)


def _came() -> Counter[tuple[str, str, str]]:
    """How many more records of a source a review had at the end of a day."""
    bind, came = op.get_bind(), Counter[tuple[str, str, str]]()
    sums = sa.text(_SUMS).bindparams(sa.bindparam("one_each", expanding=True))
    for row in bind.execute(sums, {"one_each": _ONE_EACH}):
        came[row.review, row.day, row.source] += int(row.n)
    for row in bind.execute(sa.text(_CHANGES)):
        day, what = row.first.split("\n", 1)
        if what in _ONE_EACH:
            came[row.review, day, row.second.split("\n", 1)[0]] += row.n
    return came


def downgrade() -> None:
    op.execute("DELETE FROM counts WHERE what = 'stands'")
    op.execute(_COUNT_REASONS)
    op.execute("DELETE FROM flow WHERE what = 'found'")
    op.execute("DELETE FROM count_changes WHERE what = 'flow' AND substr(first, 12) = 'found'")
    op.drop_column("records", "unlisted")
    op.drop_table("found_sources")
