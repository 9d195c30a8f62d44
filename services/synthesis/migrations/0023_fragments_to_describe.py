"""what fragments say is told, also of those that were coded before it was."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A release before this one goes on writing beside it.
    op.add_column("fragments", sa.Column("described", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "undescribed",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("fragment", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.execute("INSERT INTO undescribed (fragment) SELECT id FROM fragments ORDER BY id")


def downgrade() -> None:
    op.drop_table("undescribed")
    op.drop_column("fragments", "described")
