"""what sources say of our budget, and those that are left alone."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant, Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("spent", Counter, nullable=False),
        sa.Column("said", Json, nullable=False),
        sa.Column("heard_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("source", "day"),
    )
    with op.batch_alter_table("quotas", schema=None) as batch_op:
        batch_op.create_index("quotas_of_day", ["day", "source"], unique=False)
    op.create_table(
        "parked_sources",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )


def downgrade() -> None:
    op.drop_table("parked_sources")
    op.drop_table("quotas")
