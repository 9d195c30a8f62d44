"""what a run lacks, and what a lead accepts of that."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Json

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("watches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("accepted", Json, nullable=False, server_default="[]"))
    with op.batch_alter_table("watches", schema=None) as batch_op:
        batch_op.alter_column("accepted", server_default=None)
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lacking", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.alter_column("lacking", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_column("lacking")
    with op.batch_alter_table("watches", schema=None) as batch_op:
        batch_op.drop_column("accepted")
