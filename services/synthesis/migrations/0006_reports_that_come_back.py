"""what a report was before it was merged, on which record fragments were coded, and when a notice was told last."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("was", Json, nullable=True))
    with op.batch_alter_table("fragments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("coded_on", sa.String(), nullable=True))
        batch_op.create_index("fragments_coded_on", ["review", "coded_on"], unique=False)
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("emitted_at", Instant(), nullable=True))
    # What an earlier release moved in a merger stays where it is.
    op.execute("UPDATE fragments SET coded_on = record")


def downgrade() -> None:
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_column("emitted_at")
    with op.batch_alter_table("fragments", schema=None) as batch_op:
        batch_op.drop_index("fragments_coded_on")
        batch_op.drop_column("coded_on")
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.drop_column("was")
