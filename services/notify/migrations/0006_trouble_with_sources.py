"""trouble with sources."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "troubles",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("met_at", Instant(), nullable=False),
        sa.Column("cleared_at", Instant(), nullable=True),
        sa.Column("rejecting", Json, nullable=False),
        sa.PrimaryKeyConstraint("review", "source"),
    )


def downgrade() -> None:
    op.drop_table("troubles")
