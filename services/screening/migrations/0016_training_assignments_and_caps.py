"""training sets, assignments, caps."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


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


def downgrade() -> None:
    op.drop_table("training_answers")
