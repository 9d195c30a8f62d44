"""`living db check` looks and writes nothing: no platform, an old one, one that differs, one that is at work."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from shared.errors import Conflict, NotFound
from tests.unit.services.cli.conftest import data


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_where_there_is_no_platform_one_line_says_so_and_nothing_is_made(run, tmp_path):
    result = run("db", "check")

    assert isinstance(result.exception, NotFound) and f"no platform in {tmp_path}/data" in result.exception.detail
    assert result.output == "" and list(tmp_path.iterdir()) == []


def test_new_databases_do_not_differ_and_looking_changes_no_byte(run, tmp_path):
    assert run("db", "upgrade").exit_code == 0
    before = contents(tmp_path)

    states = data(run("db", "check", "--json"))

    assert all(state["differences"] == [] and state["revision"] == state["newest"] for state in states)
    assert contents(tmp_path) == before


def test_a_database_that_a_platform_has_open_is_looked_into(run, tmp_path):
    run("db", "upgrade")
    with sqlite3.connect(tmp_path / "data" / "screening.db") as open_elsewhere:
        open_elsewhere.execute("CREATE TABLE meanwhile (a INTEGER)")
        open_elsewhere.commit()
        assert (tmp_path / "data" / "screening.db-wal").exists()

        result = run("db", "check")

    open_elsewhere.close()
    assert "1 x remove_table (meanwhile)" in " ".join(result.output.split())


def test_what_differs_is_summed_up_and_listed_in_json(run, tmp_path):
    run("db", "upgrade")
    with sqlite3.connect(tmp_path / "data" / "screening.db") as spoiled:
        for table in [row[0] for row in spoiled.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]:
            if table not in ("alembic_version", "sqlite_sequence"):
                spoiled.execute(f"DROP TABLE {table}")
    spoiled.close()

    result = run("db", "check")
    assert isinstance(result.exception, Conflict)
    assert len(result.output.splitlines()) < 20 and "add_table" in result.output
    screening = next(it for it in data(run("db", "check", "--json")) if it["service"] == "screening")
    assert any(seen.startswith("add_table tasks") for seen in screening["differences"])


def test_one_that_is_missing_is_told_and_not_made(run, tmp_path):
    run("db", "upgrade", "protocol")

    result = run("db", "check")

    assert isinstance(result.exception, Conflict)
    assert "none" in next(line for line in result.output.splitlines() if line.startswith("notify"))
    assert not (tmp_path / "data" / "notify.db").exists()


def test_one_that_is_gone_though_the_log_knows_its_work_is_told_as_a_start_would(run, home):
    (home / "ingest.db").unlink()

    refused = str(run("db", "check").exception)

    assert "older than the event log" in refused and "db upgrade" not in refused


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_an_unknown_service_is_refused_with_those_there_are(run, command):
    refused = run("db", command, "nope")

    assert refused.exit_code == 2 and "'nope' is not one of" in refused.output and "'screening'" in refused.output


def test_one_service_is_checked_alone(run):
    run("db", "upgrade", "protocol")

    assert run("db", "check", "protocol").exit_code == 0
    assert [it["service"] for it in data(run("db", "check", "protocol", "--json"))] == ["protocol"]


@pytest.mark.parametrize("words", [["upgrade"], ["upgrade", "protocol"]])
def test_what_it_makes_is_its_owners_alone(run, tmp_path, words):
    run("db", *words)

    made = [tmp_path / "data", *(tmp_path / "data").iterdir()]
    assert [str(path) for path in made if path.stat().st_mode & 0o077] == []
