"""reasons, and what was judged."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Json

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "theory_changes",
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("correlation", sa.String(), nullable=False),
        sa.Column("last_position", Counter, nullable=False),
        sa.Column("position", Counter, nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("event", "stage"),
    )
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.add_column(sa.Column("excluded_for", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("text", sa.String(), nullable=True))
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("excluded_for", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("judged_for", Json, nullable=True))
    for table in ("votes", "revised_votes"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("excluded_for", sa.String(), nullable=True))
            batch_op.add_column(sa.Column("judged_for", Json, nullable=True))


def downgrade() -> None:
    for table, columns in (
        ("revised_votes", ("judged_for", "excluded_for")),
        ("votes", ("judged_for", "excluded_for")),
        ("tasks", ("judged_for", "excluded_for")),
        ("records", ("text", "excluded_for")),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column)
    op.drop_table("theory_changes")
