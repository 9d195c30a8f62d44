"""who sent the bytes of a file, and so may name it."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("sent_by", sa.String(), nullable=False),
        sa.Column("sent_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("review", "sha256", "sent_by"),
    )
    op.create_index("uploads_sent", "uploads", ["sent_at"])


def downgrade() -> None:
    op.drop_index("uploads_sent", table_name="uploads")
    op.drop_table("uploads")
