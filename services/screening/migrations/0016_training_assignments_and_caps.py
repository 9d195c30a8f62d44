"""training sets, assignments, caps."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


_FREE = {"postgresql_where": sa.text("places > 0"), "sqlite_where": sa.text("places > 0")}
_POOLED = {"postgresql_where": sa.text("pool <> ''"), "sqlite_where": sa.text("pool <> ''")}
_WALKING = {"postgresql_where": sa.text("walk IS NOT NULL"), "sqlite_where": sa.text("walk IS NOT NULL")}
_BEFORE = ["review", "stage", "state", "taker", "position", "id", "takers"]


def upgrade() -> None:
    op.create_table(
        "training_answers",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("excluded_for", sa.String(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("review", "person", "stage", "asked"),
    )
    op.create_table(
        "assignments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("people", Json, nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("pools", Json, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("walk", sa.String(), nullable=True),
        sa.Column("reached", Json, nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("assignments_of_review", "assignments", ["review", "id"])
    op.create_index("assignments_walking", "assignments", ["walk", "id"], **_WALKING)
    op.create_table(
        "pools",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("assignment", sa.String(), nullable=False),
        sa.Column("begins", sa.Integer(), nullable=True),
        sa.Column("ends", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("pools_of_review", "pools", ["review"])
    op.create_table(
        "pool_members",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "person", "stage", "pool"),
    )
    op.create_index("pool_members_of_pool", "pool_members", ["pool"])
    op.create_table(
        "assigned",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("assignment", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "stage", "record"),
    )
    op.create_index("assigned_by", "assigned", ["assignment", "record"])
    op.create_table(
        "caps",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review", "person", "stage"),
    )
    op.create_index("votes_of_day", "votes", ["person", "cast_at"])
    op.add_column("tasks", sa.Column("pool", sa.String(), nullable=False, server_default=""))
    op.drop_index("tasks_queue", "tasks", **_FREE)
    op.create_index("tasks_queue", "tasks", [*_BEFORE[:3], "pool", *_BEFORE[3:]], **_FREE)
    op.create_index("tasks_of_pool", "tasks", ["pool", "id"], **_POOLED)


def downgrade() -> None:
    """Assigned tasks are anybody's again."""
    op.drop_index("tasks_of_pool", "tasks", **_POOLED)
    op.drop_index("tasks_queue", "tasks", **_FREE)
    op.create_index("tasks_queue", "tasks", _BEFORE, **_FREE)
    op.drop_column("tasks", "pool")
    op.drop_index("votes_of_day", "votes")
    for table in ("caps", "assigned", "pool_members", "pools", "assignments", "training_answers"):
        op.drop_table(table)
