"""where works are open, and the DOI by which a record is asked for."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_records = sa.table("records", sa.column("bibliography", Json), sa.column("doi", sa.String()))


def upgrade() -> None:
    op.create_table(
        "open_copies",
        sa.Column("doi", sa.String(), nullable=False),
        sa.Column("found", sa.String(), nullable=True),
        sa.Column("openness", sa.String(), nullable=True),
        sa.Column("locations", Json, nullable=False),
        sa.Column("remarks", Json, nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("retry_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("doi"),
    )
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.add_column(sa.Column("doi", sa.String(), nullable=True))
    op.execute(_records.update().values(doi=_records.c.bibliography["identifiers"]["doi"].as_string()))
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.create_index("records_passed", ["review", "standing", "stage", "merged_into", "doi"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.drop_index("records_passed")
        batch_op.drop_column("doi")
    op.drop_table("open_copies")
