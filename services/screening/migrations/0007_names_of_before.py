"""names of before.

Who voted before people had ids did so under a name. The votes' names are read once, here: none come to them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: The machine's owner never was anybody else.
_OLD = "votes.person NOT LIKE 'person~_%' ESCAPE '~' AND votes.person NOT LIKE 'owner:%'"


def upgrade() -> None:
    op.create_table(
        "old_names",
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("acts", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("correlation", sa.String(), nullable=True),
        sa.Column("caused_by", sa.String(), nullable=True),
        sa.Column("after", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("review", "name"),
    )
    op.execute(
        f"""
INSERT INTO old_names (review, name, acts, after)
SELECT tasks.review, votes.person, count(*), '' FROM votes JOIN tasks ON tasks.id = votes.cast_on
WHERE {_OLD} GROUP BY tasks.review, votes.person
"""
    )
    with op.batch_alter_table("votes", schema=None) as batch_op:
        batch_op.alter_column("task", existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    op.execute("UPDATE votes SET task = cast_on || ':' || id WHERE task IS NULL")
    with op.batch_alter_table("votes", schema=None) as batch_op:
        batch_op.alter_column("task", existing_type=sa.String(), nullable=False)
    op.drop_table("old_names")
