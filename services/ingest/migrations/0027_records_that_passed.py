"""records that passed.

An index of those records alone of which open copies are asked for; the one of before held all of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_PASSED = sa.text(
    "coalesce(merged_into, '') = '' AND (standing = 'included' OR standing = 'waiting' AND stage IS NOT NULL)"
)


def upgrade() -> None:
    op.drop_index("records_passed", "records")
    for name, columns in (("records_passed", ["review", "id", "doi"]), ("records_passed_by_doi", ["doi"])):
        op.create_index(name, "records", columns, postgresql_where=_PASSED, sqlite_where=_PASSED)


def downgrade() -> None:
    op.drop_index("records_passed_by_doi", "records", postgresql_where=_PASSED, sqlite_where=_PASSED)
    op.drop_index("records_passed", "records", postgresql_where=_PASSED, sqlite_where=_PASSED)
    op.create_index("records_passed", "records", ["review", "standing", "stage", "merged_into", "doi"])
