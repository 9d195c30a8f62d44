"""stream.

What becomes of conflicts is kept for those who follow a review, numbered in the order in which it is to be read, and
how its stages stood when it was told last. When a conflict that is there was opened was not kept: it is told as now.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter as Growing
from shared.db.types import Instant, Json

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_CONFLICTS = """
INSERT INTO conflict_turns (review, task, stage, turn, at)
SELECT review, id, stage, 'opened', :now FROM tasks WHERE state = 'conflict' ORDER BY review, position
"""


def upgrade() -> None:
    op.create_table(
        "conflict_turns",
        sa.Column("id", Growing, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("turn", sa.String(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("number", Growing, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("conflict_turns_of_review", "conflict_turns", ["review", "number"])
    open_still = sa.text("number IS NULL")
    op.create_index(
        "conflict_turns_without_number",
        "conflict_turns",
        ["review"],
        postgresql_where=open_still,
        sqlite_where=open_still,
    )
    op.get_bind().execute(sa.text(_CONFLICTS).bindparams(sa.bindparam("now", datetime.now(UTC), type_=Instant)))
    op.create_table(
        "streams",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("last", Growing, nullable=False),
        sa.PrimaryKeyConstraint("review"),
    )
    op.create_table(
        "queue_standings",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stages", Json, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("review"),
    )


def downgrade() -> None:
    for table in ("queue_standings", "streams", "conflict_turns"):
        op.drop_table(table)
