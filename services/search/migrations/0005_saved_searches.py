"""saved searches."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("asked", Json, nullable=False),
        sa.Column("saved_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("saved_searches_of_owner", "saved_searches", ["review", "owner", "id"])
    op.create_index("saved_searches_by_name", "saved_searches", ["review", "owner", "name"], unique=True)


def downgrade() -> None:
    op.drop_table("saved_searches")
