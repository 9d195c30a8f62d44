"""when a watch was paused."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("watches", sa.Column("paused_at", Instant, nullable=True))


def downgrade() -> None:
    op.drop_column("watches", "paused_at")
