"""parked tasks, leases that came to nothing, what people skip, at which stage they are, and their notes."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NOW = {"postgresql_where": sa.text("ended IS NULL"), "sqlite_where": sa.text("ended IS NULL")}
_DUE = {
    "postgresql_where": sa.text("ended IS NULL AND until IS NOT NULL"),
    "sqlite_where": sa.text("ended IS NULL AND until IS NOT NULL"),
}


def upgrade() -> None:
    op.add_column("tasks", sa.Column("returned", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "returns",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("freed_by", sa.String(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("returns_of_task", "returns", ["task"])
    op.create_table(
        "notes",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("tags", Json, nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("review", "person", "task"),
    )
    op.create_index("notes_of_task", "notes", ["task"])
    op.create_table(
        "last_stages",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "person", "kind"),
    )
    op.create_table(
        "skips",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "person", "task"),
    )
    op.create_table(
        "parkings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("ended", sa.String(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("parkings_of_task", "parkings", ["task"])
    op.create_index("parkings_now", "parkings", ["review", "id"], **_NOW)
    op.create_index("parkings_of_person", "parkings", ["review", "person", "id"], **_NOW)
    op.create_index("parkings_due", "parkings", ["until"], **_DUE)


_COUNTED = """
INSERT INTO count_changes (review, stage, what, first, second, n)
SELECT review, stage, 'state', {state}, '', {n} FROM tasks WHERE state = 'parked'
"""
_AGAIN = "CASE WHEN votes_cast = votes_needed THEN 'conflict' ELSE 'open' END"


def downgrade() -> None:
    """A parked task waits for people again."""
    op.execute(_COUNTED.format(state=_AGAIN, n=1))
    op.execute(_COUNTED.format(state="'parked'", n=-1))
    op.execute("UPDATE leases SET ended = 'released' WHERE ended = 'freed'")
    op.execute(
        f"UPDATE tasks SET state = {_AGAIN},"
        " places = CASE WHEN votes_cast = votes_needed THEN 1 ELSE votes_needed - votes_cast END"
        " - (SELECT count(*) FROM leases WHERE leases.task = tasks.id AND ended IS NULL)"
        " WHERE state = 'parked'"
    )
    op.drop_table("parkings")
    op.drop_table("notes")
    op.drop_table("skips")
    op.drop_table("last_stages")
    op.drop_table("returns")
    op.drop_column("tasks", "returned")
