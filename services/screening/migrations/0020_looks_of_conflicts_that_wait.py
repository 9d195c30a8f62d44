"""looks of conflicts that wait.

Who gave their first look and put the conflict back finds it again: a look says in which review it waits until the
conflict is decided.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_WAITS = sa.text("waits_in <> ''")

#: A task that is open or parked may be a conflict again.
_OF_TASK = """
UPDATE opinions SET waits_in = (SELECT tasks.review FROM tasks WHERE tasks.id = opinions.task)
WHERE kind = 'look' AND EXISTS (
    SELECT 1 FROM tasks WHERE tasks.id = opinions.task AND tasks.state IN ('conflict', 'parked', 'open')
)
"""


def upgrade() -> None:
    op.add_column("opinions", sa.Column("waits_in", sa.String(), nullable=False, server_default=""))
    op.execute(_OF_TASK)
    op.create_index(
        "opinions_waiting", "opinions", ["waits_in", "person", "id"], postgresql_where=_WAITS, sqlite_where=_WAITS
    )


def downgrade() -> None:
    op.drop_index("opinions_waiting", "opinions", postgresql_where=_WAITS, sqlite_where=_WAITS)
    op.drop_column("opinions", "waits_in")
