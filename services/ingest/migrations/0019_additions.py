"""what people add by hand."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "additions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("where", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("consent", sa.String(), nullable=True),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("held_back", Json, nullable=True),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("withdrawn_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("additions_of_review", "additions", ["review", "id"])
    op.create_index("additions_of_source_record", "additions", ["review", "source", "source_id"])
    op.create_index("additions_alike", "additions", ["review", "digest"], unique=True)


def downgrade() -> None:
    op.drop_table("additions")
