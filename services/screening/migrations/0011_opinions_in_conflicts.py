"""opinions in conflicts, and who is absent."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opinions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=True),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("given_on", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("fields", Json, nullable=False),
        sa.Column("via", sa.String(), nullable=True),
        sa.Column("excluded_for", sa.String(), nullable=True),
        sa.Column("judged_for", Json, nullable=True),
        sa.Column("given_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("task", "person", "kind", name="opinions_one_per_person"),
    )
    op.create_table(
        "absent",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "person"),
    )


def downgrade() -> None:
    op.drop_table("absent")
    op.drop_table("opinions")
