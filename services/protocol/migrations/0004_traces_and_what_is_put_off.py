"""traces and what is put off."""

from shared.db import steps

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.keep_traces_and_what_is_put_off()


def downgrade() -> None:
    steps.forget_traces_and_what_is_put_off()
