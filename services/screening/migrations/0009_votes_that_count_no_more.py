"""votes that count no more, and revised ones.

What was voted before may be known to others, so nobody takes it back: whoever had voted on a task saw its other votes.
"""

import sqlalchemy as sa
from alembic import op

from shared.db.types import Instant, Json

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("beside", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("tasks", sa.Column("for_adjudicator", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("tasks", sa.Column("asked_anew_at", Instant(), nullable=True))
    op.add_column("votes", sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("votes", sa.Column("ended", sa.String(), nullable=True))
    op.add_column("votes", sa.Column("ended_at", Instant(), nullable=True))
    op.add_column("votes", sa.Column("counted_on", sa.String(), nullable=True))
    op.create_index("votes_counted_on", "votes", ["counted_on"], **_ENDED)
    op.execute(sa.text("UPDATE votes SET shown = :shown").bindparams(sa.bindparam("shown", True, sa.Boolean())))
    op.create_table(
        "revised_votes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("fields", Json, nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("via", sa.String(), nullable=True),
        sa.Column("cast_at", Instant(), nullable=False),
        sa.Column("emitted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("revised_votes_of_task", "revised_votes", ["task"])


def downgrade() -> None:
    op.drop_table("revised_votes")
    op.drop_index("votes_counted_on", "votes", **_ENDED)
    for name in ("shown", "ended", "ended_at", "counted_on"):
        op.drop_column("votes", name)
    for name in ("beside", "for_adjudicator", "asked_anew_at"):
        op.drop_column("tasks", name)


_ENDED = {
    "postgresql_where": sa.text("counted_on IS NOT NULL"),
    "sqlite_where": sa.text("counted_on IS NOT NULL"),
}
