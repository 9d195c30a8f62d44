"""how confident people are in CMOCs."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "confidences",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("methodological_limitations", sa.String(), nullable=False),
        sa.Column("coherence", sa.String(), nullable=False),
        sa.Column("adequacy", sa.String(), nullable=False),
        sa.Column("relevance", sa.String(), nullable=False),
        sa.Column("confidence", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("confidences", schema=None) as batch_op:
        batch_op.create_index("confidences_of_cmoc", ["review", "cmoc", "seq"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("confidences", schema=None) as batch_op:
        batch_op.drop_index("confidences_of_cmoc")
    op.drop_table("confidences")
