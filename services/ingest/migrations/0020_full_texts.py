"""copies of reports, and whether each record's is sought, retrieved or not."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retrievals",
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("retry_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("record"),
    )
    op.create_index("retrievals_of_review", "retrievals", ["review", "record"])
    op.create_index("retrievals_in_state", "retrievals", ["review", "state", "record"])
    op.create_index("retrievals_due", "retrievals", ["state", "retry_at"])
    op.create_table(
        "texts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("given_on", sa.String(), nullable=True),
        sa.Column("carrier_source", sa.String(), nullable=True),
        sa.Column("carrier_id", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", Counter, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("licence", sa.String(), nullable=True),
        sa.Column("licence_class", sa.String(), nullable=False),
        sa.Column("readers", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", Instant, nullable=False),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", Instant, nullable=True),
        sa.Column("withdrawn_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("texts_of_record", "texts", ["record", "id"])
    op.create_index("texts_of_carrier", "texts", ["review", "carrier_source", "carrier_id"])
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seeking", sa.String(), nullable=True))
    # What passed a stage before is sought by the job, which tells it.
    op.execute(sa.text("UPDATE reviews SET seeking = ''"))


def downgrade() -> None:
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_column("seeking")
    op.drop_table("texts")
    op.drop_table("retrievals")
