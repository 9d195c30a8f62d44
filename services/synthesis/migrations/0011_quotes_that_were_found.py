"""quotes that were found in copies of reports."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEXTS = ("anchor", "text_copy", "parse_sha256", "quote_sha256", "salt", "lost")
NUMBERS = ("begins", "ends", "page")


def upgrade() -> None:
    with op.batch_alter_table("fragments", schema=None) as batch_op:
        for name in TEXTS:
            batch_op.add_column(sa.Column(name, sa.String(), nullable=True))
        for name in NUMBERS:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_fragments_anchor"), ["anchor"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("fragments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fragments_anchor"))
        for name in (*NUMBERS, *TEXTS):
            batch_op.drop_column(name)
