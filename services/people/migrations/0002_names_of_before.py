"""names of before."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "old_names",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("mapped_at", Instant(), nullable=False),
        sa.Column("mapped_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "name"),
    )
    with op.batch_alter_table("old_names", schema=None) as batch_op:
        batch_op.create_index("old_names_of_person", ["person"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("old_names", schema=None) as batch_op:
        batch_op.drop_index("old_names_of_person")

    op.drop_table("old_names")
