"""what proposes codings: what people coded, how each was evaluated, what it proposes, and what coders make of it."""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coded_links",
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("anchor", sa.String(), nullable=True),
        sa.Column("cmoc", sa.String(), nullable=True),
        sa.Column("element", sa.String(), nullable=True),
        sa.Column("stance", sa.String(), nullable=True),
        sa.Column("linked_at", Instant(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("link"),
    )
    with op.batch_alter_table("coded_links", schema=None) as batch_op:
        batch_op.create_index("coded_links_of_text", ["review", "text", "link"], unique=False)

    op.create_table(
        "evaluations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("proposer", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("prompt", sa.String(), nullable=True),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("behind", sa.String(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("links", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("proposed", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("asked_tokens", sa.Integer(), nullable=False),
        sa.Column("answered_tokens", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.create_index(
            "evaluations_due",
            ["due_at", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )
        batch_op.create_index("evaluations_of_proposer", ["review", "proposer", "id"], unique=False)

    op.create_table(
        "proposal_decisions",
        sa.Column("proposal", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("proposal", "person"),
    )
    op.create_table(
        "proposed_codings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("reading", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("begins", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.Column("cmoc", sa.String(), nullable=False),
        sa.Column("element", sa.String(), nullable=False),
        sa.Column("stance", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("proposed_codings", schema=None) as batch_op:
        batch_op.create_index("proposed_codings_of_reading", ["reading", "begins", "id"], unique=False)

    op.create_table(
        "proposed_readings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("parse", sa.String(), nullable=False),
        sa.Column("proposer", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposals", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("asked_tokens", sa.Integer(), nullable=False),
        sa.Column("answered_tokens", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("proposed_readings", schema=None) as batch_op:
        batch_op.create_index(
            "proposed_readings_due",
            ["due_at", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "proposers",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("proposer", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("evaluation", sa.String(), nullable=True),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("switched_by", sa.String(), nullable=False),
        sa.Column("switched_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("review", "proposer"),
    )
    # A release before this one goes on writing beside it.
    op.add_column("reviews", sa.Column("cmocs", Json, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_column("cmocs")

    op.drop_table("proposers")
    with op.batch_alter_table("proposed_readings", schema=None) as batch_op:
        batch_op.drop_index(
            "proposed_readings_due",
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )

    op.drop_table("proposed_readings")
    with op.batch_alter_table("proposed_codings", schema=None) as batch_op:
        batch_op.drop_index("proposed_codings_of_reading")

    op.drop_table("proposed_codings")
    op.drop_table("proposal_decisions")
    with op.batch_alter_table("evaluations", schema=None) as batch_op:
        batch_op.drop_index("evaluations_of_proposer")
        batch_op.drop_index(
            "evaluations_due", postgresql_where=sa.text("state = 'waiting'"), sqlite_where=sa.text("state = 'waiting'")
        )

    op.drop_table("evaluations")
    with op.batch_alter_table("coded_links", schema=None) as batch_op:
        batch_op.drop_index("coded_links_of_text")

    op.drop_table("coded_links")
