"""votes of a person, and of a day.

A vote says at which stage of which review it was cast, which is that of its task, so that a person's own votes and what
was done on a day are found by an index.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_DONE = sa.text("ended IS NULL OR ended <> 'taken_back'")

_OF_TASK = """
UPDATE votes SET
    review = (SELECT tasks.review FROM tasks WHERE tasks.id = votes.cast_on),
    stage = (SELECT tasks.stage FROM tasks WHERE tasks.id = votes.cast_on)
WHERE EXISTS (SELECT 1 FROM tasks WHERE tasks.id = votes.cast_on)
"""


def upgrade() -> None:
    op.add_column("votes", sa.Column("review", sa.String(), nullable=False, server_default=""))
    op.add_column("votes", sa.Column("stage", sa.String(), nullable=False, server_default=""))
    op.execute(_OF_TASK)
    op.create_index("votes_of_person", "votes", ["review", "person", "id"])
    op.create_index(
        "votes_of_review",
        "votes",
        ["review", "cast_at", "person", "stage", "deciding", "ended"],
        postgresql_where=_DONE,
        sqlite_where=_DONE,
    )


def downgrade() -> None:
    op.drop_index("votes_of_review", "votes", postgresql_where=_DONE, sqlite_where=_DONE)
    op.drop_index("votes_of_person", "votes")
    op.drop_column("votes", "stage")
    op.drop_column("votes", "review")
