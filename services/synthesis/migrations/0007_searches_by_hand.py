"""strategies that people search by hand, and when they were searched last."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "manual_strategies",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("database", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review", "strategy"),
    )
    op.create_table(
        "searches",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("searched_on", sa.Date(), nullable=False),
        sa.Column("search", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "strategy", "question"),
    )


def downgrade() -> None:
    op.drop_table("searches")
    op.drop_table("manual_strategies")
