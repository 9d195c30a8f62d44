"""Logs: whoever configures them again, or listens to them, has every logger, also one that was used before."""

from __future__ import annotations

import json
import logging as standard
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
    assert '"event":"before"' in seen and "after" in seen and '"event":"after"' not in seen
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


def test_lines_below_the_level_are_left_out_also_of_a_logger_that_was_used_before(configured, capfd):
    used = logging.get("shared.test")
    used.info("first")
    logging.configure(Settings(_env_file=None, log_format="json", log_level="warning"))
    used.info("second")
    used.warning("third")

    seen = capfd.readouterr().err
    assert "first" in seen and "second" not in seen and "third" in seen


def test_a_value_that_json_hardly_has_keeps_no_line_back(configured, capfd):
    logging.get("shared.test").info("odd", number=2**70, half="\ud800", thing={1: object()})

    [line] = capfd.readouterr().err.splitlines()
    assert json.loads(line)["number"] == 2**70


def test_an_error_is_logged_in_one_line_with_its_traceback(configured, capfd):
    try:
        raise ValueError("broken")
    except ValueError:
        logging.get("shared.test").exception("failed", what="it")

    [line] = capfd.readouterr().err.splitlines()
    said = json.loads(line)
    assert said["level"] == "error" and said["logger"] == "shared.test" and "ValueError: broken" in said["exception"]


@pytest.mark.waits
def test_lines_of_many_threads_are_never_written_into_one_another(configured, capfd):
    log = logging.get("shared.test")

    def tell(number: int) -> None:
        for _ in range(200):
            log.info("said", by=number, text="x" * 300)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(tell, range(8)))

    said = [json.loads(line)["by"] for line in capfd.readouterr().err.splitlines()]
    assert Counter(said) == {number: 200 for number in range(8)}
