"""raw answers of sources, kept as blobs."""

import sqlalchemy as sa
from alembic import op

from shared.db import steps
from shared.db.types import Counter, Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.let_blobs_be_kept()
    op.create_table(
        "raw_answers",
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("fetched_at", Instant(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", Counter, nullable=False),
        sa.PrimaryKeyConstraint("run", "number"),
    )


def downgrade() -> None:
    op.drop_table("raw_answers")
    steps.let_no_blobs_be_kept()
