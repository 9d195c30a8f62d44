"""files of records that leave, and where each record was decided, and why."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column("standing", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("size", Counter, nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("ended_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("exports_of_review", "exports", ["review", "id"])
    op.create_index("exports_of_state", "exports", ["state", "id"])
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.add_column(sa.Column("at_stage", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("reason", sa.String(), nullable=True))
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("first_stage", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_column("first_stage")
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.drop_column("reason")
        batch_op.drop_column("at_stage")
    op.drop_table("exports")
