"""`living events`: a line an event; a replay says what is wrong with where it shall go, and logs beside its answer."""

from __future__ import annotations

import json

import pytest

from services.screening.manifest import SERVICE as SCREENING
from shared import logging
from shared.errors import Invalid, NotFound
from shared.keys.file import open_ring
from shared.runtime.platform import Platform
from shared.settings import Settings
from tests.unit.services.protocol.examples import SMALL, as_yaml


@pytest.fixture(autouse=True)
def key() -> None:
    open_ring(Settings(_env_file=None))


@pytest.mark.parametrize("into", ["foo", "again.db", "mysql://u@h/x", "postgresql+psycopg://u@h:port/x"])
def test_what_is_no_address_of_a_database_is_told(run, into):
    result = run("events", "replay", "screening", "--into", into)

    assert isinstance(result.exception, Invalid)
    assert f"--into {into}" in result.exception.detail and "sqlite:///FILE" in result.exception.detail


def test_a_file_in_a_folder_that_is_not_there_makes_no_folder(run, tmp_path):
    result = run("events", "replay", "screening", "--into", f"sqlite:///{tmp_path}/nope/x.db")

    assert isinstance(result.exception, Invalid) and f"there is no folder {tmp_path}/nope" in result.exception.detail
    assert not (tmp_path / "nope").exists()


def test_events_are_lines_of_json(run, protocol, tmp_path):
    for title in ("One", "Two"):
        file = tmp_path / "small.yaml"
        file.write_text(as_yaml({**SMALL, "title": title}))
        assert run("review", "apply", str(file)).exit_code == 0

    seen = run("events", "tail", "small", "--service", "protocol", "--json").stdout.splitlines()
    shown = run("events", "tail", "small", "--service", "protocol").stdout.splitlines()

    assert [json.loads(json.loads(line)["data"]["document"])["title"] for line in seen] == ["One", "Two"]
    assert len(shown) == 2


def test_a_trace_in_a_review_that_is_none_says_so(run, protocol):
    refused = run("events", "trace", "nope", "rec_nope").exception

    assert isinstance(refused, NotFound) and refused.slug == "unknown_review"


def test_what_a_replay_logs_is_of_the_level_set_and_goes_beside_its_answer(run, tmp_path, capsys):
    platform = Platform(Settings(scheduler=False, _env_file=None), [SCREENING])
    platform.start()
    platform.stop()

    result = run("events", "replay", "screening", "--into", f"sqlite:///{tmp_path}/again.db")
    logging.get("a service").debug("parked")
    logging.get("a service").warning("set aside")

    assert result.stdout == f"screening heard 0 events again, into sqlite:///{tmp_path}/again.db\n"
    out, err = capsys.readouterr()
    assert out == "" and "set aside" in err and "parked" not in err
