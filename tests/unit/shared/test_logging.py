"""Logs: whoever configures them again, or listens to them, has every logger, also one that was used before."""

from __future__ import annotations

import logging as standard
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from shared import logging
from shared.keys import INVITATIONS, PERSONS
from shared.settings import Settings


@pytest.fixture
def configured() -> Iterator[None]:
    root = standard.getLogger()
    handlers, level = root.handlers[:], root.level
    logging.configure(Settings(_env_file=None, log_format="json"))
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_logger_that_was_used_before_is_heard_after_another_configuration(configured, capfd):
    used = logging.get("shared.test")
    used.info("before")
    logging.configure(Settings(_env_file=None, log_format="human"))
    used.info("after", by="dora")

    seen = capfd.readouterr().err
    assert '"event": "before"' in seen and "after" in seen and '"event": "after"' not in seen
    with capture_logs() as lines:
        used.info("captured")
    assert [line["event"] for line in lines] == ["captured"]
    assert "captured" not in capfd.readouterr().err


def test_a_drivers_warnings_which_may_quote_rows_are_not_logged(configured, capfd):
    standard.getLogger("psycopg").warning("error ignored: CONTEXT: COPY votes, line 1: a secret")
    standard.getLogger("psycopg").error("it is down")

    seen = capfd.readouterr().err
    assert "a secret" not in seen and "it is down" in seen


def test_a_key_or_a_link_that_slipped_into_a_line_says_only_which_it_is(configured, capfd):
    secret = "aZ09-_" * 8
    logging.get("shared.test").info("request", path=f"/people/keys/{PERSONS}{'0a' * 16}_{secret}", ms=3)
    standard.getLogger("some.library").error(f"link {INVITATIONS}{'0b' * 16}_{secret}")

    seen = capfd.readouterr().err
    assert secret not in seen
    assert f"living_key_{'0a' * 16}_(hidden)" in seen and f"living_invitation_{'0b' * 16}_(hidden)" in seen
