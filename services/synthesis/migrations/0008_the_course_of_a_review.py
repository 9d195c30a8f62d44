"""the course of a review."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("course", sa.String(), nullable=False, server_default="living"))
        batch_op.add_column(sa.Column("course_why", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("course_since", Instant(), nullable=True))
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.alter_column("course", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_column("course_since")
        batch_op.drop_column("course_why")
        batch_op.drop_column("course")
