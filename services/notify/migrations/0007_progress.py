"""progress.

How the stages of a review stand is kept for those who are told of it in a digest.
"""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("minutes", sa.Integer(), nullable=True))
    op.add_column("subscriptions", sa.Column("digested_at", Instant(), nullable=True))
    op.add_column("subscriptions", sa.Column("digest", sa.String(), nullable=True))
    asked_for = sa.text("minutes IS NOT NULL")
    op.create_index(
        "subscriptions_to_progress", "subscriptions", ["id"], postgresql_where=asked_for, sqlite_where=asked_for
    )
    op.create_table(
        "standings",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("stages", Json, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("correlation", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review"),
    )


def downgrade() -> None:
    op.drop_table("standings")
    op.drop_index("subscriptions_to_progress", "subscriptions")
    for name in ("minutes", "digested_at", "digest"):
        op.drop_column("subscriptions", name)
