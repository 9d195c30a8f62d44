"""names of before.

Who voted before people had ids did so under a name. The votes' names are read once, here: none come to them.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_VOTED = """
SELECT tasks.review, votes.person, count(*) FROM votes JOIN tasks ON tasks.id = votes.cast_on
GROUP BY tasks.review, votes.person
"""

#: Ids, and what has a colon, as the machine's owner (`owner:root`), who never was anybody else.
_NO_NAME = re.compile(r"(person|key)_[0-9a-f]{32}|[^:]*:.*", re.DOTALL)


def upgrade() -> None:
    names = op.create_table(
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
    voted = op.get_bind().execute(sa.text(_VOTED)).all()
    rows = [{"review": review, "name": name, "acts": acts, "after": ""} for review, name, acts in voted]
    op.bulk_insert(names, [row for row in rows if not _NO_NAME.fullmatch(row["name"])])
    with op.batch_alter_table("votes", schema=None) as batch_op:
        batch_op.alter_column("task", existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    op.execute("UPDATE votes SET task = cast_on || ':' || id WHERE task IS NULL")
    with op.batch_alter_table("votes", schema=None) as batch_op:
        batch_op.alter_column("task", existing_type=sa.String(), nullable=False)
    op.drop_table("old_names")
