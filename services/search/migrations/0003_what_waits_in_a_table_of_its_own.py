"""what waits in a table of its own."""

from shared.db import steps

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.let_what_waits_have_a_table()


def downgrade() -> None:
    steps.mark_what_was_published()
