"""batches, and decisions that files state."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TO_DO = {"postgresql_where": sa.text("ended_at IS NULL"), "sqlite_where": sa.text("ended_at IS NULL")}


def upgrade() -> None:
    op.add_column("tasks", sa.Column("by_batch", Json, nullable=True))
    op.add_column("records", sa.Column("decided_before", Json, nullable=False, server_default="[]"))
    op.create_index("opinions_given_on", "opinions", ["given_on"])
    op.create_table(
        "statements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("imported", sa.String(), nullable=False),
        sa.Column("file_sha256", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("mapping_sha256", sa.String(), nullable=False),
        sa.Column("brought_by", sa.String(), nullable=False),
        sa.Column("homed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("statements_of_record", "statements", ["review", "record"])
    op.create_index("statements_of_source", "statements", ["review", "source", "source_id"])
    op.create_index("statements_of_file", "statements", ["review", "imported", "stage", "answer", "record"])
    op.create_table(
        "parted_sources",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("review", "source", "source_id"),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked", Json, nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("via", sa.String(), nullable=True),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("left_alone", Json, nullable=False),
        sa.Column("taken_back", sa.Integer(), nullable=False),
        sa.Column("not_taken_back", Json, nullable=False),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_via", sa.String(), nullable=True),
        sa.Column("undo_reason", sa.Text(), nullable=True),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("batches_of_review", "batches", ["review", "id"])
    op.create_index("batches_to_do", "batches", ["id"], **_TO_DO)
    op.create_table(
        "batch_records",
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("was", Json, nullable=True),
        sa.Column("undone", sa.String(), nullable=True),
        sa.Column("undone_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("batch", "record"),
    )


def downgrade() -> None:
    """What was decided without a vote is to earlier releases a decision by the agreement of none."""
    op.execute("UPDATE tasks SET decided_by = 'agreement' WHERE decided_by IN ('imported', 'lead')")
    for what in ("stated", "applied"):
        for table in ("counts", "count_changes"):
            op.execute(f"DELETE FROM {table} WHERE what = '{what}'")
    op.execute("DELETE FROM flow WHERE what IN ('passed_before', 'excluded_before')")
    op.execute(
        "DELETE FROM count_changes WHERE what = 'flow' AND substr(first, 12) IN ('passed_before', 'excluded_before')"
    )
    for table in ("batch_records", "batches", "parted_sources", "statements"):
        op.drop_table(table)
    op.drop_index("opinions_given_on", "opinions")
    op.drop_column("records", "decided_before")
    op.drop_column("tasks", "by_batch")
