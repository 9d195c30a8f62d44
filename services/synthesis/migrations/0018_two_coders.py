"""reports that coders are given, and what of two codings counts."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Counter, Instant, Json

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

CODES = sa.text("person IS NOT NULL AND finished_at IS NULL")
HELD = sa.text("person IS NOT NULL")
FREE = sa.text("person IS NULL AND open")


def upgrade() -> None:
    op.create_table(
        "extractions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("opened_on", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("coders", sa.Integer(), nullable=False),
        sa.Column("compared", sa.Boolean(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("extractions", schema=None) as batch_op:
        batch_op.create_index("extractions_of_record", ["review", "record"])
        batch_op.create_index("extractions_opened_on", ["review", "opened_on"])
        batch_op.create_index("extractions_of_state", ["review", "state", "id"])
    op.create_table(
        "codings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("extraction", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("extraction", "number"),
    )
    with op.batch_alter_table("codings", schema=None) as batch_op:
        for name, columns, where, unique in (
            ("codings_of_person", ["extraction", "person"], HELD, True),
            ("codings_in_hand", ["review", "person"], CODES, True),
            ("codings_free", ["review", "position"], FREE, False),
            ("codings_by_end", ["expires_at"], CODES, False),
        ):
            batch_op.create_index(name, columns, unique=unique, postgresql_where=where, sqlite_where=where)
        batch_op.create_index("codings_given", ["review", "person", "position"])
    op.create_table(
        "reconciliations",
        sa.Column("seq", Counter, nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("extraction", sa.String(), nullable=False),
        sa.Column("difference", sa.String(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("element", sa.String(), nullable=False),
        sa.Column("keep", sa.String(), nullable=False),
        sa.Column("kept", Json, nullable=False),
        sa.Column("dropped", Json, nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("reconciliations", schema=None) as batch_op:
        batch_op.create_index("reconciliations_of_extraction", ["extraction", "seq"])
    op.create_table(
        "coding_pairs",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("element", sa.String(), nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("review", "element", "first", "second"),
    )
    # A release before this one goes on writing beside it.
    op.add_column("reviews", sa.Column("coders", sa.Integer(), nullable=True))
    op.add_column("reviews", sa.Column("reconciled_by", sa.String(), nullable=False, server_default="coders"))
    op.add_column("reviews", sa.Column("to_open", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("links", sa.Column("held", sa.String(), nullable=True))
    op.add_column("fragments", sa.Column("extraction", sa.String(), nullable=True))
    op.create_index("ix_fragments_extraction", "fragments", ["extraction"])


def downgrade() -> None:
    op.drop_index("ix_fragments_extraction", table_name="fragments")
    op.drop_column("fragments", "extraction")
    op.drop_column("links", "held")
    for name in ("to_open", "reconciled_by", "coders"):
        op.drop_column("reviews", name)
    for table in ("coding_pairs", "reconciliations", "codings", "extractions"):
        op.drop_table(table)
