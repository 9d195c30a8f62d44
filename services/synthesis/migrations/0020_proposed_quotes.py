"""which quotes were proposed to their coders."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Json

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("fragments", sa.Column("proposed_by", Json, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("fragments", schema=None) as batch_op:
        batch_op.drop_column("proposed_by")
